"""The audit table: which release applied which revision, and when.

The runner writes a row in the transaction that applies a revision. The rules of contracts and
rollbacks (guard.py) read the rows, on the operator's side from the event `migration.history`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from arca_migrate.phase import Phase

if TYPE_CHECKING:
    from sqlalchemy import Connection

AUDIT_TABLE = "arca_migrations"
CREATE = f"""
    CREATE TABLE IF NOT EXISTS {AUDIT_TABLE} (
        revision text NOT NULL,
        phase text NOT NULL,
        release text,
        applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        seconds double precision NOT NULL,
        PRIMARY KEY (revision, applied_at)
    )
"""
EXISTS = f"SELECT to_regclass('{AUDIT_TABLE}') IS NOT NULL"
INSERT = (
    f"INSERT INTO {AUDIT_TABLE} (revision, phase, release, seconds)"  # noqa: S608 - constants
    " VALUES (%s, %s, %s, %s)"
)
SELECT = (
    f"SELECT revision, phase, release, applied_at, seconds FROM {AUDIT_TABLE}"  # noqa: S608 - constants
    " ORDER BY applied_at, revision"
)


@dataclass(frozen=True)
class Applied:
    """One row of the audit table: a revision that a runner applied."""

    revision: str
    phase: Phase
    release: str | None
    """The release whose image applied it; None where the run named none."""
    applied_at: datetime
    """Aware of its time zone."""
    seconds: float

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Read what `as_json` returned; raises KeyError or ValueError for anything else."""
        return cls(
            revision=str(content["revision"]),
            phase=Phase(content["phase"]),
            release=content["release"],
            applied_at=datetime.fromisoformat(content["applied_at"]),
            seconds=float(content["seconds"]),
        )

    def as_json(self) -> dict[str, Any]:
        """Return the row as the event `migration.history` has it."""
        return {
            "revision": self.revision,
            "phase": self.phase.value,
            "release": self.release,
            "applied_at": utc(self.applied_at),
            "seconds": self.seconds,
        }


def create_table(connection: "Connection") -> None:
    """Create the audit table if it is missing."""
    if not connection.exec_driver_sql(EXISTS).scalar():
        connection.exec_driver_sql(CREATE)
    connection.commit()


def record(
    connection: "Connection", revision: str, phase: Phase, *, release: str | None, seconds: float
) -> None:
    """Insert a row for a revision, in the transaction that applies it."""
    connection.exec_driver_sql(INSERT, (revision, phase.value, release, round(seconds, 3)))


def records(connection: "Connection") -> tuple[Applied, ...]:
    """Read all rows, oldest first; none where the table is missing."""
    exists = connection.exec_driver_sql(EXISTS).scalar()
    rows = connection.exec_driver_sql(SELECT).all() if exists else ()
    found = tuple(
        Applied(revision, Phase(phase), release, applied_at, seconds)
        for revision, phase, release, applied_at, seconds in rows
    )
    connection.rollback()
    return found


def utc(moment: datetime) -> str:
    """Format a moment as the log contract does: in UTC, with milliseconds and `Z`."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
