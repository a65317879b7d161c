"""The release lock and journal: one release at a time, and none that is lost."""

import getpass
import json
import os
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import NoReturn

import pytest
from botocore.exceptions import ClientError

from arca.clock import Clock
from arca.errors import ArcaError, Refused
from arca.release import journal
from arca.release.journal import Journal, ReleaseOptions
from arca.release.steps import Step
from arca.stack import Stack, find
from tests.arca.emulated import Cloud

NOW = datetime(2032, 3, 10, 14, 7, tzinfo=UTC)


class StillClock(Clock):
    """A clock that stands still."""

    def now(self) -> datetime:
        """Return NOW."""
        return NOW

    def sleep(self, seconds: float) -> None:
        """Wait for nothing."""
        del seconds


class MovingClock(Clock):
    """A clock that moves only while somebody sleeps."""

    def __init__(self) -> None:
        self.moment, self.slept = NOW, list[float]()

    def now(self) -> datetime:
        """Return the moment."""
        return self.moment

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def stack(cloud: Cloud) -> Stack:
    """Return the emulated prod."""
    assert cloud.endpoint
    return find("prod")


def begin(stack: Stack, what: str = "deploy") -> Journal:
    """Begin a release, and return its journal."""
    return Journal.begin(stack, what=what, image="image:1", clock=StillClock())


def elsewhere(stack: Stack, kept: Journal, *, silent: timedelta) -> None:
    """Leave the journal as if another machine held it."""
    moment = NOW - silent
    kept.entry = replace(kept.entry, owner="someone@another (process 1)", beat=moment)
    kept._put(overwrite=True)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # the parameter as another machine left it
    assert journal.read_entry(stack) is not None


def test_the_second_is_told_who_is_first(stack: Stack) -> None:
    """The second release is refused with the first one's name; after its end it may begin."""
    first = begin(stack)
    with pytest.raises(Refused, match="deploy of image:1, step preflight") as refused:
        begin(stack, "rollback")
    assert refused.value.exit_code == 6
    assert (
        first.entry.owner == f"{getpass.getuser()}@{socket.gethostname()} (process {os.getpid()})"
    )
    assert str(refused.value) == (
        "Somebody else releases to prod: deploy of image:1, step preflight.\n"
        f"  where:  {first.entry.owner}, since 2032-03-10 14:07 UTC, last sign at 14:07:00\n"
        "  wanted: one release at a time\n"
        "  do:     wait for it; if it was killed, follow it from its step with "
        "`arca deploy --resume --stack prod` after 3 minutes"
    )
    first.end()
    begin(stack).end()
    assert journal.read_entry(stack) is None


def test_steps_are_kept(stack: Stack) -> None:
    """The journal keeps the step and what is known, for a resumed release."""
    kept = begin(stack)
    kept.record(step=Step.REGISTERED, task_definition="t:2", source="t:1")
    found = journal.read_entry(stack)
    assert found is not None
    assert (found.step, found.task_definition, found.source) == ("registered", "t:2", "t:1")


def test_the_living_are_not_taken_over(stack: Stack) -> None:
    """A living process keeps the lock; another machine's keeps it until it is silent."""
    kept = begin(stack)
    with pytest.raises(Refused):
        Journal.resume(stack, clock=StillClock())
    elsewhere(stack, kept, silent=timedelta(minutes=2))
    with pytest.raises(Refused, match="arca deploy --resume"):
        Journal.resume(stack, clock=StillClock())
    elsewhere(stack, kept, silent=timedelta(minutes=4))
    taken = Journal.resume(stack, clock=StillClock())
    assert taken.entry.run != kept.entry.run


def test_a_process_that_is_gone_is_taken_over_at_once(stack: Stack) -> None:
    """A killed process of this machine loses the lock at once."""
    kept = begin(stack)
    here = kept.entry.owner.partition(" (process ")[0]
    kept.entry = replace(kept.entry, owner=f"{here} (process 4194399)")
    kept._put(overwrite=True)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # as a dead process left it
    taken = Journal.resume(stack, clock=StillClock()).entry
    assert taken.image == "image:1"
    assert taken.owner == f"{here} (process {os.getpid()})"


