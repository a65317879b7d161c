"""Each fault: its exit code, what it leaves serving, the reason that is said.

The rows are those of the table in docs/deployment-guide.md, which a test holds against this file.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from arca.release.verdict import Outcome, Verdict
from tests.arca.emulator.ecs.emulated_ecs import ALARMS
from tests.arca.release.stage import URL, Stage

IMAGE = f"{URL}:2"
OLD, BOTH = {"api:1"}, {"api:1", "api:2"}


@dataclass(frozen=True)
class Row:
    """A fault, and how the release with it ends."""

    faults: tuple[dict[str, Any], ...]
    exit_code: int
    reason: str
    """Part of what is said."""
    wishes: dict[str, Any] = field(default_factory=dict[str, Any])
    strategy: str = "CANARY"
    traffic: frozenset[str] = frozenset(OLD)
    """Which task definitions production traffic goes to then."""


def fault(name: str, **details: Any) -> dict[str, Any]:
    """As `arca local fault` asks for it."""
    return {"fault": name, **details}


ALARM = fault("alarm-at", percent=10)
UNMIGRATED = {"migrate": False}
ROWS = {
    "image-missing": Row(
        (fault("image-missing", image=IMAGE),), 1, "CannotPullContainerError"
    ),
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
}  # fmt: skip # a table


def deploy(stage: Stage, row: Row) -> tuple[int, str, Outcome | None]:
    """The exit code of a release with the row's faults, and all that is said."""
    from arca.errors import ArcaError

    stage.push("2")
    for one in row.faults:
        name, details = one["fault"], {k: v for k, v in one.items() if k != "fault"}
        stage.cloud.fault(name, **details)
    try:
        outcome = stage.release(timeout=timedelta(minutes=90), **row.wishes).deploy("2")
    except ArcaError as error:
        return error.exit_code, str(error), None
    return outcome.exit_code, " ".join((outcome.reason, *outcome.stop_reasons)), outcome


@pytest.mark.parametrize("name", ROWS)
def test_a_fault(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As the guide's table says."""
    row = ROWS[name]
    stage = Stage(monkeypatch, strategy=row.strategy)
    code, said, outcome = deploy(stage, row)
    stage.cloud.control("DELETE", "/arca/faults")
    assert code == row.exit_code, said
    assert row.reason in said
    assert stage.serves()[0] == row.traffic
    if outcome is not None and outcome.verdict is not Verdict.LIVE:
        assert outcome.runbook
    # Whoever cannot know keeps the journal, so that somebody can resume.
    assert (stage.journal is not None) == (code == 5)


def test_what_stalled_is_followed_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown while it stalls; resumed when it moves, it is live."""
    stage = Stage(monkeypatch)
    code, _, _ = deploy(stage, ROWS["stall"])
    assert code == 5
    stage.cloud.control("DELETE", "/arca/faults")
    stage.abandon()
    assert stage.release().resume().verdict is Verdict.LIVE
    assert stage.serves() == ({"api:2"}, {"api:2"})


def test_log_lines_of_what_died(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last words of a task that died are in the outcome."""
    stage = Stage(monkeypatch)
    image = stage.push("2")
    words = ["sh", "-c", "echo one; echo cannot read DATABASE_HOST; exit 7"]
    stage.cloud.control("PUT", "/arca/images", {"image": image, "command": words})
    outcome = stage.release(migrate=False).deploy("2")
    stage.cloud.end_stand_ins()
    assert outcome.exit_code == 3
    assert any(reason.startswith("api exited with 7") for reason in outcome.stop_reasons)
    assert outcome.log_lines[-2:] == ("one", "cannot read DATABASE_HOST")
