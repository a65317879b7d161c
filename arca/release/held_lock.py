"""Who holds the lock on a stack's releases, and whether that run still lives.

A run is known by its random id. Whether it lives follows from its process where that ran on this
machine (run_lock.py), and elsewhere from the time since its last heartbeat. Both ends of that time
are read from AWS's clock, because the clocks of two operators may differ by minutes.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from arca.clients import client, explained
from arca.errors import ArcaError, Refused
from arca.release.journal_entry import ENTRY, MIGRATION, JournalEntry, parameter_name
from arca.release.run_lock import has_ended_here
from arca.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_ssm.type_defs import GetParameterResultTypeDef

SILENCE_LIMIT = timedelta(minutes=3)
"""The holder of the lock counts as dead after so long without a heartbeat."""


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


def read(stack: Stack) -> HeldLock | None:
    """Return who holds the lock; None where nobody does.

    Raises UnreadableJournal where it is held by what this version cannot read.
    """
    ssm = client(stack, "ssm")
    with explained(stack, "The release's journal cannot be read"):
        try:
            found = ssm.get_parameter(Name=parameter_name(stack))
        except ssm.exceptions.ParameterNotFound:
            return None
        return lock_of(stack, found)


def lock_of(stack: Stack, found: "GetParameterResultTypeDef") -> HeldLock:
    """Return the lock in an answer of GetParameter; raises UnreadableJournal."""
    parameter = found["Parameter"]
    modified = parameter["LastModifiedDate"]
    # Every answer of AWS has this header (RFC 9110, section 6.6.1); without it nobody is dead.
    silent = timedelta(0)
    with suppress(KeyError, ValueError):
        silent = parsedate_to_datetime(found["ResponseMetadata"]["HTTPHeaders"]["date"]) - modified
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
    found = read(stack)
    if found is None:
        raise nothing_to_resume(stack)
    if not found.dead:
        raise held_by_another(stack, found)
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


def require_free(stack: Stack, *, or_dead: bool) -> None:
    """Raise what `Journal.begin` would raise now; nothing is written or deleted.

    With `or_dead`, a lock that no living process is known to hold counts as free.
    """
    try:
        held = read(stack)
    except UnreadableJournal:
        if not or_dead:
            raise
        return
    if held is not None and not (or_dead and held.dead):
        raise held_by_another(stack, held)


def _minutes(span: timedelta) -> str:
    return f"{span.seconds // 60} minutes"


def dead_since(held: HeldLock) -> str:
    """Return when a dead run gave its last sign, for a person."""
    return f"dead since {held.modified.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def nothing_to_resume(stack: Stack) -> ArcaError:
    """Make the error for a resumption where nobody holds the lock."""
    return ArcaError(
        "There is no release to resume.",
        where=f"{stack.where}, {parameter_name(stack)}",
        wanted="a release that was interrupted",
        do=f"see what runs: `arca status --stack {stack.name}`",
    )


def held_by_another(stack: Stack, held: HeldLock) -> Refused:
    """Make the refusal for a lock that somebody else holds, dead or alive."""
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
