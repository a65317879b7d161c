"""What users of comparable projects ask of a release (docs/asks.md)."""

from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from arca.release.rollback import Rollback
from arca.release.verdict import Verdict
from tests.arca.release.stage import Stage

if TYPE_CHECKING:
    from arca.clock import Clock


def test_ask_1_a_rollback_is_never_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rollback never exits with 0, and the previous revision serves."""
    stage = Stage(monkeypatch)
    image = stage.push("2")
    stage.cloud.control("PUT", "/arca/images", {"image": image, "command": ["sh", "-c", "exit 7"]})
    outcome = stage.release(migrate=False).deploy("2")
    stage.cloud.end_stand_ins()
    assert (outcome.verdict, outcome.exit_code) == (Verdict.ROLLED_BACK, 3)
    assert stage.serves() == ({"api:1"}, {"api:1"})


def test_ask_15_one_command_rolls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any argument the previous revision serves again."""
    stage = Stage(monkeypatch)
    stage.push("2")
    assert stage.release(migrate=False).deploy("2").exit_code == 0
    rollback = Rollback(
        stage.stack,
        timeout=timedelta(minutes=120),
        say=stage.said.append,
        watch=lambda _deployment: None,
        clock=cast("Clock", stage.clock),
    )
    outcome = rollback.run(rollback.plan())
    assert (outcome.verdict, outcome.exit_code) == (Verdict.LIVE, 0)
    assert stage.serves() == ({"api:1"}, {"api:1"})
