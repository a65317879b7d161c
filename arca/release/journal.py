"""The release lock and journal: one SSM parameter says who releases, and how far it got.

Only one of two operators can create the parameter (SSM API Reference, PutParameter without
Overwrite). It outlives a killed process, so that the next operator can resume from its step.
"""

import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from arca.clients import Unreachable, client, explained
from arca.clock import Clock
from arca.errors import ArcaError
from arca.release import held_lock
from arca.release.held_lock import HeldLock, UnreadableJournal
from arca.release.journal_entry import ENTRY, JournalEntry, parameter_name, this_process
from arca.release.outage import outlast
from arca.release.run_lock import RunLock, forget
from arca.release.steps import LockLost, Step
from arca.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_ssm.type_defs import GetParameterResultTypeDef

HEARTBEAT_INTERVAL = timedelta(seconds=30)
SETTLING_SECONDS = 1.0
"""What was written a moment ago may not be shown yet."""


class Journal:
    """The lock on a stack's releases, held by this process."""

    def __init__(self, stack: Stack, entry: JournalEntry, clock: Clock) -> None:
        self._stack, self._clock, self.entry = stack, clock, entry
        self._ssm = client(stack, "ssm")
        self._process = RunLock(entry.run)

    @classmethod
    def begin(
        cls,
        stack: Stack,
        *,
        what: str,
        image: str,
        clock: Clock,
        free_dead: bool = False,
        **known: Any,
    ) -> Self:
        """Acquire the lock; raises Refused with the holder's name.

        With `free_dead`, a lock that no living process is known to hold is deleted first; a run
        of another version that still lives then ends with LockLost. `known` are further fields
        of the entry, written at once so that no kill parts them.
        """
        now = clock.now()
        entry = JournalEntry(uuid.uuid4().hex, this_process(), now, now, what, image, **known)
        journal = cls(stack, entry, clock)
        try:
            if not (free_dead and journal._replace_dead()):
                journal._acquire()
        except (Exception, KeyboardInterrupt) as error:
            if isinstance(error, ArcaError) and not isinstance(error, Unreachable):
                journal._process.forget()
                raise
            # The write may have taken effect, and nothing else was done yet.
            with suppress(ArcaError):
                journal.end()
            raise
        return journal

    @classmethod
    def resume(cls, stack: Stack, *, clock: Clock) -> Self:
        """Take over the lock of a release that was interrupted; raises as `read_interrupted`."""
        journal = cls._taken_over(stack, held_lock.read_interrupted(stack), clock)
        if journal is None:
            raise held_lock.nothing_to_resume(stack)
        return journal

    @classmethod
    def close_dead(cls, stack: Stack, *, clock: Clock) -> bool:
        """Free the lock of a dead run; False where there is none.

        Raises Refused while the run lives, or where another one takes the lock over meanwhile,
        and UnreadableJournal where its holder may live: a newer version writes heartbeats too, in
        whatever form.
        """
        try:
            held = held_lock.read(stack)
        except UnreadableJournal as unreadable:
            if not unreadable.dead:
                raise
            held_lock.delete(stack)
            return True
        if held is None:
            return False
        if not held.dead:
            raise held_lock.held_by_another(stack, held)
        journal = cls._taken_over(stack, held, clock)
        if journal is None:
            return False
        journal.end()
        return True

    @classmethod
    def _taken_over(cls, stack: Stack, left: HeldLock, clock: Clock) -> Self | None:
        """Take over the lock of a dead run; None where it was freed meanwhile."""
        taken = replace(left.entry, run=uuid.uuid4().hex, owner=this_process(), beat=clock.now())
        journal = cls(stack, taken, clock)
        try:
            taken_over = journal._take_over(left)
        except ArcaError as error:
            if isinstance(error, Unreachable):
                # The write may have taken effect: this run can be resumed in its turn.
                journal.leave()
            else:
                journal._process.forget()
            raise
        except KeyboardInterrupt:
            journal.leave()
            raise
        if not taken_over:
            journal._process.forget()
            return None
        return journal

    def _replace_dead(self) -> bool:
        """Take over the lock of a dead run, or delete an unreadable one; False where it is free.

        A lock of a living run is left for `_acquire` to refuse.
        """
        try:
            held = held_lock.read(self._stack)
        except UnreadableJournal:
            held_lock.delete(self._stack)
            return False
        return held is not None and held.dead and self._take_over(held)

    def _acquire(self) -> None:
        while not self._create():
            held = held_lock.read(self._stack)
            # After a lost reply, the parameter that exists is the one that was asked for.
            if held is not None and held.entry.run == self.entry.run:
                return
            # Where the holder let go between the two calls, the lock is free: try again.
            if held is not None:
                raise held_lock.held_by_another(self._stack, held)

    def _create(self) -> bool:
        """Create the parameter; False where there is one."""
        with explained(self._stack, "The release's journal cannot be written"):
            try:
                self._put(self.entry, overwrite=False)
            except self._ssm.exceptions.ParameterAlreadyExists:
                return False
        return True

    def _take_over(self, left: HeldLock) -> bool:
        """Write this run's entry over that of a dead one; False where that was freed meanwhile.

        SSM has no conditional write, but it keeps what was overwritten: one of two operators finds
        that another one was first, puts that entry back and raises Refused.
        """
        with explained(self._stack, "The release's journal cannot be written"):
            version = self._put(self.entry, overwrite=True)
            before = self._overwritten(version)
            if before is None:
                # It was freed in between, and this write has created it anew.
                held_lock.delete(self._stack)
                return False
            try:
                held = held_lock.lock_of(self._stack, before)
            except UnreadableJournal:
                self._put_back(before)
                raise
            # The version alone proves nothing: it begins anew when the parameter is created anew.
            if held.entry.run != left.entry.run:
                self._put_back(before)
                raise held_lock.held_by_another(self._stack, held)
        forget(left.entry.run)
        return True

    def _overwritten(self, version: int) -> "GetParameterResultTypeDef | None":
        """Return what stood there before this run's writes, of which a lost reply makes several."""
        while version > 1:
            version -= 1
            try:
                found = self._ssm.get_parameter(Name=f"{parameter_name(self._stack)}:{version}")
            except (
                self._ssm.exceptions.ParameterNotFound,
                self._ssm.exceptions.ParameterVersionNotFound,
            ):
                return None
            if self.entry.run not in found["Parameter"]["Value"]:
                return found
        return None

    def _put_back(self, found: "GetParameterResultTypeDef") -> None:
        value = found["Parameter"]["Value"]
        name = parameter_name(self._stack)
        self._ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

    def record(self, **changes: Any) -> None:
        """Write fields of the entry and a heartbeat; an AWS that does not answer is waited out.

        Raises LockLost where another run holds the lock, or nobody does.
        """
        outlast(lambda: self._record(**changes), self._clock)

    def _record(self, **changes: Any) -> None:
        self._require_lock()
        entry = replace(self.entry, beat=self._clock.now(), **changes)
        with explained(self._stack, "The release's journal cannot be written"):
            self._put(entry, overwrite=True)
        # A step that is not written is not reached: what follows it has not begun.
        self.entry = entry

    def _require_lock(self) -> None:
        held = held_lock.read(self._stack)
        if held is None or held.entry.run != self.entry.run:
            # A second run that lost the race to take over puts the first one's entry back.
            self._clock.sleep(SETTLING_SECONDS)
            held = held_lock.read(self._stack)
        if held is None:
            raise self._lost("it was freed by somebody else")
        if held.entry.run != self.entry.run:
            raise self._lost(f"{held} holds it")

    def _lost(self, why: str) -> LockLost:
        return LockLost(
            f"This run has lost the lock: {why}.",
            where=f"{self._stack.where}, SSM parameter {parameter_name(self._stack)}",
            wanted="a lock that stays until its run has ended",
            do=f"see what runs: `arca status --stack {self._stack.name}`",
        )

    def beat(self) -> None:
        """Write a heartbeat where the latest is older than HEARTBEAT_INTERVAL.

        One that cannot be written is not worth a release: the next look tries again.
        """
        # The clock may be set back; the difference is then negative, and no heartbeat may be late.
        if abs(self._clock.now() - self.entry.beat) >= HEARTBEAT_INTERVAL:
            with suppress(Unreachable):
                self._record()

    @property
    def clock(self) -> Clock:
        """A clock whose sleep writes heartbeats: wait with it while the lock is held."""
        return _HeartbeatClock(self._clock, self)

    def end(self) -> None:
        """Release the lock, unless somebody else has taken it over."""
        try:
            held = held_lock.read(self._stack)
            if held is not None and held.entry.run == self.entry.run:
                held_lock.delete(self._stack)
            self._process.forget()
        finally:
            self.leave()

    def leave(self) -> None:
        """Leave the lock to whoever resumes the release: this run has ended without a verdict."""
        self._process.free()

    def return_to(self, step: Step) -> None:
        """Go back to an earlier step, because what the present one asked for was refused."""
        self.entry = replace(self.entry, step=step)
        # The release ends now; a journal that still holds the later step is looked at again.
        with suppress(ArcaError):
            self._record()

    def _put(self, entry: JournalEntry, *, overwrite: bool) -> int:
        """Write an entry, and return the parameter's version."""
        return self._ssm.put_parameter(
            Name=parameter_name(self._stack),
            Value=ENTRY.dump_json(entry, by_alias=True).decode(),
            Type="String",
            Overwrite=overwrite,
        )["Version"]


class _HeartbeatClock(Clock):
    """A clock for migrations and smoke tests, which may take longer than SILENCE_LIMIT."""

    def __init__(self, clock: Clock, journal: Journal) -> None:
        self._clock, self._journal = clock, journal

    def now(self) -> datetime:
        """Return the current time, in UTC."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Write a heartbeat where one is due, then wait."""
        self._journal.beat()
        self._clock.sleep(seconds)
