"""The release lock and journal: one SSM parameter says who releases, and how far it got.

Only one of two operators can create the parameter (SSM API Reference, PutParameter without
Overwrite). It outlives a killed process, so that the next operator can resume from its step.

A run is known by its random id. Whether it lives follows from its process where that ran on this
machine (run_lock.py), and elsewhere from the time since its last heartbeat. Both ends of that time
are read from AWS's clock, because the clocks of two operators may differ by minutes.
"""

import getpass
import os
import socket
import uuid
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from arca.clients import Unreachable, client, explained
from arca.clock import Clock
from arca.errors import ArcaError, Refused
from arca.release.outage import outlast
from arca.release.run_lock import RunLock, forget, has_ended_here
from arca.release.steps import LockLost, Step
from arca.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_ssm.type_defs import GetParameterResultTypeDef

SILENCE_LIMIT = timedelta(minutes=3)
"""The holder of the lock counts as dead after so long without a heartbeat."""
HEARTBEAT_INTERVAL = timedelta(seconds=30)
SETTLING_SECONDS = 1.0
"""What was written a moment ago may not be shown yet."""
MIGRATION = "migrate"
"""The `what` of an entry that a migration holds; it has no step to resume."""


@dataclass(frozen=True)
class ReleaseOptions:
    """Release options, stored so that a resumed release keeps them."""

    override: tuple[str, ...] = ()
    """Gates to open though they are closed."""
    reason: str | None = None
    """Why they are opened."""
    migrate: bool = True
    hold: bool = False
    """Leave a paused deployment to `arca promote`."""
    rollback_on_interrupt: bool = False
    timeout: timedelta = timedelta(hours=2)
    """How long the deployment is watched."""
    emergency: bool = False
    """Deploy all at once, without pause, bake and alarms (configuration.py)."""

    def resumed_with(self, now: "ReleaseOptions") -> "ReleaseOptions":
        """Return these options of the release, and what the operator who resumes it adds."""
        return replace(
            now,
            override=tuple(dict.fromkeys((*self.override, *now.override))),
            reason=now.reason or self.reason,
            migrate=self.migrate and now.migrate,
            hold=self.hold or now.hold,
            rollback_on_interrupt=self.rollback_on_interrupt or now.rollback_on_interrupt,
            emergency=self.emergency,
        )


@dataclass(frozen=True)
class JournalEntry:
    """The parameter's content; the names of the JSON fields are stored and never change."""

    run: str
    """Random id of the process that holds the lock; nothing else tells whose lock it is."""
    owner: str
    """Its user, machine and process number, for a person."""
    since: AwareDatetime
    beat: AwareDatetime
    """The latest heartbeat by the holder's own clock, for a person."""
    what: str
    """`deploy`, `rollback`, `follow` for a deployment that somebody else began, or `migrate`."""
    image: str
    step: Step = Step.PREFLIGHT
    source: str | None = None
    """The task definition that ran before the release."""
    task_definition: str | None = None
    """The task definition that the release deploys."""
    newest: str | None = None
    """ARN of the newest deployment that ECS had before this release asked for its own."""
    deployment: str | None = None
    """ARN of the release's deployment."""
    options: Annotated[ReleaseOptions, Field(alias="wishes")] = field(
        default_factory=ReleaseOptions
    )

    @property
    def token(self) -> str:
        """Name of the release's migration task, which stays the same when it is resumed."""
        return f"arca-{self.since:%Y%m%dT%H%M%S%f}"


ENTRY = TypeAdapter(JournalEntry)


class UnreadableJournal(ArcaError):
    """The parameter holds what another version wrote, or what nobody can read."""

    def __init__(self, stack: Stack, why: str, *, modified: datetime, silent: timedelta) -> None:
        super().__init__(
            "This version cannot read the release's journal.",
            where=f"{stack.where}, SSM parameter {parameter_name(stack)}, last written "
            f"{modified:%Y-%m-%d %H:%M:%S} UTC: {why}",
            wanted="what `arca deploy` writes",
            do=f"`arca stop --stack {stack.name}` deletes it {_minutes(SILENCE_LIMIT)} after it "
            "was last written",
        )
        self.dead = silent > SILENCE_LIMIT
        """Whether nobody has written it for so long that its writer counts as dead."""


