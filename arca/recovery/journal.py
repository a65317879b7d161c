"""The journal and lock of a failover: one SSM parameter in the standby's region.

Only one of two operators can create the parameter (SSM API Reference, PutParameter without
Overwrite). It outlives a killed process and the operator's machine, so that anybody can resume. The
primary's region is not asked.
"""

import threading
import uuid
from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from arca.clients import client, explained
from arca.clock import Clock
from arca.errors import ArcaError, Refused
from arca.naming import prefix
from arca.recovery.budgets import PhaseName
from arca.recovery.record import Moment, Phase, phase
from arca.release.run_lock import RunLock, has_ended_here
from arca.stack import Stack

BEAT_SECONDS = 30.0
DEAD_AFTER = timedelta(seconds=150)
"""Five beats: the operator's process has ended, or its network."""
SEEN_LENGTH = 160
"""A parameter holds 4 KB (AWS Systems Manager User Guide, "Parameter tiers")."""


class Entry(BaseModel):
    """What is known of a failover so far."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    run: str
    operator: str
    primary: str
    secondary: str
    declared: Moment
    beat: Moment
    failed: Moment | None = None
    """When the primary stopped, as far as anybody knows."""
    accepted_loss_seconds: float | None = None
    first_good_smoke: Moment | None = None
    alarms_green: Moment | None = None
    phases: tuple[Phase, ...] = ()
    """The phases that ended, whether well or not."""
    begun: tuple[PhaseName, Moment] | None = None
    """The phase that is under way, or that was when its process was killed."""

    def done(self, name: PhaseName) -> bool:
        """Return whether a phase has ended well."""
        outcomes = [one.outcome for one in self.phases if one.name == name]
        return bool(outcomes) and outcomes[-1] in ("OK", "SKIPPED")

    def skipped(self, name: PhaseName) -> bool:
        """Return whether a phase could not be done."""
        outcomes = [one.outcome for one in self.phases if one.name == name]
        return outcomes[-1:] == ["SKIPPED"]

    def dead(self, now: datetime) -> bool:
        """Return whether its process has ended, as far as this machine can know."""
        return now - self.beat > DEAD_AFTER or has_ended_here(self.run)


def parameter(standby: Stack) -> str:
    """Return the name of the parameter."""
    return f"/{prefix(standby.outputs.stack)}/operations/failover"


def read(standby: Stack) -> Entry | None:
    """Return the journal of the failover that is under way; None where there is none.

    Raises ArcaError for one of another version.
    """
    name = parameter(standby)
    with explained(standby, "The failover's journal cannot be read"):
        found = client(standby, "ssm").get_parameters(Names=[name])["Parameters"]
    if not found:
        return None
    try:
        return Entry.model_validate_json(found[0]["Value"])
    except ValidationError as error:
        raise ArcaError(
            f"The failover's journal cannot be read: {error.errors(include_url=False)[0]['msg']}",
            where=f"the parameter {name} in {standby.outputs.region}",
            wanted="a journal of this version of arca",
            do="resume with the version that began it; delete it if nobody fails over",
        ) from None


class Journal:
    """The failover that this process does. Use it as a context: it beats until the end."""

    def __init__(self, standby: Stack, entry: Entry, clock: Clock) -> None:
        self._standby, self._clock, self.entry = standby, clock, entry
        self._ssm = client(standby, "ssm")
        self._process = RunLock(entry.run)
        self._writing, self._stop = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    @classmethod
    def begin(cls, standby: Stack, *, primary: str, operator: str, clock: Clock) -> Self:
        """Declare a failover; raises Refused where another one is under way."""
        now = clock.now()
        entry = Entry(
            run=uuid.uuid4().hex,
            operator=operator,
            primary=primary,
            secondary=standby.name,
            declared=now,
            beat=now,
        )
        journal = cls(standby, entry, clock)
        with explained(standby, "The failover cannot be declared"):
            try:
                journal._put(entry, overwrite=False)
            except journal._ssm.exceptions.ParameterAlreadyExists:
                held = read(standby)
                raise refused(held, standby, now) if held else _lost(standby) from None
        return journal

    @classmethod
    def resume(cls, standby: Stack, *, operator: str, clock: Clock) -> Self:
        """Take over a failover whose process has ended; raises Refused while it lives."""
        now, held = clock.now(), read(standby)
        if held is None:
            raise ArcaError(
                "There is no failover to resume.",
                where=f"{parameter(standby)} in {standby.outputs.region}",
                wanted="the journal of a failover that was interrupted",
                do="leave out --resume; `arca dr status` says how things are",
            )
        if not held.dead(now):
            raise refused(held, standby, now)
        phases = held.phases
        if held.begun is not None:
            name, began = held.begun
            phases = (*phases, interrupted(name, began, min(max(held.beat, began), now)))
        entry = held.model_copy(
            update={
                "run": uuid.uuid4().hex,
                "operator": operator,
                "beat": now,
                "phases": phases,
                "begun": None,
            }
        )
        journal = cls(standby, entry, clock)
        with explained(standby, "The failover cannot be taken over"):
            journal._put(entry, overwrite=True)
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
            held = read(self._standby)
            if held is None or held.run != self.entry.run:
                raise _lost(self._standby)
            self.entry = self.entry.model_copy(update={**known, "beat": self._clock.now()})
            with explained(self._standby, "The failover's journal cannot be written"):
                self._put(self.entry, overwrite=True)

    def end(self) -> None:
        """Delete the journal: the failover has ended."""
        with self._writing, explained(self._standby, "The failover's journal cannot be deleted"):
            self._ssm.delete_parameter(Name=parameter(self._standby))
        self._process.forget()

    def _put(self, entry: Entry, *, overwrite: bool) -> None:
        self._ssm.put_parameter(
            Name=parameter(self._standby),
            Value=entry.model_dump_json(exclude_none=True),
            Type="String",
            Overwrite=overwrite,
        )

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


def refused(held: Entry, standby: Stack, now: datetime) -> Refused:
    """Return the refusal of a second failover."""
    age = int((now - held.beat).total_seconds())
    do = (
        "go on with it: `arca dr failover --resume`"
        if held.dead(now)
        else f"wait; resume it when it has been silent for {DEAD_AFTER.total_seconds():.0f} s"
    )
    return Refused(
        f"A failover to {held.secondary} is under way, by {held.operator} since "
        f"{held.declared:%H:%M:%SZ}; its last sign of life is {age} s old.",
        where=f"{parameter(standby)} in {standby.outputs.region}",
        wanted="one failover at a time",
        do=do,
    )


def _lost(standby: Stack) -> Refused:
    return Refused(
        "Somebody else has taken over this failover.",
        where=f"{parameter(standby)} in {standby.outputs.region}",
        wanted="one operator at a time",
        do="`arca dr failover --dry-run` says how far it is",
    )
