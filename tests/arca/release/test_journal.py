"""The release lock and journal: one release at a time, and none that is lost."""

import getpass
import json
import os
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from botocore import endpoint
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.utils import utcnow
from moto.ssm.models import Parameter, ssm_backends

from arca.clients import Unreachable
from arca.clock import Clock
from arca.errors import ArcaError, ExitCode, Refused
from arca.release import held_lock, journal, journal_entry
from arca.release.held_lock import UnreadableJournal
from arca.release.journal import Journal
from arca.release.journal_entry import JournalEntry, ReleaseOptions
from arca.release.run_lock import forget, run_file
from arca.release.steps import LockLost, Step
from arca.stack import Stack, find
from tests.arca.emulated import Cloud
from tests.arca.release.processes import die

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


def entry_of(stack: Stack) -> JournalEntry | None:
    """Return what the journal holds."""
    held = held_lock.read(stack)
    return held.entry if held else None


def elsewhere(stack: Stack, kept: Journal, *, silent: timedelta) -> None:
    """Leave the journal as if another machine held it, which wrote it so long ago."""
    forget(kept.entry.run)
    age(stack, silent)


def age(stack: Stack, silent: timedelta) -> None:
    """Let AWS say that the journal was last written so long ago."""
    stored(stack).last_modified_date = utcnow() - silent


def stored(stack: Stack) -> Parameter:
    """Return the journal as moto stores it; a write by a call would count as a heartbeat."""
    backend = ssm_backends[DEFAULT_ACCOUNT_ID]["sa-east-1"]
    return backend._parameters[journal_entry.parameter_name(stack)][-1]  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # moto has no other way


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
        f"  where:  {first.entry.owner}, since 2032-03-10 14:07 UTC, last sign 0 seconds ago\n"
        "  wanted: one release at a time\n"
        "  do:     wait for it; if it was killed, follow it from its step with "
        "`arca deploy --resume --stack prod` after 3 minutes"
    )
    first.end()
    begin(stack).end()
    assert entry_of(stack) is None


def test_steps_are_kept(stack: Stack) -> None:
    """The journal keeps the step and what is known, for a resumed release."""
    kept = begin(stack)
    kept.record(step=Step.REGISTERED, task_definition="t:2", source="t:1")
    found = entry_of(stack)
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
    die(kept.entry.run)
    taken = Journal.resume(stack, clock=StillClock())
    assert taken.entry.image == "image:1"
    assert not run_file(kept.entry.run).exists()
    with pytest.raises(Refused):
        Journal.resume(stack, clock=StillClock())


def test_only_the_holder_changes_when_a_release_is_resumed(stack: Stack) -> None:
    """The next operator reads who resumed it and when they were last seen; the rest stays."""
    kept = begin(stack)
    owner = kept.entry.owner
    elsewhere(stack, kept, silent=timedelta(minutes=4))
    taken = Journal.resume(stack, clock=StillClock())
    assert taken.entry == replace(kept.entry, run=taken.entry.run, owner=owner, beat=NOW)
    assert entry_of(stack) == taken.entry


def test_a_holder_is_dead_after_three_minutes_of_silence(stack: Stack) -> None:
    """Just under three minutes of silence are too few, by AWS's clock, which counts seconds."""
    kept = begin(stack)
    elsewhere(stack, kept, silent=timedelta(minutes=3, seconds=-20))
    with pytest.raises(Refused):
        Journal.resume(stack, clock=StillClock())
    elsewhere(stack, kept, silent=timedelta(minutes=3, seconds=2))
    assert Journal.resume(stack, clock=StillClock())


def test_only_the_clock_of_aws_counts(stack: Stack) -> None:
    """An operator whose clock is wrong takes over no living release, and finds a dead one."""
    ahead, behind = MovingClock(), MovingClock()
    ahead.moment += timedelta(hours=1)
    behind.moment -= timedelta(hours=1)
    kept = Journal.begin(stack, what="deploy", image="image:1", clock=behind)
    elsewhere(stack, kept, silent=timedelta(minutes=1))
    with pytest.raises(Refused):
        Journal.resume(stack, clock=ahead)
    elsewhere(stack, kept, silent=timedelta(minutes=4))
    assert Journal.resume(stack, clock=behind)


