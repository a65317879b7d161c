"""The calls of ECS about tasks: tasks of services and one-off tasks."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from arca.emulator.ecs.api import SIMULATED, ApiError, Json, invalid
from arca.emulator.ecs.calls import EcsBackend, EcsCall, page
from arca.emulator.ecs.container_environment import refusal
from arca.emulator.ecs.identifiers import arn_name
from arca.emulator.ecs.model import EcsTask, EmulatedService
from arca.emulator.ecs.task_responses import describe_task, subnet_of

MOST_ON_A_PAGE = 100
"""The most tasks that DescribeTasks and ListTasks take or return at once."""
MOST_STARTED = 10
"""The most tasks that RunTask starts at once."""


class TaskCalls:
    """Answers the calls."""

    def __init__(self, backend: EcsBackend) -> None:
        self._backend = backend
        self._runs: dict[str, tuple[Json, Sequence[EcsTask]]] = {}
        """What each client token of RunTask asked for, and the tasks that it started."""

    def _all(self, call: EcsCall) -> Iterator[tuple[EmulatedService | None, EcsTask]]:
        arn = self._backend.cluster_arn(call)
        yield from (found for found in self._backend.all_tasks() if found[1].cluster_arn == arn)

    def _describe(self, task: EcsTask, *, tags: bool) -> Json:
        placed = subnet_of(task)
        zone = self._backend.moto.zone(task.region, placed) if placed else None
        return {**describe_task(task, tags=tags), **({"availabilityZone": zone} if zone else {})}

    def register(self, call: EcsCall) -> Json:
        """Answer RegisterTaskDefinition: moto does, if the containers' variables are accepted."""
        _check_variables(call.content["containerDefinitions"])
        return call.moto()

    def list(self, call: EcsCall) -> Json:
        """Answer ListTasks."""
        content = call.content
        wanted = content.get("desiredStatus", "RUNNING")
        found = [(service, task) for service, task in self._all(call) if task.desired == wanted]
        if "serviceName" in content:
            one = self._backend.service(call, content["serviceName"])
            found = [(service, task) for service, task in found if service is one]
        if "family" in content:
            found = [(s, t) for s, t in found if t.definition["family"] == content["family"]]
        if "startedBy" in content:
            found = [(s, t) for s, t in found if t.started_by == content["startedBy"]]
        shown, following = page([task.arn for _, task in found], content, most=MOST_ON_A_PAGE)
        return {"taskArns": shown, **following}

    def describe(self, call: EcsCall) -> Json:
        """Answer DescribeTasks."""
        wanted: list[str] = call.content["tasks"]
        if not 0 < len(wanted) <= MOST_ON_A_PAGE:
            raise invalid(
                f"Tasks cannot be empty, and at most {MOST_ON_A_PAGE} can be described at once."
            )
        for name in wanted:
            if name.startswith("arn:") and ":task/" not in name:
                raise invalid(f"Invalid task ARN: {name}.")
        known = {arn_name(task.arn): task for _, task in self._all(call)}
        tags = "TAGS" in call.content.get("include", [])
        return {
            "tasks": [
                self._describe(known[arn_name(a)], tags=tags)
                for a in wanted
                if arn_name(a) in known
            ],
            "failures": [
                {"arn": arn, "reason": "MISSING"} for arn in wanted if arn_name(arn) not in known
            ],
        }

    def run(self, call: EcsCall) -> Json:
        """Answer RunTask."""
        backend, content = self._backend, call.content
        arn = backend.cluster_arn(call)
        definition = backend.definition(call, content["taskDefinition"])
        if definition.get("networkMode") == "awsvpc" and "networkConfiguration" not in content:
            raise invalid(
                "Network Configuration must be provided when networkMode 'awsvpc' is specified."
            )
        containers = {one["name"] for one in definition["containerDefinitions"]}
        for override in content.get("overrides", {}).get("containerOverrides", []):
            if override.get("name") not in containers:
                raise invalid(
                    f"Override for container named {override.get('name')} is not a container in "
                    "the TaskDefinition."
                )
        _check_variables(content.get("overrides", {}).get("containerOverrides", []))
        count = content.get("count", 1)
        if not 0 < count <= MOST_STARTED:
            raise invalid(f"count must be from 1 to {MOST_STARTED}.")
        made = self._once(
            content,
            lambda: [
                backend.task_scheduler.run(call.region, arn, definition, content, backend.faults)
                for _ in range(count)
            ],
        )
        return {"tasks": [self._describe(task, tags=False) for task in made], "failures": []}

    def _once(self, content: Json, start: Callable[[], Sequence[EcsTask]]) -> Sequence[EcsTask]:
        """Start tasks, or return those that an earlier call with the same token has started.

        Source: Amazon ECS API Reference, "Ensuring idempotency".
        """
        token = content.get("clientToken")
        if token is None:
            return start()
        if token not in self._runs:
            self._runs[token] = (content, start())
        before, tasks = self._runs[token]
        if before != content:
            raise ApiError(
                "ConflictException",
                f"The request uses the same client token as a different request {SIMULATED}.",
            )
        return tasks

    def stop(self, call: EcsCall) -> Json:
        """Answer StopTask; a task of a service is replaced."""
        now = self._backend.clock.now()
        for service, task in self._all(call):
            if arn_name(task.arn) != arn_name(call.content["task"]):
                continue
            if task.live:
                reason = call.content.get("reason") or "Task stopped by user"
                self._backend.service_controller.stop_task(service, task, now, reason)
            return {"task": self._describe(task, tags=False)}
        raise invalid("The referenced task was not found.")

    def execute(self, call: EcsCall) -> Json:
        """Answer ExecuteCommand with an error: there is no container to open a shell in."""
        known = {arn_name(task.arn): task for _, task in self._all(call)}
        task = known.get(arn_name(call.content["task"]))
        if task is None or not task.live:
            raise invalid("The specified task is not running.")
        raise ApiError(
            "TargetNotConnectedException",
            "The execute command failed: the emulated cloud has no container to open a shell in "
            f"{SIMULATED}.",
        )

    def protect(self, call: EcsCall) -> Json:
        """Answer both calls of task protection with an error: it is not simulated."""
        del call
        raise ApiError(
            "UnsupportedFeatureException", f"The emulated cloud protects no task {SIMULATED}."
        )


def _check_variables(containers: Iterable[Mapping[str, Any]]) -> None:
    """Refuse variables that would change how a process on this machine starts."""
    reason = refusal(containers)
    if reason is not None:
        raise invalid(reason)
