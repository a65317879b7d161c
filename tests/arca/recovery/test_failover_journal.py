"""The journal of a failover: one operator at a time, and what a damaged or a full one does."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from arca import clients
from arca.errors import ArcaError, ExitCode, Refused
from arca.recovery import journal as journals
from arca.recovery import journal_entry
from arca.recovery.budgets import TO_RTO
from arca.recovery.journal import SEEN_LENGTH, Journal
from arca.recovery.journal_entry import MOST_BYTES, Entry
from arca.recovery.record import phase
from arca.release.run_lock import run_file
from arca.stack import Stack
from tests.arca.recovery.stage import JOURNAL, Stage, ended_well, writes


def begin(stage: Stage, operator: str) -> Journal:
    """Declare a failover of prod to dr."""
    return Journal.begin(standby(stage), primary="prod", operator=operator, clock=stage.clock)


def resume(stage: Stage, operator: str) -> Journal:
    """Take the failover over."""
    return Journal.resume(standby(stage), primary="prod", operator=operator, clock=stage.clock)


def standby(stage: Stage) -> Stack:
    """Return the standby with its exports."""
    return stage.find("dr")


def once(stage: Stage, name: str, act: Callable[[], object], *, moment: str = "before") -> None:
    """Do something at the first call of that name, as another operator does."""

    def hook(call: str) -> None:
        if call.endswith(name):
            setattr(stage, moment, _nothing)
            act()

    setattr(stage, moment, hook)


def _nothing(_call: str) -> None:
    """Let a call happen."""


def test_a_second_operator_at_each_step(stage: Stage) -> None:
    """In each phase of the failover, another one is refused with the first one's name."""
    refusals, tried = list[str](), set[str]()

    def second(_call: str) -> None:
        held = stage.journal
        phase = str(held.get("begun", [""])[0]) if held else ""
        if not phase or phase in tried:
            return
        tried.add(phase)
        stage.after = lambda _call: None
        before = writes(stage)
        for words in ((), ("--resume",)):
            result = stage.arca("--yes", *words, "--operator", "bo")
            assert isinstance(result.exception, Refused)
            refusals.append(result.exception.what)
        assert writes(stage) == before
        stage.after = second

    stage.after = second
    assert stage.arca("--yes").exit_code == ExitCode.DONE
    ended_well(stage)
    assert len(refusals) == 2 * len(TO_RTO)
    assert all("by ana since" in text for text in refusals)


def test_two_declare_at_the_same_time(stage: Stage) -> None:
    """Exactly one of two that both found no journal declares the failover."""
    first = list[Journal]()
    once(stage, "ssm.put_parameter", lambda: first.append(begin(stage, "ana")))
    with pytest.raises(Refused, match="by ana since"):
        begin(stage, "bo")
    first[0].note(accepted_loss_seconds=1)
    assert stage.journal is not None
    assert stage.journal["operator"] == "ana"


def test_two_take_over_at_the_same_time(stage: Stage) -> None:
    """The second of two that both found a dead run puts the first one's entry back."""
    begin(stage, "ana")
    stage.elsewhere(silent=151)
    first = list[Journal]()
    once(stage, "ssm.put_parameter", lambda: first.append(resume(stage, "bo")))
    with pytest.raises(Refused, match="by bo since"):
        resume(stage, "eva")
    first[0].note(accepted_loss_seconds=1)
    assert stage.journal is not None
    assert (stage.journal["operator"], stage.journal["accepted_loss_seconds"]) == ("bo", 1)


def test_the_first_looks_while_the_second_puts_its_entry_back(stage: Stage) -> None:
    """A run whose entry was overwritten for a moment waits for it."""
    journal = begin(stage, "ana")
    ssm = stage.client("ssm")
    own = ssm.get_parameter(Name=JOURNAL)["Parameter"]["Value"]
    other = own.replace(journal.entry.run, "f" * 32)
    put = {"Name": JOURNAL, "Type": "String", "Overwrite": True}
    ssm.put_parameter(Value=other, **put)
    once(stage, "get_parameter", lambda: ssm.put_parameter(Value=own, **put), moment="after")
    journal.note(accepted_loss_seconds=1)
    ssm.put_parameter(Value=other, **put)
    with pytest.raises(Refused, match="taken over"):
        journal.note(accepted_loss_seconds=2)
    assert journal.entry.accepted_loss_seconds == 1


def test_a_reply_that_is_lost(stage: Stage) -> None:
    """A declaration that botocore repeats is this run's own, not a second operator's."""
    exceptions = clients.client(standby(stage), "ssm").exceptions

    def exists(call: str) -> None:
        if "put_parameter" in call:
            stage.after = lambda _call: None
            error: Any = {"Error": {"Code": "ParameterAlreadyExists", "Message": "x"}}
            raise exceptions.ParameterAlreadyExists(error, "PutParameter")

    stage.after = exists
    journal = begin(stage, "ana")
    assert stage.journal is not None
    assert stage.journal["run"] == journal.entry.run


