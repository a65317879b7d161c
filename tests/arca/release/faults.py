"""The faults of the deployment guide's table, and how a release with each of them ends."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from arca.errors import ArcaError
from arca.release.verdict import ReleaseOutcome
from tests.arca.emulator.ecs.emulated_ecs import ALARMS
from tests.arca.release.stage import URL, Stage

IMAGE = f"{URL}:2"


OLD, BOTH = {"api:1"}, {"api:1", "api:2"}


@dataclass(frozen=True)
class Row:
    """A fault, and how a release with it ends."""

    faults: tuple[dict[str, Any], ...]
    exit_code: int
    reason: str
    """Part of what is said."""
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    strategy: str = "CANARY"
    traffic: frozenset[str] = frozenset(OLD)
    """Which task definitions production traffic goes to then."""


def fault(name: str, **details: Any) -> dict[str, Any]:
    """Return a fault as `arca local fault` asks for it."""
    return {"fault": name, **details}


ALARM = fault("alarm-at", percent=10)


UNMIGRATED = {"migrate": False}


ROWS = {
    "image-missing": Row((fault("image-missing", image=IMAGE),), 1, "CannotPullContainerError"),
    "image-missing, without migrations": Row(
        (fault("image-missing", image=IMAGE),), 3, "CannotPullContainerError", UNMIGRATED
    ),
    "exits of run-task": Row(
        (fault("exits", image=IMAGE, code=3, of="run-task"),), 1, "the migrations ended with 3"
    ),
    "exits": Row((fault("exits", image=IMAGE, code=3),), 3, "api exited with 3"),
    "exits, rolling": Row(
        (fault("exits", image=IMAGE, code=3),),
        3,
        "circuit breaker opened",
        strategy="ROLLING",
    ),
    "unhealthy": Row((fault("unhealthy", image=IMAGE),), 3, "failed ELB health checks"),
    "alarm-at": Row((ALARM,), 3, f"Alarm detected: {ALARMS[0]}."),
    "alarm-at, blue-green": Row(
        (fault("alarm-at", percent=100),),
        3,
        f"Alarm detected: {ALARMS[0]}.",
        strategy="BLUE_GREEN",
    ),
    "hook-refuses": Row(
        (fault("hook-refuses", stage="PRE_SCALE_UP"),), 3, "A lifecycle hook failed at PRE_SCALE_UP"
    ),
    "throttle": Row((fault("throttle", calls=1),), 0, "completed", traffic=frozenset({"api:2"})),
    "throttle, without end": Row((fault("throttle", calls=1000),), 1, "ThrottlingException"),
    "stall": Row((fault("stall", stage="SCALE_UP"),), 5, "in stage SCALE_UP"),
    "rollback-stalls": Row(
        (ALARM, fault("rollback-stalls")), 5, "ROLLBACK_IN_PROGRESS", traffic=frozenset(BOTH)
    ),
    "rollback-fails": Row(
        (ALARM, fault("rollback-fails")), 4, "The rollback failed.", traffic=frozenset(BOTH)
    ),
}


def deploy(stage: Stage, row: Row) -> tuple[int, str, ReleaseOutcome | None]:
    """Release with the row's faults; return the exit code, what is printed, and the outcome."""
    stage.push("2")
    for one in row.faults:
        name, details = one["fault"], {k: v for k, v in one.items() if k != "fault"}
        stage.cloud.fault(name, **details)
    try:
        outcome = stage.release(timeout=timedelta(minutes=90), **row.options).deploy("2")
    except ArcaError as error:
        return error.exit_code, str(error), None
    return outcome.exit_code, " ".join((outcome.reason, *outcome.stop_reasons)), outcome