def test_a_clock_that_is_set_back_delays_no_heartbeat(stack: Stack) -> None:
    """The heartbeats go on, though by this clock the last one lies in the future."""
    clock = MovingClock()
    kept = Journal.begin(stack, what="deploy", image="image:1", clock=clock)
    clock.moment -= timedelta(minutes=10)
    kept.beat()
    assert kept.entry.beat == clock.moment


def test_another_container_with_this_name_and_number_lives(stack: Stack) -> None:
    """Neither the host's name nor a process number that nobody has makes a holder dead."""
    kept = begin(stack)
    owner = f"{kept.entry.owner.partition(' (process ')[0]} (process 4194399)"
    kept.record(owner=owner)
    forget(kept.entry.run)
    with pytest.raises(Refused, match="Somebody else releases") as refused:
        begin(stack)
    assert refused.value.where.startswith(owner)


def test_the_dead_are_named(stack: Stack) -> None:
    """A lock that was left says since when, how to go on, and how to free it."""
    kept = begin(stack)
    die(kept.entry.run)
    with pytest.raises(Refused, match="A run on prod was interrupted: deploy of image:1") as found:
        begin(stack)
    assert "UTC, dead since 2032-03-10 14:" in found.value.where
    assert found.value.do == (
        "go on with it: `arca deploy --resume --stack prod`, or free its lock: "
        "`arca stop --stack prod`"
    )


def lose_replies(monkeypatch: pytest.MonkeyPatch, operation: str, *, replies: int) -> list[str]:
    """Let so many replies get lost, after SSM did what it was asked; returns what was asked."""
    asked: list[str] = []
    send = URLLib3Session.send

    def lossy(self: URLLib3Session, request: Any) -> Any:
        answer = send(self, request)
        if request.headers.get("X-Amz-Target", b"").decode().endswith(f".{operation}"):
            asked.append(operation)
            if len(asked) <= replies:
                raise ReadTimeoutError(endpoint_url=request.url)
        return answer

    monkeypatch.setattr(URLLib3Session, "send", lossy)
    monkeypatch.setattr(endpoint, "time", SimpleNamespace(sleep=str))
    return asked


