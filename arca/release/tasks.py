"""One-off tasks: start one, show its log lines as they come, tell its exit code."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from arca_migrate.durations import in_words

from arca.clients import client, explained
from arca.clock import Clock
from arca.errors import ArcaError, ExitCode
from arca.release.outage import outlast
from arca.release.service import EcsService, short
from arca.release.steps import LockLost

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import ContainerOverrideTypeDef, RunTaskResponseTypeDef
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import GetLogEventsRequestTypeDef

TASK_POLL_SECONDS = 3.0
EMULATED_TASK_POLL_SECONDS = 0.1
STARTED_BY = "arca"
MOST_MISSED_LOOKS = 10
"""Looks in a row that may not find a task: ECS is eventually consistent (Amazon ECS API Reference,
RunTask)."""


@dataclass(frozen=True)
class TaskResult:
    """How a task's container ended, kept because ECS forgets a task within the hour."""

    task: str
    exit_code: int | None
    """The container's; None where it never ran."""
    reason: str
    lines: tuple[str, ...]

    @property
    def process_exit_code(self) -> int:
        """The process exit code: the container's, or FAILED where it never ran."""
        return ExitCode.FAILED if self.exit_code is None else self.exit_code

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {**asdict(self), "lines": list(self.lines)}


class OneOffTask:
    """A task beside the service, in its network and with the jobs' security group."""

    def __init__(self, service: EcsService, definition: Mapping[str, Any], clock: Clock) -> None:
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
        token: str = STARTED_BY,
        variables: Mapping[str, str] | None = None,
    ) -> TaskResult:
        """Run the command to its end, with these variables beside the definition's own.

        A `token` other than STARTED_BY names the run. A task of that run that still runs, because
        its follower was killed, is followed, and no second one is started. Raises ArcaError where
        ECS does not accept the task, and after the timeout, which stops the task.
        """
        left = self._left_running(token)
        if left is not None:
            show(f"following {short(left)}, which was started before")
        arn = left or self._start(command, token, variables or {})
        try:
            return self._follow(arn, show, timeout)
        except (KeyboardInterrupt, ArcaError) as error:
            # Whoever took the lock over follows the task of that run, and needs it.
            if not (isinstance(error, LockLost) and token != STARTED_BY):
                self._stop(arn, show)
            raise

    def _left_running(self, token: str) -> str | None:
        if token == STARTED_BY:
            return None
        with explained(self._service.stack, "The tasks cannot be read"):
            # `startedBy` must be the only filter; it finds running tasks (Amazon ECS API Reference,
            # ListTasks).
            found = self._service.ecs.list_tasks(
                cluster=self._service.names["cluster"], startedBy=token
            )["taskArns"]
        return found[0] if found else None

    def _start(self, command: Sequence[str], token: str, variables: Mapping[str, str]) -> str:
        override: ContainerOverrideTypeDef = {
            "name": self._container["name"],
            "command": list(command),
            "environment": [{"name": name, "value": value} for name, value in variables.items()],
        }
        # One token for all attempts: ECS starts one task (Amazon ECS API Reference, "Ensuring
        # idempotency").
        once = str(uuid.uuid4())
        answer = outlast(lambda: self._ask(override, token, once), self._clock)
        if not answer["tasks"]:
            reasons = ", ".join(failure.get("reason", "") for failure in answer["failures"])
            raise ArcaError(
                f"The task was not started: {reasons}",
                where=f"{self._service.stack.where}, {self._definition['family']}",
                wanted="a task",
                do="look at the account's Fargate quota and the subnets' free addresses",
            )
        return answer["tasks"][0]["taskArn"]

    def _ask(
        self, override: "ContainerOverrideTypeDef", token: str, once: str
    ) -> "RunTaskResponseTypeDef":
        network = self._service.stack.outputs.network
        with explained(self._service.stack, "The task cannot be started"):
            return self._service.ecs.run_task(
                clientToken=once,
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

    def _follow(self, arn: str, show: Callable[[str], None], timeout: timedelta) -> TaskResult:
        deadline = self._clock.now() + timeout
        emulated = self._service.stack.endpoint is not None
        lines: list[str] = []
        stream = _LogStream(self._logs, self._container, short(arn))
        misses = 0
        while True:
            task = outlast(lambda: self._look(arn, stream, lines, show), self._clock)
            misses = 0 if task else misses + 1
            if misses > MOST_MISSED_LOOKS:
                raise ArcaError(
                    "The task is gone, and nobody saw how it ended.",
                    where=f"{self._service.stack.where}, {arn}",
                    wanted="a task that ECS knows; it knows stopped ones for an hour",
                    do="see its last lines above, and run it again",
                )
            if task and task["lastStatus"] == "STOPPED":
                return self._result(task, tuple(lines))
            if self._clock.now() > deadline:
                raise ArcaError(
                    f"The task did not end within {in_words(timeout)}; it was stopped.",
                    where=f"{self._service.stack.where}, {arn}",
                    wanted="an end",
                    do="see its last lines above; give it longer with --timeout",
                )
            self._clock.sleep(EMULATED_TASK_POLL_SECONDS if emulated else TASK_POLL_SECONDS)

    def _look(
        self, arn: str, stream: "_LogStream", lines: list[str], show: Callable[[str], None]
    ) -> Mapping[str, Any] | None:
        """Return the task as ECS describes it, and show the lines that came since."""
        with explained(self._service.stack, "The task cannot be read"):
            task = self._describe(arn)
            # Read after the status: what a stopped task wrote is all there.
            for line in stream.new_lines():
                lines.append(line)
                show(line)
        return task

    def _describe(self, arn: str) -> Mapping[str, Any] | None:
        found = self._service.ecs.describe_tasks(
            cluster=self._service.names["cluster"], tasks=[arn]
        )["tasks"]
        return found[0] if found else None

    def _result(self, task: Mapping[str, Any], lines: tuple[str, ...]) -> TaskResult:
        containers = {one["name"]: one for one in task["containers"]}
        container = containers.get(self._container["name"], {})
        # A container that was never pulled has no exit code, which must not read as 0.
        return TaskResult(
            task=task["taskArn"],
            exit_code=container.get("exitCode"),
            reason=container.get("reason") or task.get("stoppedReason", ""),
            lines=lines,
        )

    def _stop(self, arn: str, show: Callable[[str], None]) -> None:
        # The error that ended the following is raised: a failure here is only shown.
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


class _LogStream:
    """A task's log stream, of which each line is read once."""

    def __init__(
        self, logs: "CloudWatchLogsClient", container: Mapping[str, Any], task: str
    ) -> None:
        options = container.get("logConfiguration", {}).get("options", {})
        self._logs, self._group = logs, options.get("awslogs-group")
        prefix = options.get("awslogs-stream-prefix", "")
        self._stream = f"{prefix}/{container['name']}/{task}"
        self._token: str | None = None

    def new_lines(self) -> Iterator[str]:
        """Yield the lines that were not read yet."""
        if self._group is None:
            return
        while True:
            arguments: GetLogEventsRequestTypeDef = {
                "logGroupName": self._group,
                "logStreamName": self._stream,
                "startFromHead": True,
            }
            if self._token:
                arguments["nextToken"] = self._token
            try:
                answer = self._logs.get_log_events(**arguments)
            except self._logs.exceptions.ResourceNotFoundException:
                return
            yield from (event["message"] for event in answer["events"])
            token = answer["nextForwardToken"]
            if token == self._token or not answer["events"]:
                self._token = token
                return
            self._token = token
