"""One release at a time, and none that is lost."""

import os
from dataclasses import replace
from datetime import timedelta

import pytest

from arca.clock import Clock
from arca.errors import ArcaError, Refused
from arca.release import journal
from arca.release.journal import Journal
from arca.release.steps import Step
from arca.stack import Stack, find
from tests.arca.emulated import Cloud


@pytest.fixture
def stack(cloud: Cloud) -> Stack:
    """The emulated prod."""
    assert cloud.endpoint
    return find("prod")


def begin(stack: Stack, what: str = "deploy") -> Journal:
    """Begin a release."""
    return Journal.begin(stack, what=what, image="image:1", clock=Clock())


def elsewhere(stack: Stack, kept: Journal, *, silent: timedelta) -> None:
    """As if another machine held it."""
    moment = Clock().now() - silent
    kept.entry = replace(kept.entry, owner="someone@another (process 1)", beat=moment)
    kept._put(overwrite=True)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # the parameter as another machine left it
    assert journal.read(stack) is not None


def test_the_second_is_told_who_is_first(stack: Stack) -> None:
    """Refused, exit code 6; after the end the next may begin."""
    first = begin(stack)
    with pytest.raises(Refused, match="deploy of image:1, step preflight") as refused:
        begin(stack, "rollback")
    assert refused.value.exit_code == 6
    assert first.entry.owner in str(refused.value)
    first.end()
    begin(stack).end()
    assert journal.read(stack) is None


def test_steps_are_kept(stack: Stack) -> None:
    """What the next one resumes from."""
    kept = begin(stack)
    kept.record(step=Step.REGISTERED, task_definition="t:2", source="t:1")
    found = journal.read(stack)
    assert found is not None
    assert (found.step, found.task_definition, found.source) == ("registered", "t:2", "t:1")


def test_the_living_are_not_taken_over(stack: Stack) -> None:
    """Of this machine while the process lives; of another until it is silent."""
    kept = begin(stack)
    with pytest.raises(Refused):
        Journal.resume(stack, clock=Clock())
    elsewhere(stack, kept, silent=timedelta(minutes=2))
    with pytest.raises(Refused, match="arca deploy --resume"):
        Journal.resume(stack, clock=Clock())
    elsewhere(stack, kept, silent=timedelta(minutes=4))
    taken = Journal.resume(stack, clock=Clock())
    assert taken.entry.run != kept.entry.run


def test_a_process_that_is_gone_is_taken_over_at_once(stack: Stack) -> None:
    """Whoever was killed on this machine cannot come back."""
    kept = begin(stack)
    here = kept.entry.owner.partition(" (process ")[0]
    kept.entry = replace(kept.entry, owner=f"{here} (process 4194399)")
    kept._put(overwrite=True)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # as a dead process left it
    assert Journal.resume(stack, clock=Clock()).entry.image == "image:1"


def test_whoever_was_taken_over_stops(stack: Stack) -> None:
    """It finds out at its next step, and leaves the other's journal alone."""
    kept = begin(stack)
    elsewhere(stack, kept, silent=timedelta(minutes=4))
    taken = Journal.resume(stack, clock=Clock())
    with pytest.raises(Refused):
        kept.record(step=Step.MIGRATED)
    kept.end()
    found = journal.read(stack)
    assert found is not None
    assert found.run == taken.entry.run


def test_nothing_to_resume(stack: Stack) -> None:
    """One clear error."""
    with pytest.raises(ArcaError, match="no release to resume"):
        Journal.resume(stack, clock=Clock())


def test_a_journal_that_nobody_can_read(stack: Stack, cloud: Cloud) -> None:
    """Said, and not overwritten."""
    name = journal.parameter_name(stack)
    cloud.client("ssm").put_parameter(Name=name, Value="{}", Type="String")
    with pytest.raises(ArcaError, match="cannot read the release's journal"):
        journal.read(stack)
    with pytest.raises(ArcaError, match="cannot read the release's journal"):
        begin(stack)


def test_a_dead_journal_is_closed_by_hand(stack: Stack) -> None:
    """`arca stop` does it; a living one is refused."""
    assert journal.close_dead(stack, now=Clock().now()) is False
    kept = begin(stack)
    with pytest.raises(Refused):
        journal.close_dead(stack, now=Clock().now())
    elsewhere(stack, kept, silent=timedelta(minutes=4))
    assert journal.close_dead(stack, now=Clock().now()) is True
    assert journal.read(stack) is None


def test_one_lock_however_the_stack_is_spelled(stack: Stack) -> None:
    """Pulumi takes organization/project/stack too."""
    begin(stack)
    with pytest.raises(Refused):
        begin(replace(stack, name="acme/arca-api/prod"))


def test_a_process_of_somebody_else_lives(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may not be signalled, and so it is there."""

    def kill(_number: int, _signal: int) -> None:
        raise PermissionError

    begin(stack)
    monkeypatch.setattr(os, "kill", kill)
    with pytest.raises(Refused):
        Journal.resume(stack, clock=Clock())
