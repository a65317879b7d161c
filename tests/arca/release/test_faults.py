"""Each fault: its exit code, the revision that it leaves serving, the reason that is printed."""

import pytest

from arca.release.verdict import Verdict
from tests.arca.release.faults import ROWS, deploy
from tests.arca.release.stage import Stage


@pytest.mark.parametrize("name", ROWS)
def test_a_fault(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A release with the fault ends as the guide's table says."""
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
    """A stalled release is unknown; resumed after the stall it is live."""
    stage = Stage(monkeypatch)
    code, _, _ = deploy(stage, ROWS["stall"])
    assert code == 5
    stage.cloud.control("DELETE", "/arca/faults")
    stage.abandon()
    assert stage.release().resume().verdict is Verdict.LIVE
    assert stage.serves() == ({"api:2"}, {"api:2"})
