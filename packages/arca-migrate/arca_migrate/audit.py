"""The audit table: what was applied by which release; the rollback rule reads it."""

from sqlalchemy import Connection

from arca_migrate.applied import Applied
from arca_migrate.phase import Phase

TABLE = "arca_migrations"
CREATE = f"""
    CREATE TABLE IF NOT EXISTS {TABLE} (
        revision text NOT NULL,
        phase text NOT NULL,
        release text,
        applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        seconds double precision NOT NULL,
        PRIMARY KEY (revision, applied_at)
    )
"""
EXISTS = f"SELECT to_regclass('{TABLE}') IS NOT NULL"
INSERT = (
    f"INSERT INTO {TABLE} (revision, phase, release, seconds)"  # noqa: S608 - constants
    " VALUES (%s, %s, %s, %s)"
)
READ = (
    f"SELECT revision, phase, release, applied_at, seconds FROM {TABLE}"  # noqa: S608 - constants
    " ORDER BY applied_at, revision"
)


def prepare(connection: Connection) -> None:
    """Make the table where it is missing."""
    if not connection.exec_driver_sql(EXISTS).scalar():
        connection.exec_driver_sql(CREATE)
    connection.commit()


def add(
    connection: Connection, revision: str, phase: Phase, *, release: str | None, seconds: float
) -> None:
    """Record a revision in the transaction that applies it."""
    connection.exec_driver_sql(INSERT, (revision, phase.value, release, round(seconds, 3)))


def read(connection: Connection) -> tuple[Applied, ...]:
    """All records, oldest first; none where the table is missing."""
    rows = (
        connection.exec_driver_sql(READ).all()
        if connection.exec_driver_sql(EXISTS).scalar()
        else ()
    )
    found = tuple(
        Applied(revision, Phase(phase), release, applied_at, seconds)
        for revision, phase, release, applied_at, seconds in rows
    )
    connection.rollback()
    return found
