"""How many tasks run: the range that autoscaling keeps, or a number where there is none."""

from dataclasses import asdict, dataclass
from typing import Any

from arca.clients import client, explained
from arca.errors import ArcaError
from arca.release.service import EcsService
from arca.stack import Stack

SCALABLE_DIMENSION = "ecs:service:DesiredCount"


@dataclass(frozen=True)
class ScalingChange:
    """A change from one range to another; None where the stack has no autoscaling."""

    before: tuple[int, int] | None
    after: tuple[int, int] | None
    tasks_before: int
    tasks_after: int

    @property
    def empties(self) -> bool:
        """True where the service may be left with no task, and may not now."""
        before = self.tasks_before if self.before is None else self.before[0]
        after = self.tasks_after if self.after is None else self.after[0]
        return after == 0 < before

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return asdict(self)

    def __str__(self) -> str:
        """Return the change in one line, for a person."""
        tasks = f"{self.tasks_before} -> {self.tasks_after} tasks"
        if self.before is None or self.after is None:
            return tasks
        return (
            f"{self.before[0]}-{self.before[1]} -> {self.after[0]}-{self.after[1]}, {tasks} at once"
        )


def plan_scaling(stack: Stack, *, fewest: int, most: int | None) -> ScalingChange:
    """Return what would change; raises ArcaError where `fewest` to `most` is not a range.

    `most` stays as it is where it is None, and is an error where the stack has no autoscaling.
    """
    tasks: int = EcsService(stack).describe()["desiredCount"]
    before = _range(stack)
    if before is None:
        if most is not None:
            raise ArcaError(
                f"--max {most} has no effect here: the stack has no autoscaling.",
                where=stack.where,
                wanted="--min alone, which is then the number of tasks",
                do=f"leave --max out, or set a range in Pulumi.{stack.name}.yaml",
            )
        return ScalingChange(None, None, tasks, fewest)
    after = (fewest, before[1] if most is None else most)
    if after[0] > after[1]:
        raise ArcaError(
            f"{after[0]} to {after[1]} tasks is not a range.",
            where="arca scale",
            wanted=f"--min of at most {after[1]}, or a greater --max",
            do="name both",
        )
    return ScalingChange(before, after, tasks, min(max(tasks, after[0]), after[1]))


def carry_out(stack: Stack, change: ScalingChange) -> None:
    """Set the range, then the tasks: autoscaling would take them back the other way round."""
    service = EcsService(stack)
    if change.after is not None:
        with explained(stack, "The range of tasks cannot be changed"):
            client(stack, "application-autoscaling").register_scalable_target(
                ServiceNamespace="ecs",
                ResourceId=_resource_id(stack),
                ScalableDimension=SCALABLE_DIMENSION,
                MinCapacity=change.after[0],
                MaxCapacity=change.after[1],
            )
    if change.tasks_after != change.tasks_before:
        with explained(stack, "The number of tasks cannot be changed"):
            service.ecs.update_service(**service.names, desiredCount=change.tasks_after)


def _range(stack: Stack) -> tuple[int, int] | None:
    with explained(stack, "The range of tasks cannot be read"):
        found = client(stack, "application-autoscaling").describe_scalable_targets(
            ServiceNamespace="ecs",
            ResourceIds=[_resource_id(stack)],
            ScalableDimension=SCALABLE_DIMENSION,
        )["ScalableTargets"]
    return (found[0]["MinCapacity"], found[0]["MaxCapacity"]) if found else None


def _resource_id(stack: Stack) -> str:
    return f"service/{stack.outputs.service.cluster}/{stack.outputs.service.name}"
