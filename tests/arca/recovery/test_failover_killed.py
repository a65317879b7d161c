"""A failover that is killed at any call and resumed ends as if nothing had happened."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from arca.errors import Refused
from arca.recovery.budgets import TO_RTO
from tests.arca.recovery.stage import CHANGES, Killed, Stage, ended_well, writes

PROMOTES = 10
USUAL = {0, 10, 16, 22}
"""The declaration, the promotion, the deployment and the lever; all others are slow tests."""
EACH = [
    pytest.param(number, moment, marks=() if fast else pytest.mark.slow)
    for number in range(CHANGES)
    for moment in ("before", "after")
    for fast in (moment == "after" and number in USUAL,)
]


def kill_at(stage: Stage, number: int) -> Callable[[str], None]:
    """Return a hook that kills at the call of that number, of those that change something."""
    seen = 0

    def count(call: str) -> None:
        nonlocal seen
        if writes(stage, [call]):
            seen += 1
            if seen == number + 1:
                raise Killed(call)

    return count


def again(stage: Stage) -> None:
    """Do what an operator does next, and check that it ends well."""
    stage.before = stage.after = lambda _call: None
    stage.abandon()
    resumed = ("--resume",) if stage.journal is not None else ()
    result = stage.arca("--yes", *resumed)
    assert result.exit_code == 0, result.output
    ended_well(stage)


@pytest.mark.parametrize(("number", "moment"), EACH)
def test_killed_at_each_change(stage: Stage, number: int, moment: str) -> None:
    """Whatever call a process is killed at, the resumed failover leaves the same world."""
    setattr(stage, moment, kill_at(stage, number))
    with pytest.raises(Killed):
        stage.arca("--yes")
    again(stage)
    assert stage.updates.count(("prod", "fenced")) == 1
    twice = (moment, number) == ("before", PROMOTES)
    assert sum("promote" in call for call in writes(stage)) == 1 + twice


@pytest.mark.parametrize("phase", TO_RTO)
def test_killed_in_a_phase_and_resumed_elsewhere(stage: Stage, phase: str) -> None:
    """Another machine goes on once the first has been silent; the record says what happened."""

    def kill(call: str) -> None:
        held = stage.journal
        if held and "put_parameter" in call and held.get("begun", [""])[0] == phase:
            raise Killed(call)

    stage.after = kill
    with pytest.raises(Killed):
        stage.arca("--yes")
    stage.after = lambda _call: None
    stage.elsewhere(silent=145)
    early = stage.arca("--yes", "--resume", "--operator", "bo")
    assert isinstance(early.exception, Refused)
    assert "by ana since" in str(early.exception)
    assert "its last sign of life is 14" in str(early.exception)
    stage.elsewhere(silent=10)
    result = stage.arca("--yes", "--resume", "--operator", "bo")
    assert result.exit_code == 0, result.output
    ended_well(stage)
    record = stage.record()
    assert record["operator"] == "bo"
    outcomes = [(one["name"], one["outcome"]) for one in record["phases"]]
    assert outcomes[TO_RTO.index(phase)] == (phase, "INTERRUPTED")  # type: ignore[arg-type]
    assert [name for name, outcome in outcomes if outcome == "OK"] == [*TO_RTO]


def test_killed_after_its_record_was_written(stage: Stage) -> None:
    """A process that is killed before its journal ends has written the only record already."""

    def kill(call: str) -> None:
        if "delete_parameter" in call:
            raise Killed

    stage.before = kill
    with pytest.raises(Killed):
        stage.arca("--yes")
    before = stage.record()
    again(stage)
    assert stage.record() == before


def test_an_interrupt_leaves_the_journal(stage: Stage) -> None:
    """Ctrl-C ends the command, and the same machine goes on at once."""

    def press(call: str) -> None:
        if "promote_read_replica" in call:
            raise KeyboardInterrupt

    stage.after = press
    assert stage.arca("--yes").exit_code != 0
    assert stage.journal is not None
    again(stage)


def test_an_operator_whose_clock_is_ahead(stage: Stage) -> None:
    """Phases stay in their order, though the first operator's clock was ten minutes ahead."""
    stage.clock.ahead = timedelta(minutes=10)
    assert stage.arca("--yes", "--until", "promote").exit_code == 0
    stage.clock.ahead = timedelta(0)
    stage.elsewhere(silent=151)
    result = stage.arca("--yes", "--resume")
    assert result.exit_code == 0, result.output
    ended_well(stage)
