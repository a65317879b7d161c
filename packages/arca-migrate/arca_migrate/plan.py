"""What is pending: the revisions that may run, their SQL, and those that are held back."""

from collections.abc import Collection
from dataclasses import dataclass

from arca_migrate import execution
from arca_migrate.errors import MigrationRefused
from arca_migrate.history import History, Revision
from arca_migrate.phase import ROLLING, Phase


@dataclass(frozen=True)
class Planned:
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
class Plan:
    """The pending revisions of a database."""

    start: str | None
    """Where the database is; None when it is empty."""
    phases: tuple[Phase, ...]
    revisions: tuple[Planned, ...]
    held: tuple[Revision, ...]
    """From the first revision of another phase on: a line has no other order."""

    @property
    def sql(self) -> str:
        """The SQL of all that is to run."""
        return "\n".join(f"-- {one.id} ({one.phase})\n{one.sql}" for one in self.revisions)

    @property
    def stuck(self) -> Revision | None:
        """A revision that should run, and cannot before one that is held back."""
        return next((one for one in self.held if one.phase in self.phases), None)

    def require_order(self) -> None:
        """Raise MigrationRefused where a held back revision blocks one that should run."""
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


BASE = "base"
"""How Alembic names an empty database."""


def revision(named: str | None) -> str | None:
    """Where a database is said to be: None for an empty one, as `plan` takes it."""
    return None if named == BASE else named


def plan(history: History, *, start: str | None, phases: Collection[Phase] = ROLLING) -> Plan:
    """The revisions after `start` (None: an empty database) up to the first of another phase.

    Needs no database. Raises MigrationError for an unknown start, and for a revision whose SQL
    cannot be rendered.
    """
    pending = history.after(start)
    number = next((n for n, one in enumerate(pending) if one.phase not in phases), len(pending))
    return Plan(
        start=start,
        phases=tuple(phase for phase in Phase if phase in phases),
        revisions=tuple(Planned(one, execution.rendered(history, one)) for one in pending[:number]),
        held=pending[number:],
    )
