"""The rollback at once is the fastest way, and the guide's figures are measured."""

import pytest

from tests import ROOT
from tests.arca.release.rollback_speed import SPECS, minutes_to_the_last_bad_answer

GUIDE = (ROOT / "docs" / "deployment-guide.md").read_text(encoding="utf-8")
GRADUAL_TAKES_LONG = pytest.mark.slow
"""Linear is 55 simulated minutes, canary 20, with a look at every sixth second."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "strategy",
    [
        pytest.param(one, marks=GRADUAL_TAKES_LONG) if one in ("canary", "linear") else one
        for one in SPECS
    ],
)
def test_minutes_to_the_last_bad_answer(monkeypatch: pytest.MonkeyPatch, strategy: str) -> None:
    """A rollback at once takes no longer than the tasks' start, whatever the strategy."""
    at_once = minutes_to_the_last_bad_answer(monkeypatch, strategy)
    gradual = minutes_to_the_last_bad_answer(monkeypatch, strategy, "--gradual")
    assert at_once <= min(gradual, 1.5)
    assert f"| {strategy} | {at_once:.1f} | {gradual:.1f} |" in GUIDE


@pytest.mark.slow
def test_a_rollback_without_the_contracts_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """With --contract-ran nobody waits for the task that lists the migrations."""
    options = ("--contract-ran", "--reason", "the schema fits")
    asked = minutes_to_the_last_bad_answer(monkeypatch, "canary")
    unasked = minutes_to_the_last_bad_answer(monkeypatch, "canary", *options)
    assert f"saves {asked - unasked:.1f} minutes" in " ".join(GUIDE.split())
