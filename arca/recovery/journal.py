"""The journal and lock of a failover: one SSM parameter in the standby's region.

Only one of two operators can create the parameter (SSM API Reference, PutParameter without
Overwrite). It outlives a killed process and the operator's machine, so that anybody can resume. The
primary's region is not asked.
"""

import threading
import uuid
from datetime import datetime
from typing import Self

from arca.clients import client, explained
from arca.clock import Clock
from arca.errors import ArcaError
from arca.recovery.budgets import PhaseName
from arca.recovery.journal_entry import Entry, Held, MoveKind, lost, parameter, read, refused
from arca.recovery.record import Phase, phase
from arca.release.run_lock import RunLock, forget
from arca.stack import Stack

BEAT_SECONDS = 30.0
SETTLING_SECONDS = 1.0
"""What was written a moment ago may not be shown yet, and a second takeover is put back."""
SEEN_LENGTH = 400
"""Characters that are kept of what a phase saw."""


class Journal:
    """The failover that this process does. Use it as a context: it beats until the end."""

    def __init__(self, standby: Stack, entry: Entry, clock: Clock) -> None:
        self._standby, self._clock, self.entry = standby, clock, entry
        self._ssm = client(standby, "ssm")
        self._process = RunLock(entry.run)
        self._writing, self._stop = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    @classmethod
    def begin(
        cls,
        standby: Stack,
        *,
        primary: str,
        operator: str,
        clock: Clock,
        kind: MoveKind = "failover",
        declared: datetime | None = None,
    ) -> Self:
        """Declare a failover; raises Refused where another one is under way.

        It is `declared` before a person was asked, or now.
        """
        now = clock.now()
        entry = Entry(
            kind=kind,
            run=uuid.uuid4().hex,
            operator=operator,
            primary=primary,
            secondary=standby.name,
            declared=declared or now,
            beat=now,
        )
        journal = cls(standby, entry, clock)
        try:
            journal._create()
        except ArcaError:
            journal._process.forget()
            raise
        return journal

    @classmethod
    def resume(
        cls,
        standby: Stack,
        *,
        primary: str,
        operator: str,
        clock: Clock,
        kind: MoveKind = "failover",
    ) -> Self:
        """Take over a failover whose process has ended; raises Refused while it lives."""
        held = read(standby)
        if held is None:
            raise ArcaError(
                f"There is no {kind} to resume.",
                where=f"{parameter(standby)} in {standby.outputs.region}",
                wanted="the journal of a failover that was interrupted",
                do="leave out --resume; `arca dr status` says how things are",
            )
        if not held.dead or (held.entry.kind, held.entry.primary) != (kind, primary):
            raise refused(held, standby)
        before = held.entry
        phases = before.phases
        if before.begun is not None:
            name, began = before.begun
            phases = (*phases, interrupted(name, began, max(before.beat, began)))
        taken = {
            "run": uuid.uuid4().hex,
            "operator": operator,
            "beat": clock.now(),
            "phases": phases,
            "begun": None,
        }
        journal = cls(standby, before.model_copy(update=taken), clock)
        try:
            journal._take_over(held)
        except ArcaError:
            journal._process.forget()
            raise
        forget(before.run)
        return journal

    def __enter__(self) -> Self:
        """Begin to beat."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Beat no more; the journal stays until `end`."""
        self._stop.set()
        self._thread.join()
        self._process.free()

    def note(self, **known: object) -> None:
        """Write what is new; raises Refused where somebody else has taken over."""
        with self._writing:
            if not self._holds():
                self._clock.sleep(SETTLING_SECONDS)
                if not self._holds():
                    raise lost(self._standby)
            entry = self.entry.model_copy(update={**known, "beat": self._clock.now()})
            with explained(self._standby, "The failover's journal cannot be written"):
                self._put(entry, overwrite=True)
            # What is not written has not been reached.
            self.entry = entry

    def end(self) -> None:
        """Delete the journal: the failover has ended."""
        with self._writing, explained(self._standby, "The failover's journal cannot be deleted"):
            self._ssm.delete_parameter(Name=parameter(self._standby))
        self._process.forget()

    def _holds(self) -> bool:
        held = read(self._standby)
        return held is not None and held.entry.run == self.entry.run

    def _create(self) -> None:
        with explained(self._standby, "The failover cannot be declared"):
            try:
                self._put(self.entry, overwrite=False)
            except self._ssm.exceptions.ParameterAlreadyExists:
                held = read(self._standby)
                if held is None:
                    raise lost(self._standby) from None
                # After a lost reply, the parameter that exists is the one that was asked for.
                if held.entry.run != self.entry.run:
                    raise refused(held, self._standby) from None

    def _take_over(self, left: Held) -> None:
        """Write this run's entry over that of a dead one.

        SSM has no conditional write, but it keeps what was overwritten: the second of two operators
        finds that another one was first, puts that entry back and raises Refused.
        """
        name = parameter(self._standby)
        with explained(self._standby, "The failover cannot be taken over"):
            version = self._put(self.entry, overwrite=True)
            if version <= left.version + 1:
                return
            before = self._ssm.get_parameter(Name=f"{name}:{version - 1}")["Parameter"]["Value"]
            # After a lost reply, this run's own entry was overwritten.
            if self.entry.run in before:
                return
            self._ssm.put_parameter(
                Name=name, Value=before, Type="String", Overwrite=True, Tier="Intelligent-Tiering"
            )
        held = read(self._standby)
        raise refused(held, self._standby) if held else lost(self._standby)

    def _put(self, entry: Entry, *, overwrite: bool) -> int:
        """Write an entry, and return the parameter's version."""
        return self._ssm.put_parameter(
            Name=parameter(self._standby),
            Value=entry.text(),
            Type="String",
            Overwrite=overwrite,
            Tier="Intelligent-Tiering",
        )["Version"]

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            try:
                self.note()
            except ArcaError:
                # The next step meets it, and says it where the operator reads.
                continue


def interrupted(name: PhaseName, began: datetime, ended: datetime) -> Phase:
    """Return the phase that a killed process left."""
    return phase(name, began, ended, outcome="INTERRUPTED", seen="its process ended")
