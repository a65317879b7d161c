"""Who releases, and how far it got: one SSM parameter, lock and journal at once.

A parameter is created by exactly one of two operators (SSM API reference, PutParameter without
Overwrite), and outlives whoever is killed: the next one resumes from its step.
"""

import getpass
import os
import socket
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from pydantic import TypeAdapter, ValidationError

from arca.clients import client, explained
from arca.clock import Clock
from arca.errors import ArcaError, Refused
from arca.release.wishes import Wishes
from arca.stack import Stack

SILENT = timedelta(minutes=3)
"""After so long without a sign, its holder is taken for dead."""
BEAT = timedelta(seconds=30)
Step = Literal["preflight", "registered", "migrated", "updating", "following"]


@dataclass(frozen=True)
class Entry:
    """What the parameter holds."""

    run: str
    owner: str
    since: datetime
    beat: datetime
    what: str
    """`deploy`, `rollback`, or `follow` for a deployment that somebody else began."""
    image: str
    step: Step = "preflight"
    source: str | None = None
    """The task definition that ran before."""
    task_definition: str | None = None
    newest: str | None = None
    """ARN of the newest deployment before ours was asked for: ours is a later one."""
    deployment: str | None = None
    wishes: Wishes = field(default_factory=Wishes)

    @property
    def token(self) -> str:
        """The same through every resumption; names the release's migration task."""
        return f"arca-{self.since:%Y%m%dT%H%M%S%f}"


ENTRY = TypeAdapter(Entry)


class Journal:
    """The release that is under way in a stack."""

    def __init__(self, stack: Stack, entry: Entry, clock: Clock) -> None:
        self._stack, self._clock, self.entry = stack, clock, entry
        self._ssm = client(stack, "ssm")

    @classmethod
    def begin(cls, stack: Stack, *, what: str, image: str, clock: Clock, **known: Any) -> Self:
        """Be the only one; raises Refused, with who it is, while somebody else releases.

        `known` is what the entry holds besides: written at once, so that no kill parts them.
        """
        now = clock.now()
        entry = Entry(uuid.uuid4().hex, _me(), now, now, what, image, **known)
        journal = cls(stack, entry, clock)
        while True:
            with explained(stack, "The release's journal cannot be written"):
                try:
                    journal._put(overwrite=False)
                except journal._ssm.exceptions.ParameterAlreadyExists:
                    held = read(stack)
                else:
                    return journal
            # Where it ended between the two calls, it is anybody's again.
            if held is not None:
                raise _held(stack, held)

    @classmethod
    def resume(cls, stack: Stack, *, clock: Clock) -> Self:
        """Take over what somebody began; raises Refused while they are alive."""
        left = interrupted(stack, now=clock.now())
        taken = replace(left, run=uuid.uuid4().hex, owner=_me(), beat=clock.now())
        journal = cls(stack, taken, clock)
        journal.record()
        return journal

    def record(self, **changes: object) -> None:
        """Write how far it got; raises Refused when somebody took over."""
        if changes:
            self._must_be_ours()
        self.entry = replace(self.entry, beat=self._clock.now(), **changes)
        with explained(self._stack, "The release's journal cannot be written"):
            self._put(overwrite=True)

    def _must_be_ours(self) -> None:
        held = read(self._stack)
        if held is None:
            # What was written a moment ago may not be there yet.
            self._clock.sleep(1)
            held = read(self._stack)
        if held is None:
            raise Refused(
                "The journal of this release was closed by somebody else.",
                where=f"{self._stack.where}, SSM parameter {name(self._stack)}",
                wanted="a journal that stays until its release has ended",
                do=f"see what runs: `arca status --stack {self._stack.name}`",
            )
        if held.run != self.entry.run:
            raise _held(self._stack, held)

    def alive(self) -> None:
        """Show a sign of life, now and then."""
        if self._clock.now() - self.entry.beat >= BEAT:
            self.record(step=self.entry.step)

    @property
    def clock(self) -> Clock:
        """Whoever waits with it shows that the release is alive."""
        return _Beating(self._clock, self)

    def end(self) -> None:
        """Let the next one begin."""
        held = read(self._stack)
        if held is not None and held.run == self.entry.run:
            forget(self._stack)

    def _put(self, *, overwrite: bool) -> None:
        self._ssm.put_parameter(
            Name=name(self._stack),
            Value=ENTRY.dump_json(self.entry).decode(),
            Type="String",
            Overwrite=overwrite,
        )


