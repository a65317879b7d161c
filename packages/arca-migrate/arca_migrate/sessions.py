"""Other sessions of the database: who holds the runner's lock, and who blocks a statement.

Sources: PostgreSQL's documentation, chapters 27.2.3 "pg_stat_activity", 53.13 "pg_locks" and 9.27
"pg_blocking_pids". Of another role's session, its statement is shown only to members of
pg_read_all_stats.
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
from arca_migrate.database import APPLICATION, Database
from arca_migrate.errors import MigrationError, MigrationRefused
from arca_migrate.limits import Limits
from arca_migrate.statements import without_values

LOCK = int.from_bytes(b"arcamigr", "big")
"""The advisory lock's key: only one runner works on a database at a time."""
COLUMNS = (
    "a.pid, coalesce(a.usename, a.backend_type), a.application_name, a.state, a.query,"
    " coalesce(a.xact_start, a.backend_start)"
)
HOLDER = f"""
    SELECT {COLUMNS} FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.classid::bigint << 32 | l.objid::bigint) = {LOCK}
"""  # noqa: S608 - made of constants
BLOCKING = f"""
    SELECT {COLUMNS} FROM pg_stat_activity a WHERE a.pid = ANY(pg_blocking_pids(%s))
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
    """Without its values."""
    since: datetime | None
    """When its transaction began, else the session; None where that may not be seen."""

    @classmethod
    def of(cls, row: Any) -> Self:
        """A row of COLUMNS."""
        pid, user, application, state, query, since = row
        return cls(pid, user, application, state, without_values(query or ""), since)

    def as_json(self) -> dict[str, Any]:
        """As the events have it."""
        return {**self.__dict__, "since": self.since and utc(self.since)}

    def __str__(self) -> str:
        since = f" since {utc(self.since)}" if self.since else ""
        named = f" ({self.application_name})" if self.application_name else ""
        return f"pid {self.pid} of {self.user}{named}, {self.state or 'unknown state'}{since}"


@contextmanager
def only_runner(connection: Connection, limits: Limits) -> Generator[None]:
    """Hold the runner's lock; raises MigrationRefused with its holder after a bounded wait."""
    deadline = time.monotonic() + limits.runner
    while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({LOCK})").scalar():
        if time.monotonic() >= deadline:
            raise _held(connection)
        connection.rollback()
        time.sleep(min(0.2, limits.runner))
    connection.rollback()
    # The session's end frees it: an unlock would fail where the connection is lost.
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


class Watch:
    """Looks from a second session, while a statement waits, who blocks it.

    After the statement has failed nobody can tell any more.
    """

    def __init__(self, database: Database, pid: int, limits: Limits) -> None:
        self._database, self._pid = database, pid
        self._limits = replace(limits, lock=1, statement=5)
        self._every = min(0.5, limits.lock / 4)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.blocking: tuple[Session, ...] = ()
        """Who blocked it when it was last seen to wait."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(timeout=10)

    def _look(self) -> None:
        # Most revisions wait for nothing, and need no second session.
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
            # Who blocks is worth knowing, and not worth failing for.
            return
