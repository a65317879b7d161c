"""The pending revisions of a database: those that may run, their SQL, and those held back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from arca_migrate import execution, guard
from arca_migrate.applied import Applied
from arca_migrate.errors import MigrationRefused
from arca_migrate.history import History, Revision
from arca_migrate.phase import ROLLING, Phase

BASE = "base"
"""Alembic's name for an empty database."""


@dataclass(frozen=True)
class Position:
    """Where a database stands in a history."""

    current: str | None
    """The database's revision; None when it is empty."""
    ahead: tuple[str, ...] = ()
    """Applied revisions that the history does not know, because a later release has them."""


@dataclass(frozen=True)
class PlannedRevision:
    """A revision that is to run."""

    revision: Revision
    sql: str
    """Ends in a newline; BEGIN and COMMIT stand where the runner has them."""

    @property
    def id(self) -> str:
        """The revision's id."""
        return self.revision.id

    @property
    def phase(self) -> Phase:
        """The revision's phase."""
        return self.revision.phase


@dataclass(frozen=True)
class MigrationPlan:
    """The pending revisions of a database."""

    start: str | None
    """The database's revision; None when it is empty."""
    phases: tuple[Phase, ...]
    """The phases that may run."""
    revisions: tuple[PlannedRevision, ...]
    """The revisions that run, in order."""
    held: tuple[Revision, ...]
    """The first revision of another phase and all after it: a history has no other order."""

    @property
    def sql(self) -> str:
        """The SQL of all revisions that run."""
        return "\n".join(f"-- {one.id} ({one.phase})\n{one.sql}" for one in self.revisions)

    @property
    def stuck(self) -> Revision | None:
        """The first revision that may run by its phase, but stands behind one that is held."""
        return next((one for one in self.held if one.phase in self.phases), None)

    def require_order(self) -> None:
        """Raise MigrationRefused where a held revision blocks one that may run by its phase."""
        stuck = self.stuck
        if stuck is None:
            return
        first = self.held[0]
        raise MigrationRefused(
            f"Revision {stuck.id} ({stuck.phase}) stands behind {first.id} ({first.phase}), "
            "which is held back.",
            where=str(stuck.path),
            wanted=f"nothing of another phase than {', '.join(self.phases)} before it",
            do=f"run {first.id} first when its time has come, or release {stuck.id} without it",
        )


def plan(
    history: History, *, start: str | None, phases: Collection[Phase] = ROLLING
) -> MigrationPlan:
    """Plan the revisions after `start` (None: an empty database) up to the first of another phase.

    Needs no database. Raises MigrationError for an unknown start, and for a revision whose SQL
    cannot be rendered.
    """
    pending = history.after(start)
    number = next((n for n, one in enumerate(pending) if one.phase not in phases), len(pending))
    return MigrationPlan(
        start=start,
        phases=tuple(phase for phase in Phase if phase in phases),
        revisions=tuple(
            PlannedRevision(one, execution.rendered(history, one)) for one in pending[:number]
        ),
        held=pending[number:],
    )


def revision(named: str | None) -> str | None:
    """Convert a revision that a person named: `base` means an empty database, None for `plan`."""
    return None if named == BASE else named


def locate(history: History, heads: Sequence[str], applied: Sequence[Applied]) -> Position:
    """Find where a database stands; raises MigrationRefused where the history does not fit it.

    `heads` are the revisions in alembic_version. An older image may find the database ahead. It
    may continue as long as no contract is among the revisions that it does not know.
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
