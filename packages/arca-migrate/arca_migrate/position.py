"""Where a database stands in a history; an older image may find it ahead."""

from collections.abc import Sequence
from dataclasses import dataclass

from arca_migrate import guard
from arca_migrate.applied import Applied
from arca_migrate.errors import MigrationRefused
from arca_migrate.history import History


@dataclass(frozen=True)
class Position:
    """A database as a history sees it."""

    current: str | None
    """Its revision; None when it is empty."""
    ahead: tuple[str, ...] = ()
    """Revisions that were applied and that the history does not know: a later release's."""


def locate(history: History, heads: Sequence[str], applied: Sequence[Applied]) -> Position:
    """Where the database stands. Raises MigrationRefused where the history cannot work with it.

    A database that is ahead serves an older image as long as no contract is among what the image
    does not know.
    """
    if len(heads) > 1:
        raise _foreign(history, f"The database is at {len(heads)} revisions: {', '.join(heads)}.")
    current = heads[0] if heads else None
    if current is None or history.find(current) is not None:
        return Position(current)
    unknown = [one for one in applied if history.find(one.revision) is None]
    recorded = {one.revision for one in applied}
    if current not in recorded or history.head not in recorded:
        raise _foreign(history, f"The database is at {current}, which this history does not know.")
    guard.rollback_allowed(history, unknown, last_live=None).require(where=str(history.directory))
    return Position(current, tuple(one.revision for one in unknown))


def _foreign(history: History, what: str) -> MigrationRefused:
    return MigrationRefused(
        what,
        where="alembic_version of the database",
        wanted=f"a revision of {history.directory}, or one that a later release has recorded",
        do="take the image whose history the database has; nothing was changed",
    )
