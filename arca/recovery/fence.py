"""Stop the primary's writers, and say at any time whether they are stopped.

`secure` is asked by every phase that relies on it. The journal is no proof: a person may have given
the primary back since. A primary that cannot be fenced loses its customers instead, before anything
else is done: they get 503, and no invoice that would be lost.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from botocore.exceptions import ClientError

from arca.clients import Silent, Unreachable, client, explained
from arca.errors import ArcaError, Refused
from arca.recovery import ask, switch
from arca.recovery.budgets import BUDGETS
from arca.recovery.scene import Scene
from arca.stack import Stack

LOOK_SECONDS = 2.0
RECEIVED_SECONDS = 120.0
"""A replica that replayed a transaction of the last two minutes has a living source.

The metric has a value a minute, which is published within the next one."""
EMULATED_RECEIVED_SECONDS = 5.0
SIGNS_SECONDS = 240.0
"""After so long, the signs of life of a primary that is lost are over."""
MOST_TASKS = 100
"""Tasks in one call (Amazon ECS API Reference, ListTasks and DescribeTasks)."""

State = Literal["fenced", "writes", "lost"]


@dataclass(frozen=True)
class Secured:
    """How the primary is kept from writing what would be lost."""

    fenced: bool
    """Whether it is fenced and runs no task; else its customers were sent away."""
    since: datetime | None
    """When this made it so; None where it was so already."""
    seen: str


def look(primary: Stack) -> State:
    """Return whether a primary is fenced and runs no task, may write, or its region is lost.

    A region is lost where nothing answers for two of its services. Raises ArcaError where it
    answers in part.
    """
    try:
        left = running(primary, once=True)
    except Silent as silent:
        if _database_is_silent(primary):
            return "lost"
        raise _half_lost(primary, silent.what) from None
    except Unreachable as broken:
        raise _half_lost(primary, broken.what) from None
    return "fenced" if primary.outputs.phase == "fenced" and not left else "writes"


def running(primary: Stack, *, once: bool = False) -> int:
    """Return how many tasks of the primary's cluster have not stopped; with `once`, ask once.

    One-off tasks, as of a migration, write too. A task that is to stop may still be writing.
    """
    cluster = primary.outputs.service.cluster
    ecs = client(primary, "ecs", once=once)
    listed: list[str] = []
    with explained(primary, "The primary's tasks cannot be counted"):
        for wanted in ("RUNNING", "STOPPED"):
            more: dict[str, Any] = {}
            while True:
                found = ecs.list_tasks(cluster=cluster, desiredStatus=wanted, **more)
                listed += found["taskArns"]
                if not (token := found.get("nextToken")):
                    break
                more = {"nextToken": token}
        left = 0
        for start in range(0, len(listed), MOST_TASKS):
            some = ecs.describe_tasks(cluster=cluster, tasks=listed[start : start + MOST_TASKS])
            left += sum(one.get("lastStatus") != "STOPPED" for one in some["tasks"])
    return left


def secure(scene: Scene, *, without_fence: bool) -> Secured:
    """Fence the primary; where it cannot, or is not to, be fenced, send its customers away.

    Does nothing where that is so already. Raises ArcaError where the primary is half lost or tasks
    are left, and Refused where it lives though its region seems to be lost.
    """
    primary = scene.primary
    state: State = "lost" if without_fence else look(primary)
    if state == "fenced":
        return Secured(True, None, f"{primary.name} is fenced and runs no task")
    if state == "writes":
        if primary.outputs.phase != "fenced":
            scene.say(f"fencing {primary.name}")
            scene.update(scene.primary_name, {"recovery.phase": "fenced"})
        drained(scene, primary)
        return Secured(True, scene.clock.now(), f"{primary.name} is fenced and runs no task")
    if not without_fence and ask.replica(scene.standby, scene.clock.now()).follows:
        _require_no_sign_of_life(scene)
    told = (
        f"{primary.name} is not fenced, as the operator wants"
        if without_fence
        else f"the region of {primary.name} does not answer"
    )
    pulled = switch.pull(scene)
    switch.left(scene)
    return Secured(False, scene.clock.now() if pulled else None, told)


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


def _database_is_silent(primary: Stack) -> bool:
    """Return whether RDS does not answer in the primary's region either."""
    identifier = primary.outputs.database.identifier
    try:
        with explained(primary, "The primary's database cannot be read"):
            rds: Any = client(primary, "rds", once=True)
            rds.describe_db_instances(DBInstanceIdentifier=identifier)
    except Silent:
        return True
    except (ArcaError, ClientError):
        # Also a refusal is an answer.
        return False
    return False


def _half_lost(primary: Stack, what: str) -> ArcaError:
    return ArcaError(
        f"The region of {primary.name} answers in part, so that it may still write. {what}",
        where=primary.where,
        wanted=f"a fenced {primary.name}, or a region of which nothing answers",
        do="resume when it answers; where that takes too long, `--resume --without-fence` sends "
        "the customers away from it before anything else",
    )


def _require_no_sign_of_life(scene: Scene) -> None:
    """Raise Refused where the primary lives, though its region does not answer this machine.

    What was there right before the loss is seen for a while after it.
    """
    deadline = scene.clock.now() + timedelta(seconds=SIGNS_SECONDS)
    while signs := _signs_of_life(scene):
        if scene.clock.now() > deadline:
            raise Refused(
                f"The region of {scene.primary_name} does not answer here, and yet "
                f"{scene.primary_name} lives: {' and '.join(signs)}.",
                where=scene.primary.where,
                wanted="a primary that is lost, or one that can be fenced",
                do="mend this machine's way to that region (VPN, proxy, DNS), or use another "
                f"machine; to go on all the same: `{scene.resume} --without-fence`",
            )
        scene.say(f"waiting: {' and '.join(signs)}")
        scene.pause(scene.primary, 10.0)


def _signs_of_life(scene: Scene) -> list[str]:
    standby, now, signs = scene.standby, scene.clock.now(), list[str]()
    if switch.reaches_primary(scene):
        signs.append("its customers get good answers")
    replica = ask.replica(standby, now)
    limit = RECEIVED_SECONDS if standby.endpoint is None else EMULATED_RECEIVED_SECONDS
    received = replica.received
    if replica.follows and received is not None and (now - received).total_seconds() < limit:
        signs.append(f"its replica has a transaction of {received:%H:%M:%SZ}")
    return signs