def test_a_lost_reply_is_no_second_holder(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock that exists when the call is repeated is the one that was asked for."""
    asked = lose_replies(monkeypatch, "PutParameter", replies=1)
    kept = begin(stack)
    assert asked == ["PutParameter"] * 2
    assert entry_of(stack) == kept.entry


def test_a_takeover_whose_reply_is_lost(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """The write is repeated, and nobody else was first: this run holds the lock."""
    kept = begin(stack)
    die(kept.entry.run)
    lose_replies(monkeypatch, "PutParameter", replies=2)
    taken = Journal.resume(stack, clock=StillClock())
    assert entry_of(stack) == taken.entry
    taken.record(step=Step.REGISTERED)


def test_a_takeover_without_an_answer_can_be_taken_over(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write may have taken effect, and the run that asked for it has ended."""
    kept = begin(stack)
    die(kept.entry.run)
    with monkeypatch.context() as lossy:
        lose_replies(lossy, "PutParameter", replies=99)
        with pytest.raises(Unreachable):
            Journal.resume(stack, clock=StillClock())
    assert Journal.resume(stack, clock=StillClock()).entry.image == "image:1"


def test_no_lock_is_left_by_a_call_without_an_answer(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator who reads that nothing was begun finds no lock of it."""
    lose_replies(monkeypatch, "PutParameter", replies=99)
    with pytest.raises(Unreachable):
        begin(stack)
    assert held_lock.read(stack) is None


def test_of_two_who_take_over_one_is_refused(stack: Stack) -> None:
    """The one whose write was not the first puts back what it has overwritten."""
    kept = begin(stack)
    die(kept.entry.run)
    left = held_lock.read_interrupted(stack)
    first = Journal.resume(stack, clock=StillClock())
    second = Journal(stack, replace(left.entry, run="second"), StillClock())
    with pytest.raises(Refused, match="Somebody else releases"):
        second._take_over(left)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # between the other's two calls
    assert entry_of(stack) == first.entry
    first.record(step=Step.REGISTERED)


def test_a_lock_that_was_made_anew_is_not_taken_over(stack: Stack) -> None:
    """SSM's versions begin at 1 again, so that the number alone does not tell two locks apart."""
    kept = begin(stack)
    die(kept.entry.run)
    left = held_lock.read_interrupted(stack)
    assert Journal.close_dead(stack, clock=StillClock())
    anew = begin(stack, "rollback")
    late = Journal(stack, replace(left.entry, run="f" * 32), StillClock())
    with pytest.raises(Refused, match="Somebody else releases to prod: rollback"):
        late._take_over(left)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # between the other's two calls
    assert entry_of(stack) == anew.entry


def test_a_lock_that_was_freed_is_not_taken_over(stack: Stack) -> None:
    """A write that comes after `arca stop` freed the lock leaves none behind."""
    kept = begin(stack)
    kept.record(step=Step.REGISTERED)
    die(kept.entry.run)
    left = held_lock.read_interrupted(stack)
    assert Journal.close_dead(stack, clock=StillClock())
    late = Journal(stack, replace(left.entry, run="f" * 32), StillClock())
    assert not late._take_over(left)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] # between the other's two calls
    assert held_lock.read(stack) is None


def test_a_time_without_a_zone_is_not_read(stack: Stack) -> None:
    """A journal with a naive time is damaged: nothing compares it with a time of AWS."""
    kept = begin(stack)
    value = json.loads(journal_entry.ENTRY.dump_json(kept.entry, by_alias=True))
    value["beat"] = "2032-03-10T14:07:00"
    stored(stack).value = json.dumps(value)
    with pytest.raises(UnreadableJournal, match="cannot read the release's journal"):
        held_lock.read(stack)


def test_a_migration_is_not_resumed_but_run_again(stack: Stack) -> None:
    """A migration that died has no step, and its runner goes on by itself where it was."""
    elsewhere(stack, begin(stack, journal_entry.MIGRATION), silent=timedelta(minutes=4))
    with pytest.raises(Refused, match="A migration was interrupted, not a release") as refused:
        Journal.resume(stack, clock=StillClock())
    assert refused.value.where.endswith("image:1")
    assert refused.value.wanted == "a release that was interrupted"
    assert "`arca migrate --stack prod` again" in refused.value.do


def test_whoever_was_taken_over_stops(stack: Stack) -> None:
    """A run that lost the lock stops at its next step, and never calls that a refusal."""
    kept = begin(stack)
    elsewhere(stack, kept, silent=timedelta(minutes=4))
    taken = Journal.resume(stack, clock=StillClock())
    with pytest.raises(LockLost, match=r"deploy of image:1 by .* holds it") as lost:
        kept.record(step=Step.MIGRATED)
    assert lost.value.exit_code is ExitCode.UNKNOWN
    kept.end()
    found = entry_of(stack)
    assert found is not None
    assert found.run == taken.entry.run


def test_a_journal_that_was_closed_stops_its_release(stack: Stack) -> None:
    """A run whose journal is gone looks once more a second later, then stops."""
    clock = MovingClock()
    kept = Journal.begin(stack, what="deploy", image="image:1", clock=clock)
    held_lock.delete(stack)
    with pytest.raises(LockLost, match="was freed by somebody else") as lost:
        kept.record(step=Step.MIGRATED)
    assert clock.slept == [1]
    assert lost.value.where.endswith("SSM parameter /arca-prod/operations/release")
    assert lost.value.wanted == "a lock that stays until its run has ended"
    assert "`arca status --stack prod`" in lost.value.do
    assert entry_of(stack) is None
    held_lock.delete(stack)


def test_what_was_written_a_moment_ago_may_appear_late(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parameter that SSM does not show at once is still the release's own."""
    kept = begin(stack)
    looks = iter([None, held_lock.read(stack)])

    def look(_stack: Stack) -> held_lock.HeldLock | None:
        return next(looks)

    with monkeypatch.context() as patched:
        patched.setattr(held_lock, "read", look)
        kept.record(step=Step.MIGRATED)
    found = entry_of(stack)
    assert found is not None
    assert found.step is Step.MIGRATED


def test_a_lock_that_is_let_go_meanwhile_is_taken(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holder may end between the two calls with which the second one learns of it."""
    held = begin(stack)

    def gone(_stack: Stack) -> None:
        held_lock.delete(stack)

    with monkeypatch.context() as patched:
        patched.setattr(held_lock, "read", gone)
        taken = begin(stack, "rollback")
    assert entry_of(stack) == taken.entry
    assert held.entry.run != taken.entry.run


def test_a_heartbeat_every_half_minute(stack: Stack) -> None:
    """A sleep writes a heartbeat where the latest is 30 seconds old, and keeps the step."""
    clock = MovingClock()
    kept = Journal.begin(stack, what="deploy", image="image:1", clock=clock)
    kept.record(step=Step.REGISTERED)
    beats: list[float] = []
    for seconds in (29, 1, 5, 25, 1):
        kept.clock.sleep(seconds)
        found = entry_of(stack)
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
    found = entry_of(stack)
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
    name = journal_entry.parameter_name(stack)
    cloud.client("ssm").put_parameter(Name=name, Value="{}", Type="String")
    with pytest.raises(ArcaError, match="cannot read the release's journal") as error:
        entry_of(stack)
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
    assert Journal.close_dead(stack, clock=StillClock()) is False
    kept = begin(stack)
    with pytest.raises(Refused):
        Journal.close_dead(stack, clock=StillClock())
    elsewhere(stack, kept, silent=timedelta(minutes=4))
    assert Journal.close_dead(stack, clock=StillClock()) is True
    assert entry_of(stack) is None


def test_a_lock_that_is_taken_over_meanwhile_is_not_freed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`arca stop` read a dead run's lock; whoever resumes that run first keeps it."""
    kept = begin(stack)
    kept.leave()
    read = held_lock.read
    resumed: list[Journal] = []

    def slow(stack: Stack) -> held_lock.HeldLock | None:
        found = read(stack)
        if not resumed:
            monkeypatch.setattr(held_lock, "read", read)
            resumed.append(Journal.resume(stack, clock=StillClock()))
        return found

    monkeypatch.setattr(held_lock, "read", slow)
    with pytest.raises(Refused, match="Somebody else releases to prod"):
        Journal.close_dead(stack, clock=StillClock())
    assert entry_of(stack) == resumed[0].entry
    resumed[0].record(step=Step.REGISTERED)


def test_one_lock_however_the_stack_is_spelled(stack: Stack) -> None:
    """A stack named organization/project/stack has the same lock."""
    first = begin(stack)
    with pytest.raises(Refused):
        begin(replace(stack, name="acme/arca-api/prod"))
    first.end()


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

    for module in (held_lock, journal):
        monkeypatch.setattr(module, "client", denied)
    for attempt, what in (
        (lambda: held_lock.read(stack), "read"),
        (lambda: held_lock.delete(stack), "closed"),
        (lambda: begin(stack), "written"),
        (lambda: Journal(stack, kept.entry, StillClock()).record(), "read"),
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
        Name=journal_entry.parameter_name(stack), Value=WRITTEN_BEFORE, Type="String"
    )
    age(stack, timedelta(minutes=4))
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
    """An entry of this version has exactly the fields that earlier versions read.

    They ignore `template`, `tasks` and `emergency`, which came later.
    """
    begin(stack)
    name = journal_entry.parameter_name(stack)
    stored = json.loads(cloud.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
    before = json.loads(WRITTEN_BEFORE)
    assert stored.keys() == before.keys() | {"template", "tasks"}
    assert stored["wishes"].keys() == before["wishes"].keys() | {"emergency"}
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
