"""The release lock and journal: one SSM parameter says who releases, and how far it got.

Only one of two operators can create the parameter (SSM API Reference, PutParameter without
Overwrite). It outlives a killed process, so that the next operator can resume from its step.
"""

import getpass
import os
import socket
import uuid
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from pydantic import Field, TypeAdapter, ValidationError

from arca.clients import client, explained
from arca.clock import Clock
from arca.errors import ArcaError, Refused
from arca.release.steps import Step
from arca.stack import Stack

SILENCE_LIMIT = timedelta(minutes=3)
"""The holder of the lock counts as dead after so long without a heartbeat."""
HEARTBEAT_INTERVAL = timedelta(seconds=30)
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

    def resumed_with(self, now: "ReleaseOptions") -> "ReleaseOptions":
        """Return these options of the release, and what the operator who resumes it adds."""
        return replace(
            now,
            override=tuple(dict.fromkeys((*self.override, *now.override))),
            reason=now.reason or self.reason,
            migrate=self.migrate and now.migrate,
            hold=self.hold or now.hold,
            rollback_on_interrupt=self.rollback_on_interrupt or now.rollback_on_interrupt,
        )


@dataclass(frozen=True)
class JournalEntry:
    """The parameter's content; the names of the JSON fields are stored and never change."""

    run: str
    """Id of the process that holds the lock."""
    owner: str
    """Its user, machine and process number."""
    since: datetime
    beat: datetime
    """The latest heartbeat."""
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

    def __init__(self, stack: Stack, why: str, *, modified: datetime) -> None:
        super().__init__(
            "This version cannot read the release's journal.",
            where=f"{stack.where}, SSM parameter {parameter_name(stack)}, last written "
            f"{modified:%Y-%m-%d %H:%M:%S} UTC: {why}",
            wanted="what `arca deploy` writes",
            do=f"`arca stop --stack {stack.name}` deletes it {_minutes(SILENCE_LIMIT)} after it "
            "was last written",
        )
        self.modified = modified
        """When AWS says that the parameter was last written."""