class _Beating(Clock):
    """The release's clock: migrations and smoke tests may take longer than a dead one's silence."""

    def __init__(self, clock: Clock, journal: Journal) -> None:
        self._clock, self._journal = clock, journal

    def now(self) -> datetime:
        """The moment."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Wait, after a sign of life."""
        self._journal.alive()
        self._clock.sleep(seconds)


def name(stack: Stack) -> str:
    """The parameter's name, however the stack is spelled (`organization/project/stack`)."""
    return f"/arca-{stack.name.rpartition('/')[2]}/operations/release"


def read(stack: Stack) -> Entry | None:
    """What is under way, if anything is; raises ArcaError where nobody can read it."""
    ssm = client(stack, "ssm")
    with explained(stack, "The release's journal cannot be read"):
        try:
            value = ssm.get_parameter(Name=name(stack))["Parameter"]["Value"]
        except ssm.exceptions.ParameterNotFound:
            return None
    try:
        return ENTRY.validate_json(value)
    except ValidationError as error:
        raise ArcaError(
            "The release's journal is not one of this version.",
            where=f"{stack.where}, SSM parameter {name(stack)}: {error.errors()[0]['msg']}",
            wanted="what `arca deploy` writes",
            do="make sure that nobody releases, then delete the parameter",
        ) from None


def interrupted(stack: Stack, *, now: datetime) -> Entry:
    """The release that somebody began and cannot end. Raises Refused while they are alive."""
    found = read(stack)
    if found is None:
        raise ArcaError(
            "There is no release to resume.",
            where=f"{stack.where}, {name(stack)}",
            wanted="a release that was interrupted",
            do=f"see what runs: `arca status --stack {stack.name}`",
        )
    if not _dead(found, now):
        raise _held(stack, found)
    if found.what == "migrate":
        raise Refused(
            "What was interrupted is a migration, and no release.",
            where=f"{stack.where}, {found.image}",
            wanted="a release that was interrupted",
            do=f"run `arca migrate --stack {stack.name}` again: the runner goes on where it was",
        )
    return found


def forget(stack: Stack) -> None:
    """Delete it: the release that it tells of has ended."""
    ssm = client(stack, "ssm")
    with explained(stack, "The release's journal cannot be closed"):
        try:
            ssm.delete_parameter(Name=name(stack))
        except ssm.exceptions.ParameterNotFound:
            return


def close_dead(stack: Stack) -> bool:
    """Close the journal of whoever was killed; raises Refused while they are alive."""
    held = read(stack)
    if held is None:
        return False
    if not _dead(held, Clock().now()):
        raise _held(stack, held)
    forget(stack)
    return True


def _me() -> str:
    return f"{_user()}@{socket.gethostname()} (process {os.getpid()})"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a number without a name; which of the two is raised depends on
        # Python's version.
        return f"uid {os.getuid()}"


def _dead(held: Entry, now: datetime) -> bool:
    """Its holder has been silent, or was a process of this machine that is gone."""
    here, _, number = held.owner.partition(" (process ")
    if here == _me().partition(" (process ")[0] and not _runs(number[:-1]):
        return True
    return now - held.beat > SILENT


def _runs(number: str) -> bool:
    try:
        os.kill(int(number), 0)
    except PermissionError:
        return True
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    return True


def _held(stack: Stack, held: Entry) -> Refused:
    return Refused(
        f"Somebody else releases to {stack.name}: {held.what} of {held.image}, step {held.step}.",
        where=f"{held.owner}, since {held.since:%Y-%m-%d %H:%M} UTC, last sign at "
        f"{held.beat:%H:%M:%S}",
        wanted="one release at a time",
        do=f"wait for it; if it was killed, follow it from its step with "
        f"`arca deploy --resume --stack {stack.name}` after {SILENT.seconds // 60} minutes",
    )