def test_only_the_holder_changes_when_a_release_is_resumed(stack: Stack) -> None:
    """The next operator reads who resumed it and when they were last seen; the rest stays."""
    kept = begin(stack)
    owner = kept.entry.owner
    elsewhere(stack, kept, silent=timedelta(minutes=4))
    taken = Journal.resume(stack, clock=StillClock())
    assert taken.entry == replace(kept.entry, run=taken.entry.run, owner=owner, beat=NOW)
    assert journal.read_entry(stack) == taken.entry


def test_a_holder_is_dead_after_three_minutes_of_silence(stack: Stack) -> None:
    """Three minutes of silence are one too few, and a second more is enough."""
    kept = begin(stack)
    elsewhere(stack, kept, silent=timedelta(minutes=3))
    with pytest.raises(Refused):
        Journal.resume(stack, clock=StillClock())
    elsewhere(stack, kept, silent=timedelta(minutes=3, seconds=1))
    assert Journal.resume(stack, clock=StillClock())


def test_a_migration_is_not_resumed_but_run_again(stack: Stack) -> None:
    """A migration that died has no step, and its runner goes on by itself where it was."""
    elsewhere(stack, begin(stack, journal.MIGRATION), silent=timedelta(minutes=4))
    with pytest.raises(Refused, match="A migration was interrupted, not a release") as refused:
        Journal.resume(stack, clock=StillClock())
    assert refused.value.where.endswith("image:1")
    assert refused.value.wanted == "a release that was interrupted"
    assert "`arca migrate --stack prod` again" in refused.value.do


def test_whoever_was_taken_over_stops(stack: Stack) -> None:
    """A release that lost the lock stops at its next step, and leaves the journal alone."""
    kept = begin(stack)
    elsewhere(stack, kept, silent=timedelta(minutes=4))
    taken = Journal.resume(stack, clock=StillClock())
    with pytest.raises(Refused):
        kept.record(step=Step.MIGRATED)
    kept.end()
    found = journal.read_entry(stack)
    assert found is not None
    assert found.run == taken.entry.run


def test_a_journal_that_was_closed_stops_its_release(stack: Stack) -> None:
    """A release whose journal is gone looks once more a second later, then stops."""
    clock = MovingClock()
    kept = Journal.begin(stack, what="deploy", image="image:1", clock=clock)
    journal.delete(stack)
    with pytest.raises(Refused, match="was closed by somebody else") as refused:
        kept.record(step=Step.MIGRATED)
    assert clock.slept == [1]
    assert refused.value.where.endswith("SSM parameter /arca-prod/operations/release")
    assert refused.value.wanted == "a journal that stays until its release has ended"
    assert "`arca status --stack prod`" in refused.value.do
    assert journal.read_entry(stack) is None
    journal.delete(stack)