class Journal:
    """The lock on a stack's releases, held by this process."""

    def __init__(self, stack: Stack, entry: JournalEntry, clock: Clock) -> None:
        self._stack, self._clock, self.entry = stack, clock, entry
        self._ssm = client(stack, "ssm")

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

        With `free_dead`, the lock of a process that died is deleted first. `known` are further
        fields of the entry, written at once so that no kill parts them.
        """
        if free_dead:
            # One that lives is refused below, with the same words as always.
            with suppress(Refused, UnreadableJournal):
                close_dead(stack, now=clock.now())
        now = clock.now()
        entry = JournalEntry(uuid.uuid4().hex, this_process(), now, now, what, image, **known)
        journal = cls(stack, entry, clock)
        while True:
            with explained(stack, "The release's journal cannot be written"):
                try:
                    journal._put(overwrite=False)
                except journal._ssm.exceptions.ParameterAlreadyExists:
                    held = read_entry(stack)
                else:
                    return journal
            # Where the holder let go between the two calls, the lock is free: try again.
            if held is not None:
                raise _held(stack, held)

    @classmethod
    def resume(cls, stack: Stack, *, clock: Clock) -> Self:
        """Take over the lock of a release that was interrupted; raises as `read_interrupted`."""
        left = read_interrupted(stack, now=clock.now())
        taken = replace(left, run=uuid.uuid4().hex, owner=this_process(), beat=clock.now())
        journal = cls(stack, taken, clock)
        journal.record()
        return journal

    def record(self, **changes: Any) -> None:
        """Write fields of the entry and a heartbeat; raises Refused when the lock was lost."""
        if changes:
            self._require_lock()
        self.entry = replace(self.entry, beat=self._clock.now(), **changes)
        with explained(self._stack, "The release's journal cannot be written"):
            self._put(overwrite=True)

    def _require_lock(self) -> None:
        held = read_entry(self._stack)
        if held is None:
            # What was written a moment ago may not be there yet.
            self._clock.sleep(1)
            held = read_entry(self._stack)
        if held is None:
            raise Refused(
                "The journal of this release was closed by somebody else.",
                where=f"{self._stack.where}, SSM parameter {parameter_name(self._stack)}",
                wanted="a journal that stays until its release has ended",
                do=f"see what runs: `arca status --stack {self._stack.name}`",
            )
        if held.run != self.entry.run:
            raise _held(self._stack, held)

    def beat(self) -> None:
        """Write a heartbeat where the latest is older than HEARTBEAT_INTERVAL."""
        if self._clock.now() - self.entry.beat >= HEARTBEAT_INTERVAL:
            self.record(step=self.entry.step)

    @property
    def clock(self) -> Clock:
        """A clock whose sleep writes heartbeats: wait with it while the lock is held."""
        return _HeartbeatClock(self._clock, self)

    def end(self) -> None:
        """Release the lock, unless somebody else has taken it over."""
        held = read_entry(self._stack)
        if held is not None and held.run == self.entry.run:
            delete(self._stack)

    def _put(self, *, overwrite: bool) -> None:
        self._ssm.put_parameter(
            Name=parameter_name(self._stack),
            Value=ENTRY.dump_json(self.entry, by_alias=True).decode(),
            Type="String",
            Overwrite=overwrite,
        )


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


def read_entry(stack: Stack) -> JournalEntry | None:
    """Return the entry, None where nobody releases; raises ArcaError where it is not readable."""
    ssm = client(stack, "ssm")
    with explained(stack, "The release's journal cannot be read"):
        try:
            found = ssm.get_parameter(Name=parameter_name(stack))["Parameter"]
        except ssm.exceptions.ParameterNotFound:
            return None
    try:
        return ENTRY.validate_json(found["Value"])
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise UnreadableJournal(stack, why, modified=found["LastModifiedDate"]) from None


def read_interrupted(stack: Stack, *, now: datetime) -> JournalEntry:
    """Return the entry of a release whose process has died.

    Raises Refused while its process lives and for a migration, ArcaError where there is none.
    """
    found = read_entry(stack)
    if found is None:
        raise ArcaError(
            "There is no release to resume.",
            where=f"{stack.where}, {parameter_name(stack)}",
            wanted="a release that was interrupted",
            do=f"see what runs: `arca status --stack {stack.name}`",
        )
    if not is_dead(found, now):
        raise _held(stack, found)
    if found.what == MIGRATION:
        raise Refused(
            "A migration was interrupted, not a release.",
            where=f"{stack.where}, {found.image}",
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


def close_dead(stack: Stack, *, now: datetime) -> bool:
    """Delete the journal of a dead process; False where there is none.

    Raises Refused while the process lives, and UnreadableJournal where it may live: a newer
    version writes a heartbeat too, in whatever form.
    """
    try:
        held = read_entry(stack)
    except UnreadableJournal as unreadable:
        if now - unreadable.modified <= SILENCE_LIMIT:
            raise
    else:
        if held is None:
            return False
        if not is_dead(held, now):
            raise _held(stack, held)
    delete(stack)
    return True


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


def is_dead(held: JournalEntry, now: datetime) -> bool:
    """Tell whether the holder was silent too long, or was a process here that has exited."""
    here, _, number = held.owner.partition(" (process ")
    if here == this_process().partition(" (process ")[0] and not _exists(number[:-1]):
        return True
    return now - held.beat > SILENCE_LIMIT


def _minutes(span: timedelta) -> str:
    return f"{span.seconds // 60} minutes"


def _exists(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except PermissionError:
        # Another user's process exists, though this one may not signal it.
        return True
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    return True


def _held(stack: Stack, held: JournalEntry) -> Refused:
    return Refused(
        f"Somebody else releases to {stack.name}: {held.what} of {held.image}, step {held.step}.",
        where=f"{held.owner}, since {held.since:%Y-%m-%d %H:%M} UTC, last sign at "
        f"{held.beat:%H:%M:%S}",
        wanted="one release at a time",
        do=f"wait for it; if it was killed, follow it from its step with "
        f"`arca deploy --resume --stack {stack.name}` after {_minutes(SILENCE_LIMIT)}",
    )