def test_a_run_that_is_taken_over_goes_no_further(stage: Stage) -> None:
    """A process that slept for long finds at its next step that another one goes on."""

    def take(call: str) -> None:
        if "promote_read_replica" in call:
            stage.after = lambda _call: None
            stage.elsewhere(silent=151)
            resume(stage, "bo")

    stage.after = take
    result = stage.arca("--yes")
    assert isinstance(result.exception, Refused)
    assert "taken over" in result.exception.what
    assert ("dr", "active") not in stage.updates
    assert stage.journal is not None
    assert stage.journal["operator"] == "bo"


def test_the_primary_of_a_resumed_failover(stage: Stage) -> None:
    """A failover goes on from the primary that it was declared for."""
    stage.arca("--yes", "--until", "fence")
    journal = standby(stage)
    with pytest.raises(Refused, match="between prod and dr"):
        Journal.resume(journal, primary="staging", operator="bo", clock=stage.clock)


@pytest.mark.parametrize("content", ["garbage", "{}", '{"version":2}', '{"version":1,"more":1}'])
@pytest.mark.parametrize("words", [(), ("--resume",), ("--dry-run",)])
def test_a_journal_that_cannot_be_read(stage: Stage, content: str, words: tuple[str, ...]) -> None:
    """One of another version is not overwritten, and the message says how to delete it."""
    put = {"Name": JOURNAL, "Type": "String", "Value": content}
    stage.client("ssm").put_parameter(**put)
    error = stage.arca("--yes", *words).exception
    assert isinstance(error, ArcaError)
    assert "journal cannot be read" in error.what
    assert f"aws ssm delete-parameter --name {JOURNAL} --region sa-east-1" in error.do
    assert not writes(stage)


def test_a_full_journal(stage: Stage) -> None:
    """Forty failed attempts fit: the oldest give way, and no phase is forgotten."""
    journal = begin(stage, "ana")
    now = stage.clock.now()
    seen = "ñ" * SEEN_LENGTH
    good = [phase(name, now, now, seen=seen) for name in ("declare", "fence", "lag", "promote")]
    bad = [phase("activate", now, now, outcome="FAILED", seen=seen)] * 40
    journal.note(phases=(*good, *bad))
    stored = stage.client("ssm").get_parameter(Name=JOURNAL)["Parameter"]["Value"]
    assert MOST_BYTES - 1000 < len(stored.encode()) <= MOST_BYTES
    found = Entry.model_validate_json(stored)
    assert all(map(found.done, ("declare", "fence", "lag", "promote")))
    assert not found.done("activate")


def test_a_beat_keeps_the_journal_alive(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a phase takes long, the journal is written again; after `end` it stays deleted."""
    beaten = Event()
    monkeypatch.setattr(journals, "BEAT_SECONDS", 0.001)
    with begin(stage, "ana") as journal:
        stage.cloud.advance(10)
        stage.after = lambda call: beaten.set() if "put_parameter" in call else None
        assert beaten.wait(60)
        held = journal_entry.read(standby(stage))
        assert held is not None
        assert held.silent < timedelta(seconds=5)
        journal.end()
    assert stage.journal is None


def test_no_file_of_a_run_is_left(stage: Stage, tmp_path: Path) -> None:
    """The lock files of refused, interrupted and ended runs are deleted."""
    stage.arca("--yes", "--until", "lag")
    assert stage.journal is not None
    assert run_file(stage.journal["run"]).exists()
    stage.arca("--yes", "--operator", "bo")
    stage.arca("--yes", "--resume")
    assert not [*tmp_path.glob("arca-run-*")]


def test_the_error_of_a_phase_survives_a_journal_that_cannot_be_written(stage: Stage) -> None:
    """Where SSM fails too, the operator reads why the phase failed, and of the journal."""

    def fail(call: str) -> None:
        if "promote_read_replica" in call:
            stage.before = silent
            raise ReadTimeoutError(endpoint_url="https://rds")

    def silent(call: str) -> None:
        if "ssm." in call:
            raise ReadTimeoutError(endpoint_url="https://ssm")

    stage.before = fail
    result = stage.arca("--yes")
    assert "The update of dr fails" in str(result.exception)
    assert "the journal does not know of the failure" in result.stderr
    stage.before = lambda _call: None
    assert stage.arca("--yes", "--resume").exit_code == ExitCode.DONE
    ended_well(stage)
