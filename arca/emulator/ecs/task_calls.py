"""ECS's calls about tasks: those of services, and one-off ones."""

from collections.abc import Iterator

from arca.emulator.ecs.calls import Call, Json, World, page
from arca.emulator.ecs.model import SIMULATED, Service, Task
from arca.emulator.ecs.names import last
from arca.emulator.ecs.refusals import ApiError, invalid
from arca.emulator.ecs.task_answers import subnet
from arca.emulator.ecs.task_answers import task as shape

MOST = 100
"""DescribeTasks and ListTasks take and give so many at once."""
MOST_RUN = 10


class TaskCalls:
    """The calls."""

    def __init__(self, world: World) -> None:
        self._world = world

    def _all(self, call: Call) -> Iterator[tuple[Service | None, Task]]:
        arn = self._world.cluster_arn(call)
        yield from (found for found in self._world.tasks() if found[1].cluster_arn == arn)

    def _shape(self, task: Task, *, tags: bool) -> Json:
        placed = subnet(task)
        zone = self._world.outside.zone(task.region, placed) if placed else None
        return {**shape(task, tags=tags), **({"availabilityZone": zone} if zone else {})}

    def list(self, call: Call) -> Json:
        """ListTasks."""
        content = call.content
        wanted = content.get("desiredStatus", "RUNNING")
        found = [(service, task) for service, task in self._all(call) if task.desired == wanted]
        if "serviceName" in content:
            one = self._world.service(call, content["serviceName"])
            found = [(service, task) for service, task in found if service is one]
        if "family" in content:
            found = [(s, t) for s, t in found if t.definition["family"] == content["family"]]
        if "startedBy" in content:
            found = [(s, t) for s, t in found if t.started_by == content["startedBy"]]
        shown, following = page([task.arn for _, task in found], content, most=MOST)
        return {"taskArns": shown, **following}

    def describe(self, call: Call) -> Json:
        """DescribeTasks."""
        wanted: list[str] = call.content["tasks"]
        if not 0 < len(wanted) <= MOST:
            raise invalid(f"Tasks cannot be empty, and at most {MOST} can be described at once.")
        for name in wanted:
            if name.startswith("arn:") and ":task/" not in name:
                raise invalid(f"Invalid task ARN: {name}.")
        known = {last(task.arn): task for _, task in self._all(call)}
        tags = "TAGS" in call.content.get("include", [])
        return {
            "tasks": [self._shape(known[last(a)], tags=tags) for a in wanted if last(a) in known],
            "failures": [
                {"arn": arn, "reason": "MISSING"} for arn in wanted if last(arn) not in known
            ],
        }

    def run(self, call: Call) -> Json:
        """RunTask."""
        world, content = self._world, call.content
        arn = world.cluster_arn(call)
        definition = world.definition(call, content["taskDefinition"])
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
        count = content.get("count", 1)
        if not 0 < count <= MOST_RUN:
            raise invalid(f"count must be from 1 to {MOST_RUN}.")
        made = [
            world.scheduler.run(call.region, arn, definition, content, world.faults)
            for _ in range(count)
        ]
        return {"tasks": [self._shape(task, tags=False) for task in made], "failures": []}

    def stop(self, call: Call) -> Json:
        """StopTask; a service's task is replaced."""
        now = self._world.clock.now()
        for service, task in self._all(call):
            if last(task.arn) != last(call.content["task"]):
                continue
            if task.live:
                reason = call.content.get("reason") or "Task stopped by user"
                self._world.machine.stop_task(service, task, now, reason)
            return {"task": self._shape(task, tags=False)}
        raise invalid("The referenced task was not found.")

    def execute(self, call: Call) -> Json:
        """ExecuteCommand: there is no container to open a shell in."""
        known = {last(task.arn): task for _, task in self._all(call)}
        task = known.get(last(call.content["task"]))
        if task is None or not task.live:
            raise invalid("The specified task is not running.")
        raise ApiError(
            "TargetNotConnectedException",
            "The execute command failed: the emulated cloud has no container to open a shell in "
            f"{SIMULATED}.",
        )

    def protect(self, call: Call) -> Json:
        """GetTaskProtection and UpdateTaskProtection: nothing here heeds a protection."""
        del call
        raise ApiError(
            "UnsupportedFeatureException", f"The emulated cloud protects no task {SIMULATED}."
        )
