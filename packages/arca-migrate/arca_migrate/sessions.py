"""Other sessions of the database: the holder of the runner's lock, and who blocks a statement.

Sources: PostgreSQL's documentation, chapters 27.2.3 "pg_stat_activity", 53.13 "pg_locks" and 9.27
"pg_blocking_pids". PostgreSQL shows another role's statement only to members of pg_read_all_stats.
"""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

import psycopg
from sqlalchemy import Connection

from arca_migrate.applied import utc
from arca_migrate.database import APPLICATION, Database, Limits
from arca_migrate.errors import MigrationError, MigrationRefused
from arca_migrate.statements import without_values

LOCK = int.from_bytes(b"arcamigr", "big")
"""The key of the advisory lock that a runner holds while it works on a database."""
SESSION_COLUMNS = (
    "a.pid, coalesce(a.usename, a.backend_type), a.application_name, a.state, a.query,"
    " coalesce(a.xact_start, a.backend_start)"
)
HOLDER = f"""
    SELECT {SESSION_COLUMNS} FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.classid::bigint << 32 | l.objid::bigint) = {LOCK}
"""  # noqa: S608 - made of constants
BLOCKING = f"""
    SELECT {SESSION_COLUMNS} FROM pg_stat_activity a WHERE a.pid = ANY(pg_blocking_pids(%s))
    ORDER BY a.xact_start
"""  # noqa: S608 - made of constants


@dataclass(frozen=True)
class Session:
    """Another session, as pg_stat_activity shows it."""

    pid: int
    user: str | None
    application_name: str | None
    state: str | None
    query: str
    """Its last statement, without values."""
    since: datetime | None
    """When its transaction began, or else the session; None where the role may not see that."""

    @classmethod
    def of(cls, row: Any) -> Self:
        """Read a row of SESSION_COLUMNS."""
        pid, user, application, state, query, since = row
        return cls(pid, user, application, state, without_values(query or ""), since)

    def as_json(self) -> dict[str, Any]:
        """Return the session as the events have it."""
        return {**self.__dict__, "since": self.since and utc(self.since)}

    def __str__(self) -> str:
        since = f" since {utc(self.since)}" if self.since else ""
        named = f" ({self.application_name})" if self.application_name else ""
        return f"pid {self.pid} of {self.user}{named}, {self.state or 'unknown state'}{since}"


@contextmanager
def only_runner(connection: Connection, limits: Limits) -> Generator[None]:
    """Hold the runner's lock; raises MigrationRefused with the holder after `limits.runner`."""
    deadline = time.monotonic() + limits.runner
    while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({LOCK})").scalar():
        if time.monotonic() >= deadline:
            raise _held(connection)
        connection.rollback()
        time.sleep(min(0.2, limits.runner))
    connection.rollback()
    # The session's end releases the lock: an unlock would fail where the connection is lost.
    yield


def _held(connection: Connection) -> MigrationRefused:
    row = connection.exec_driver_sql(HOLDER).first()
    holder = str(Session.of(row)) if row else "a session that has just ended"
    kill = f" SELECT pg_terminate_backend({row[0]})" if row else ""
    return MigrationRefused(
        f"Another runner migrates this database: {holder}.",
        where="pg_locks of the database",
        wanted="one runner at a time; nothing was done",
        do=f"wait until it ends, and run again; only if its task is gone:{kill}",
    )


class BlockerWatch:
    """A thread that notes which sessions block a statement, while the statement waits.

    It asks from a second session. After the statement has failed, PostgreSQL no longer knows.
    """

    def __init__(self, database: Database, pid: int, limits: Limits) -> None:
        self._database, self._pid = database, pid
        self._limits = replace(limits, lock=1, statement=5)
        self._every = min(0.5, limits.lock / 4)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.blocking: tuple[Session, ...] = ()
        """The sessions that blocked the statement when it was last seen to wait."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(timeout=10)

    def _look(self) -> None:
        # Most revisions do not wait, and need no second session.
        if self._over.wait(self._every):
            return
        try:
            with self._database.connect(self._limits, application=f"{APPLICATION}-watch") as other:
                other.autocommit = True
                looking = True
                while looking:
                    rows = other.execute(BLOCKING, (self._pid,)).fetchall()
                    self.blocking = tuple(map(Session.of, rows)) or self.blocking
                    looking = not self._over.wait(self._every)
        except (MigrationError, psycopg.Error):
            # A revision must not fail because nobody can tell what blocks it.
            return