def test_what_was_written_a_moment_ago_may_appear_late(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parameter that SSM does not show at once is still the release's own."""
    kept = begin(stack)
    looks = iter([None, kept.entry])

    def look(_stack: Stack) -> journal.JournalEntry | None:
        return next(looks)

    with monkeypatch.context() as patched:
        patched.setattr(journal, "read_entry", look)
        kept.record(step=Step.MIGRATED)
    found = journal.read_entry(stack)
    assert found is not None
    assert found.step is Step.MIGRATED


def test_a_lock_that_is_let_go_meanwhile_is_taken(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holder may end between the two calls with which the second one learns of it."""
    begin(stack)

    def gone(_stack: Stack) -> None:
        journal.delete(stack)

    with monkeypatch.context() as patched:
        patched.setattr(journal, "read_entry", gone)
        taken = begin(stack, "rollback")
    assert journal.read_entry(stack) == taken.entry


def test_a_heartbeat_every_half_minute(stack: Stack) -> None:
    """A sleep writes a heartbeat where the latest is 30 seconds old, and keeps the step."""
    clock = MovingClock()
    kept = Journal.begin(stack, what="deploy", image="image:1", clock=clock)
    kept.record(step=Step.REGISTERED)
    beats: list[float] = []
    for seconds in (29, 1, 5, 25, 1):
        kept.clock.sleep(seconds)
        found = journal.read_entry(stack)
        assert found is not None
        assert found.step is Step.REGISTERED
        beats.append((found.beat - NOW).total_seconds())
    assert clock.slept == [29, 1, 5, 25, 1]
    assert beats == [0, 0, 30, 30, 60]
    assert kept.clock.now() == NOW + timedelta(seconds=61)


def test_what_is_known_is_written_with_the_lock(stack: Stack) -> None:
    """No kill can part the lock from the deployment that it follows."""
    kept = Journal.begin(
        stack,
        what="follow",
        image="image:1",
        clock=StillClock(),
        source="t:1",
        deployment="arn:x/1",
        step=Step.FOLLOWING,
    )
    found = journal.read_entry(stack)
    assert found == kept.entry
    assert (kept.entry.source, kept.entry.deployment) == ("t:1", "arn:x/1")
    assert (kept.entry.since, kept.entry.beat, kept.entry.what) == (NOW, NOW, "follow")


def test_nothing_to_resume(stack: Stack) -> None:
    """Without a journal there is nothing to resume."""
    with pytest.raises(ArcaError, match="no release to resume") as error:
        Journal.resume(stack, clock=StillClock())
    assert error.value.where.endswith("/arca-prod/operations/release")
    assert error.value.wanted == "a release that was interrupted"
    assert "`arca status --stack prod`" in error.value.do


def test_a_journal_that_nobody_can_read(stack: Stack, cloud: Cloud) -> None:
    """A journal that cannot be read is an error, and is not overwritten."""
    name = journal.parameter_name(stack)
    cloud.client("ssm").put_parameter(Name=name, Value="{}", Type="String")
    with pytest.raises(ArcaError, match="cannot read the release's journal") as error:
        journal.read_entry(stack)
    assert f"SSM parameter {name}, last written 20" in error.value.where
    assert error.value.where.endswith(" UTC: Field required")
    assert error.value.wanted == "what `arca deploy` writes"
    assert error.value.do == (
        "`arca stop --stack prod` deletes it 3 minutes after it was last written"
    )
    cloud.client("ssm").put_parameter(Name=name, Value="no JSON", Type="String", Overwrite=True)
    with pytest.raises(ArcaError, match="cannot read the release's journal"):
        begin(stack)


def test_a_dead_journal_is_closed_by_hand(stack: Stack) -> None:
    """Only a dead process's journal can be closed by hand."""
    assert journal.close_dead(stack, now=NOW) is False
    kept = begin(stack)
    with pytest.raises(Refused):
        journal.close_dead(stack, now=NOW)
    elsewhere(stack, kept, silent=timedelta(minutes=4))
    assert journal.close_dead(stack, now=NOW) is True
    assert journal.read_entry(stack) is None


def test_one_lock_however_the_stack_is_spelled(stack: Stack) -> None:
    """A stack named organization/project/stack has the same lock."""
    begin(stack)
    with pytest.raises(Refused):
        begin(replace(stack, name="acme/arca-api/prod"))


def test_a_process_of_somebody_else_lives(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that this user may not signal exists."""
    sent: list[tuple[int, int]] = []

    def kill(number: int, signal: int) -> None:
        sent.append((number, signal))
        raise PermissionError

    begin(stack)
    monkeypatch.setattr(os, "kill", kill)
    with pytest.raises(Refused):
        Journal.resume(stack, clock=StillClock())
    # Signal 0 only asks whether the process exists (kill(2)).
    assert sent == [(os.getpid(), 0)]


class DeniedSsm:
    """A client to which SSM denies every call."""

    exceptions = SimpleNamespace(ParameterNotFound=KeyError, ParameterAlreadyExists=KeyError)

    def __getattr__(self, name: str) -> NoReturn:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, name)


def test_a_journal_that_aws_denies(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator reads which of the three could not be done, and to which stack."""
    kept = begin(stack)

    def denied(_stack: Stack, _service: str) -> DeniedSsm:
        return DeniedSsm()

    monkeypatch.setattr(journal, "client", denied)
    for attempt, what in (
        (lambda: journal.read_entry(stack), "read"),
        (lambda: journal.delete(stack), "closed"),
        (lambda: begin(stack), "written"),
        (lambda: Journal(stack, kept.entry, StillClock()).record(), "written"),
    ):
        with pytest.raises(ArcaError) as error:
            attempt()
        assert error.value.what.startswith(f"The release's journal cannot be {what}")
        assert stack.where in error.value.where


WRITTEN_BEFORE = """{
  "run": "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "owner": "operator@elsewhere (process 4242)",
  "since": "2026-11-24T10:00:00.123456Z", "beat": "2026-11-24T10:01:30.654321Z",
  "what": "deploy", "image": "123456789012.dkr.ecr.sa-east-1.amazonaws.com/arca-prod-api:1.42.0",
  "step": "updating", "source": "arn:x/api:1", "task_definition": "arn:x/api:2",
  "newest": "arn:x/deployment/1", "deployment": null,
  "wishes": {"override": ["alarms"], "reason": "the repair", "migrate": false, "hold": true,
             "rollback_on_interrupt": true, "timeout": "PT1H30M"}
}"""
"""An entry as the version before the rename of `wishes` wrote it."""


def test_an_entry_of_an_earlier_version_is_read(stack: Stack, cloud: Cloud) -> None:
    """Its step, facts and options are those of the release that is resumed."""
    cloud.client("ssm").put_parameter(
        Name=journal.parameter_name(stack), Value=WRITTEN_BEFORE, Type="String"
    )
    taken = Journal.resume(stack, clock=StillClock()).entry
    assert (taken.step, taken.newest, taken.deployment) == (
        Step.UPDATING,
        "arn:x/deployment/1",
        None,
    )
    assert (taken.source, taken.task_definition) == ("arn:x/api:1", "arn:x/api:2")
    assert taken.token == "arca-20261124T100000123456"  # noqa: S105 - a task's name
    assert taken.options == ReleaseOptions(
        override=("alarms",),
        reason="the repair",
        migrate=False,
        hold=True,
        rollback_on_interrupt=True,
        timeout=timedelta(minutes=90),
    )


def test_the_stored_fields_keep_their_names(stack: Stack, cloud: Cloud) -> None:
    """An entry of this version has exactly the fields that earlier versions read."""
    begin(stack)
    name = journal.parameter_name(stack)
    stored = json.loads(cloud.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
    before = json.loads(WRITTEN_BEFORE)
    assert stored.keys() == before.keys()
    assert stored["wishes"].keys() == before["wishes"].keys()
    assert stored["step"] == "preflight"


BEGUN = ReleaseOptions(
    override=("alarms", "scan"),
    reason="the repair",
    hold=True,
    rollback_on_interrupt=True,
    timeout=timedelta(hours=1),
)


def test_a_resumed_release_keeps_its_options() -> None:
    """Whoever resumes a release need not repeat its options; only the timeout is their own."""
    assert BEGUN.resumed_with(ReleaseOptions()) == replace(BEGUN, timeout=timedelta(hours=2))
    skipped = ReleaseOptions(migrate=False)
    assert skipped.resumed_with(ReleaseOptions()) == skipped


def test_whoever_resumes_adds_options() -> None:
    """The gates add up, a new reason replaces the old one, and each other option can be set."""
    now = ReleaseOptions(override=("scan", "budget"), reason="again", migrate=False)
    both = BEGUN.resumed_with(now)
    assert (both.override, both.reason, both.migrate) == (
        ("alarms", "scan", "budget"),
        "again",
        False,
    )
    set_now = ReleaseOptions(hold=True, rollback_on_interrupt=True)
    assert ReleaseOptions().resumed_with(set_now) == set_now
