"""Stop the primary's writers: `recovery.phase: fenced`, where its region answers."""

from datetime import timedelta

from arca.clients import Unreachable, client, explained
from arca.errors import ArcaError
from arca.recovery.budgets import BUDGETS
from arca.recovery.scene import Scene
from arca.stack import Stack

LOOK_SECONDS = 2.0


def answers(primary: Stack) -> bool:
    """Return whether the primary's region answers; raises ArcaError where it refuses."""
    service = primary.outputs.service
    try:
        with explained(primary, "The primary's service cannot be read"):
            client(primary, "ecs").describe_services(
                cluster=service.cluster, services=[service.name]
            )
    except Unreachable:
        return False
    return True


def running(primary: Stack) -> int:
    """Return how many of the primary's tasks run or start."""
    service = primary.outputs.service
    with explained(primary, "The primary's tasks cannot be counted"):
        found = client(primary, "ecs").describe_services(
            cluster=service.cluster, services=[service.name]
        )["services"]
    return sum(one["runningCount"] + one["pendingCount"] for one in found)


def fence(scene: Scene) -> bool:
    """Fence the primary and wait for the end of its tasks; False where its region is lost.

    Raises ArcaError where tasks are left after the phase's budget: they may still write.
    """
    primary = scene.primary
    if not answers(primary):
        return False
    if primary.outputs.phase != "fenced":
        scene.say(f"fencing {primary.name}")
        scene.update(scene.primary_name, {"recovery.phase": "fenced"})
    drained(scene, primary)
    return True


def drained(scene: Scene, primary: Stack) -> None:
    """Wait for the end of a fenced stack's tasks.

    Raises ArcaError where some are left after the phase's budget: they may still write.
    """
    deadline = scene.clock.now() + timedelta(seconds=BUDGETS["fence"].seconds)
    while left := running(primary):
        if scene.clock.now() > deadline:
            raise ArcaError(
                f"{left} tasks of {primary.name} still run, and may write to its database.",
                where=primary.where,
                wanted="no task of a fenced primary",
                do=f"end them: `aws ecs list-tasks --cluster {primary.outputs.service.cluster} "
                f"--region {primary.outputs.region}`, `aws ecs stop-task`; then `{scene.resume}`",
            )
        scene.pause(primary, LOOK_SECONDS)