@dataclass(frozen=True)
class HeldLock:
    """The lock as AWS shows it."""

    entry: JournalEntry
    version: int
    """The parameter's version; each write adds one."""
    modified: datetime
    """When the parameter was last written, by AWS's clock."""
    silent: timedelta
    """How long before this answer that was, by AWS's clock too."""

    @property
    def dead(self) -> bool:
        """Whether the holder's process has ended here, or was silent too long."""
        return self.silent > SILENCE_LIMIT or has_ended_here(self.entry.run)

    def __str__(self) -> str:
        """Return who holds the lock and what for, for a person."""
        one = self.entry
        return f"{one.what} of {one.image} by {one.owner}, step {one.step}"


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
        if free_dead:
            # One that lives is refused below, with the same words as always.
            try:
                close_dead(stack)
            except Refused:
                pass
            except UnreadableJournal:
                delete(stack)
        now = clock.now()
        entry = JournalEntry(uuid.uuid4().hex, this_process(), now, now, what, image, **known)
        journal = cls(stack, entry, clock)
        try:
            journal._acquire()
        except BaseException:
            journal._process.forget()
            raise
        return journal

    @classmethod
    def resume(cls, stack: Stack, *, clock: Clock) -> Self:
        """Take over the lock of a release that was interrupted; raises as `read_interrupted`."""
        left = read_interrupted(stack)
        taken = replace(left.entry, run=uuid.uuid4().hex, owner=this_process(), beat=clock.now())
        journal = cls(stack, taken, clock)
        try:
            journal._take_over(left)
        except BaseException:
            journal._process.forget()
            raise
        forget(left.entry.run)
        return journal

    def _acquire(self) -> None:
        while not self._create():
            held = read_lock(self._stack)
            # After a lost reply, the parameter that exists is the one that was asked for.
            if held is not None and held.entry.run == self.entry.run:
                return
            # Where the holder let go between the two calls, the lock is free: try again.
            if held is not None:
                raise _held(self._stack, held)

    def _create(self) -> bool:
        """Create the parameter; False where there is one."""
        try:
            with explained(self._stack, "The release's journal cannot be written"):
                try:
                    self._put(overwrite=False)
                except self._ssm.exceptions.ParameterAlreadyExists:
                    return False
        except Unreachable:
            # The call may have taken effect, and nothing else was done yet.
            with suppress(ArcaError):
                self.end()
            raise
        return True

    def _take_over(self, left: HeldLock) -> None:
        """Write this run's entry over that of a dead one, unless somebody else was first.

        SSM has no conditional write, but it counts them: one of two operators finds that another
        write came between, and puts back what it has overwritten.
        """
        with explained(self._stack, "The release's journal cannot be written"):
            version = self._put(overwrite=True)
            if version == left.version + 1:
                return
            name = parameter_name(self._stack)
            try:
                found = self._ssm.get_parameter(Name=f"{name}:{version - 1}")
            except (
                self._ssm.exceptions.ParameterNotFound,
                self._ssm.exceptions.ParameterVersionNotFound,
            ):
                # It was freed in between, and this write has created it anew.
                delete(self._stack)
                held = None
            else:
                self._ssm.put_parameter(
                    Name=name, Value=found["Parameter"]["Value"], Type="String", Overwrite=True
                )
                held = _lock_of(self._stack, found)
        if held is None:
            raise _nothing_to_resume(self._stack)
        raise _held(self._stack, held)

    def record(self, **changes: Any) -> None:
        """Write fields of the entry and a heartbeat; an AWS that does not answer is waited out.

        Raises LockLost where another run holds the lock, or nobody does.
        """
        outlast(lambda: self._record(**changes), self._clock)

    def _record(self, **changes: Any) -> None:
        self._require_lock()
        self.entry = replace(self.entry, beat=self._clock.now(), **changes)
        with explained(self._stack, "The release's journal cannot be written"):
            self._put(overwrite=True)

    def _require_lock(self) -> None:
        held = read_lock(self._stack)
        if held is None or held.entry.run != self.entry.run:
            # A second run that lost the race to take over puts the first one's entry back.
            self._clock.sleep(SETTLING_SECONDS)
            held = read_lock(self._stack)
        if held is None:
            raise self._lost("it was freed by somebody else")
        if held.entry.run != self.entry.run:
            raise self._lost(f"{held} holds it")

    def _lost(self, why: str) -> LockLost:
        return LockLost(
            f"This run has lost the lock: {why}.",
            where=f"{self._stack.where}, SSM parameter {parameter_name(self._stack)}",
            wanted="a lock that stays until its run has ended",
            do=f"what this run began goes on; see it with `arca status --stack {self._stack.name}`",
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
            held = read_lock(self._stack)
            if held is not None and held.entry.run == self.entry.run:
                delete(self._stack)
            self._process.forget()
        finally:
            self.leave()

    def leave(self) -> None:
        """Leave the lock to whoever resumes the release: this run has ended without a verdict."""
        self._process.free()

    def _put(self, *, overwrite: bool) -> int:
        """Write the entry, and return the parameter's version."""
        return self._ssm.put_parameter(
            Name=parameter_name(self._stack),
            Value=ENTRY.dump_json(self.entry, by_alias=True).decode(),
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


def parameter_name(stack: Stack) -> str:
    """Return the parameter's name, also for a stack named `organization/project/stack`."""
    return f"/arca-{stack.name.rpartition('/')[2]}/operations/release"


def read_lock(stack: Stack) -> HeldLock | None:
    """Return who holds the lock; None where nobody does.

    Raises UnreadableJournal where it is held by what this version cannot read.
    """
    ssm = client(stack, "ssm")
    with explained(stack, "The release's journal cannot be read"):
        try:
            found = ssm.get_parameter(Name=parameter_name(stack))
        except ssm.exceptions.ParameterNotFound:
            return None
    return _lock_of(stack, found)


def _lock_of(stack: Stack, found: "GetParameterResultTypeDef") -> HeldLock:
    parameter = found["Parameter"]
    modified = parameter["LastModifiedDate"]
    # Every answer of AWS has this header (RFC 9110, section 6.6.1); without it nobody is dead.
    answered = found["ResponseMetadata"]["HTTPHeaders"].get("date")
    silent = parsedate_to_datetime(answered) - modified if answered else timedelta(0)
    try:
        entry = ENTRY.validate_json(parameter["Value"])
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise UnreadableJournal(stack, why, modified=modified, silent=silent) from None
    return HeldLock(entry, parameter["Version"], modified, silent)


def read_interrupted(stack: Stack) -> HeldLock:
    """Return the lock of a release whose process has died.

    Raises Refused while its process lives and for a migration, ArcaError where there is none.
    """
    found = read_lock(stack)
    if found is None:
        raise _nothing_to_resume(stack)
    if not found.dead:
        raise _held(stack, found)
    if found.entry.what == MIGRATION:
        raise Refused(
            "A migration was interrupted, not a release.",
            where=f"{stack.where}, {found.entry.image}",
            wanted="a release that was interrupted",
            do=f"run `arca migrate --stack {stack.name}` again: the runner goes on where it was",
        )
    return found


def delete(stack: Stack) -> None:
    """Delete the parameter, whoever holds the lock."""
    ssm = client(stack, "ssm")
    with explained(stack, "The release's journal cannot be closed"):
        try:
            ssm.delete_parameter(Name=parameter_name(stack))
        except ssm.exceptions.ParameterNotFound:
            return


def close_dead(stack: Stack) -> bool:
    """Delete the journal of a dead process; False where there is none.

    Raises Refused while the process lives, and UnreadableJournal where it may live: a newer
    version writes a heartbeat too, in whatever form.
    """
    try:
        held = read_lock(stack)
    except UnreadableJournal as unreadable:
        if not unreadable.dead:
            raise
    else:
        if held is None:
            return False
        if not held.dead:
            raise _held(stack, held)
        forget(held.entry.run)
    delete(stack)
    return True


def require_free(stack: Stack, *, or_dead: bool) -> None:
    """Raise what `Journal.begin` would raise now; nothing is written or deleted.

    With `or_dead`, a lock that no living process is known to hold counts as free.
    """
    try:
        held = read_lock(stack)
    except UnreadableJournal:
        if not or_dead:
            raise
        return
    if held is not None and not (or_dead and held.dead):
        raise _held(stack, held)


def this_process() -> str:
    """Return the user, the machine and the number of this process."""
    return f"{_user()}@{socket.gethostname()} (process {os.getpid()})"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a number without a name; which of the two is raised depends on
        # Python's version.
        return f"uid {os.getuid()}"


def _minutes(span: timedelta) -> str:
    return f"{span.seconds // 60} minutes"


def dead_since(held: HeldLock) -> str:
    """Return when a dead run gave its last sign, for a person."""
    return f"dead since {held.modified.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _nothing_to_resume(stack: Stack) -> ArcaError:
    return ArcaError(
        "There is no release to resume.",
        where=f"{stack.where}, {parameter_name(stack)}",
        wanted="a release that was interrupted",
        do=f"see what runs: `arca status --stack {stack.name}`",
    )


def _held(stack: Stack, held: HeldLock) -> Refused:
    one = held.entry
    again = "arca migrate" if one.what == MIGRATION else "arca deploy --resume"
    if held.dead:
        return Refused(
            f"A run on {stack.name} was interrupted: {one.what} of {one.image}, step {one.step}.",
            where=f"{one.owner}, since {one.since:%Y-%m-%d %H:%M} UTC, {dead_since(held)}",
            wanted="one release at a time",
            do=f"go on with it: `{again} --stack {stack.name}`, or free its lock: "
            f"`arca stop --stack {stack.name}`",
        )
    return Refused(
        f"Somebody else releases to {stack.name}: {one.what} of {one.image}, step {one.step}.",
        where=f"{one.owner}, since {one.since:%Y-%m-%d %H:%M} UTC, last sign "
        f"{max(round(held.silent.total_seconds()), 0)} seconds ago",
        wanted="one release at a time",
        do=f"wait for it; if it was killed, follow it from its step with "
        f"`{again} --stack {stack.name}` after {_minutes(SILENCE_LIMIT)}",
    )
