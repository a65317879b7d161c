"""A one-off task: started, its log lines shown as they come, its exit code told."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from arca.clients import client, explained
from arca.clock import Clock
from arca.errors import ArcaError
from arca.release.service import Service, short

POLL_SECONDS = 3.0
STARTED_BY = "arca"
MOST_MISSES = 10
"""Looks in a row that may not find a task: ECS is eventually consistent (Amazon ECS API Reference,
RunTask)."""
STOPPED = "STOPPED"


@dataclass(frozen=True)
class Result:
    """How the container ended. ECS forgets a task within the hour; all of it is kept here."""

    task: str
    exit_code: int | None
    """None where the container never ran."""
    reason: str
    lines: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "task": self.task,
            "exit_code": self.exit_code,
            "reason": self.reason,
            "lines": list(self.lines),
        }


class Task:
    """A task of a family, run beside the service: its network, the jobs' security group."""

    def __init__(self, service: Service, definition: Mapping[str, Any], clock: Clock) -> None:
        self._service, self._clock = service, clock
        self._definition = definition
        self._container: Mapping[str, Any] = definition["containerDefinitions"][0]
        self._logs = client(service.stack, "logs")

    def run(
        self,
        command: Sequence[str],
        *,
        show: Callable[[str], None],
        timeout: timedelta,
        environment: Mapping[str, str] | None = None,
        token: str = STARTED_BY,
    ) -> Result:
        """Run the command to its end.

        A `token` of its own says which run it is: where a task of the same one still runs, whose
        follower was killed, that one is followed. Raises ArcaError where the task is not accepted,
        and after the timeout, which stops it.
        """
        left = self._left(token)
        if left is not None:
            show(f"following {short(left)}, which was started before")
        arn = left or self._start(command, environment or {}, token)
        try:
            return self._follow(arn, show, timeout)
        except (KeyboardInterrupt, ArcaError):
            self._stop(arn, show)
            raise

    def _stop(self, arn: str, show: Callable[[str], None]) -> None:
        # What ended the watching is what has to be known: a failure here stands beside it.
        ecs = self._service.ecs
        try:
            with explained(self._service.stack, "The task cannot be stopped"):
                try:
                    ecs.stop_task(
                        cluster=self._service.names["cluster"], task=arn, reason="stopped by arca"
                    )
                except ecs.exceptions.InvalidParameterException:
                    return
        except ArcaError as error:
            show(f"{short(arn)} may still run. {error.what}")

    def _left(self, token: str) -> str | None:
        if token == STARTED_BY:
            return None
        with explained(self._service.stack, "The tasks cannot be read"):
            # It may be the only filter, and finds what runs (Amazon ECS API Reference, ListTasks).
            found = self._service.ecs.list_tasks(
                cluster=self._service.names["cluster"], startedBy=token
            )["taskArns"]
        return found[0] if found else None

    def _start(self, command: Sequence[str], environment: Mapping[str, str], token: str) -> str:
        network = self._service.stack.outputs.network
        override = {
            "name": self._container["name"],
            "environment": [{"name": k, "value": v} for k, v in environment.items()],
        }
        if command:
            override["command"] = list(command)
        with explained(self._service.stack, "The task cannot be started"):
            answer = self._service.ecs.run_task(
                cluster=self._service.names["cluster"],
                taskDefinition=self._definition["taskDefinitionArn"],
                launchType="FARGATE",
                startedBy=token,
                networkConfiguration={
                    "awsvpcConfiguration": {
                        "subnets": network.private_subnet_ids,
                        "securityGroups": [network.job_security_group_id],
                        "assignPublicIp": "DISABLED",
                    }
                },
                overrides={"containerOverrides": [override]},
            )
        if not answer["tasks"]:
            reasons = ", ".join(failure.get("reason", "") for failure in answer["failures"])
            raise ArcaError(
                f"The task was not started: {reasons}",
                where=f"{self._service.stack.where}, {self._definition['family']}",
                wanted="a task",
                do="look at the account's Fargate quota and the subnets' free addresses",
            )
        return answer["tasks"][0]["taskArn"]

    def _follow(self, arn: str, show: Callable[[str], None], timeout: timedelta) -> Result:
        deadline = self._clock.now() + timeout
        lines: list[str] = []
        seen = _Stream(self._logs, self._container, short(arn))
        misses = 0
        while True:
            with explained(self._service.stack, "The task cannot be read"):
                task = self._look(arn)
                # Read after the status: what a stopped task wrote is all there.
                for line in seen.new():
                    lines.append(line)
                    show(line)
            misses = 0 if task else misses + 1
            if misses > MOST_MISSES:
                raise ArcaError(
                    "The task is gone, and nobody saw how it ended.",
                    where=f"{self._service.stack.where}, {arn}",
                    wanted="a task that ECS knows; of stopped ones it knows for an hour",
                    do="see its last lines above, and run it again",
                )
            if task and task["lastStatus"] == STOPPED:
                return self._result(task, tuple(lines))
            if self._clock.now() > deadline:
                raise ArcaError(
                    f"The task did not end within {timeout}; it was stopped.",
                    where=f"{self._service.stack.where}, {arn}",
                    wanted="an end",
                    do="see its last lines above; give it longer with --timeout",
                )
            self._clock.sleep(POLL_SECONDS if self._service.stack.endpoint is None else 0.1)

    def _look(self, arn: str) -> Mapping[str, Any] | None:
        found = self._service.ecs.describe_tasks(
            cluster=self._service.names["cluster"], tasks=[arn]
        )["tasks"]
        return found[0] if found else None

    def _result(self, task: Mapping[str, Any], lines: tuple[str, ...]) -> Result:
        containers = {one["name"]: one for one in task["containers"]}
        container = containers.get(self._container["name"], {})
        # A container that was never pulled has no exit code, which must not read as 0.
        return Result(
            task["taskArn"],
            container.get("exitCode"),
            container.get("reason") or task.get("stoppedReason", ""),
            lines,
        )


class _Stream:
    """A task's log stream, each line once."""

    def __init__(self, logs: Any, container: Mapping[str, Any], task: str) -> None:
        options = container.get("logConfiguration", {}).get("options", {})
        self._logs, self._group = logs, options.get("awslogs-group")
        prefix = options.get("awslogs-stream-prefix", "")
        self._stream = f"{prefix}/{container['name']}/{task}"
        self._token: str | None = None

    def new(self) -> Iterator[str]:
        """What was not given yet."""
        if self._group is None:
            return
        while True:
            arguments = {"nextToken": self._token} if self._token else {}
            try:
                answer = self._logs.get_log_events(
                    logGroupName=self._group,
                    logStreamName=self._stream,
                    startFromHead=True,
                    **arguments,
                )
            except self._logs.exceptions.ResourceNotFoundException:
                return
            yield from (event["message"] for event in answer["events"])
            token = answer["nextForwardToken"]
            if token == self._token or not answer["events"]:
                self._token = token
                return
            self._token = token
