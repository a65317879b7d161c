"""Apply one revision: its transaction, its retries, and the error when it fails.

Sources: PostgreSQL's documentation, appendix A "Error Codes", and CREATE INDEX, "Building Indexes
Concurrently": a build that fails leaves an invalid index.
"""

import random
import re
import time
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from arca_migrate import applied, execution
from arca_migrate.database import Database, Limits, milliseconds
from arca_migrate.errors import MigrationError
from arca_migrate.events import MigrationEvents
from arca_migrate.history import History, place
from arca_migrate.plan import PlannedRevision
from arca_migrate.sessions import BlockerWatch, Session
from arca_migrate.statements import without_long_numbers

LOCKED = {"55P03": "lock_timeout", "40P01": "a deadlock"}
"""SQLSTATEs of failures that another session causes: a later attempt can succeed."""
CANCELLED = "57014"
CONCURRENT_INDEX = re.compile(
    r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY (?:IF NOT EXISTS )?\"?(\w+)\"?", re.IGNORECASE
)
INVALID_INDEXES = """
    SELECT format('%%I.%%I', n.nspname, c.relname)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT i.indisvalid AND c.relname = ANY(%s) AND pg_table_is_visible(c.oid)
"""


class RevisionFailed(MigrationError):
    """A revision was not applied; the error names the sessions that blocked it."""

    def __init__(
        self,
        planned: PlannedRevision,
        what: str,
        *,
        where: str,
        do: str,
        blocked_by: tuple[Session, ...],
    ) -> None:
        super().__init__(
            f"Revision {planned.id} ({planned.phase}) failed: {what}.",
            where=where,
            wanted="a revision that is applied whole; the schema is as it was before it",
            do=do,
        )
        self.planned, self.blocked_by = planned, blocked_by

    def as_json(self) -> dict[str, Any]:
        """Return the fields that the event `migration.failed` has for a revision."""
        return {
            "revision": self.planned.id,
            "phase": self.planned.phase.value,
            "blocked_by": [one.as_json() for one in self.blocked_by],
        }


@dataclass(frozen=True)
class Attempts:
    """Applies revisions in one session, each in as many attempts as the limits allow."""

    database: Database
    connection: Connection
    history: History
    events: MigrationEvents
    limits: Limits

    def apply(self, planned: PlannedRevision) -> None:
        """Apply a revision, and try again when its lock times out; raises RevisionFailed."""
        about = {"revision": planned.id, "phase": planned.phase.value}
        self.events.emit("migration.started", f"Applying {planned.revision.message}.", **about)
        number = 1
        while True:
            pid = self._prepare()
            with BlockerWatch(self.database, pid, self.limits) as watch:
                try:
                    seconds = self._once(planned)
                    break
                except Exception as error:  # noqa: BLE001 - a revision is the application's code
                    failure = error
            left = self._restore(planned)
            reason = _reason(failure)
            if reason is None or number >= self.limits.attempts:
                raise self._failed(planned, failure, number, watch.blocking, left) from failure
            pause = self._pause(number)
            self.events.emit(
                "migration.retried",
                f"Attempt {number} ended by {reason}; again in {pause:.1f} s.",
                level="WARN",
                **about,
                attempt=number,
                blocked_by=[one.as_json() for one in watch.blocking],
            )
            time.sleep(pause)
            number += 1
        self.events.emit(
            "migration.applied",
            f"Applied {planned.revision.message}.",
            **about,
            seconds=round(seconds, 3),
            attempt=number,
        )

    def _prepare(self) -> int:
        """Set the limits again, as a revision may have changed them; return the session's pid."""
        for name, value in (
            ("lock_timeout", self.limits.lock),
            ("statement_timeout", self.limits.statement),
        ):
            self.connection.exec_driver_sql(f"SET {name} = {milliseconds(value)}")
        pid = self.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        self.connection.commit()
        return pid

    def _once(self, planned: PlannedRevision) -> float:
        """Apply a revision in one transaction, and return the seconds that it took."""
        self._sweep(planned)
        begin = time.monotonic()
        with execution.transaction(self.history, self.connection) as context:
            planned.revision.upgrade()
            context.stamp(self.history.script, planned.id)
            seconds = time.monotonic() - begin
            applied.record(
                self.connection,
                planned.id,
                planned.phase,
                release=self.events.release,
                seconds=seconds,
            )
        return seconds

    def _restore(self, planned: PlannedRevision) -> list[str]:
        """Undo a failed attempt; return the invalid indexes that cannot be dropped yet."""
        try:
            self.connection.rollback()
            self._sweep(planned)
        except SQLAlchemyError:
            # What blocks the build blocks the drop as well, or the connection is lost.
            try:
                return self._invalid(planned)
            except SQLAlchemyError:
                return []
        return []

    def _invalid(self, planned: PlannedRevision) -> list[str]:
        """Find invalid indexes that this revision builds: an attempt has left them."""
        names = CONCURRENT_INDEX.findall(planned.sql)
        if not names:
            return []
        found = self.connection.exec_driver_sql(INVALID_INDEXES, (names,)).scalars().all()
        self.connection.rollback()
        return list(found)

    def _sweep(self, planned: PlannedRevision) -> None:
        """Drop invalid indexes that this revision builds; raises SQLAlchemyError on failure."""
        invalid = self._invalid(planned)
        if not invalid:
            return
        outside = self.connection.execution_options(isolation_level="AUTOCOMMIT")
        try:
            for name in invalid:
                outside.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        finally:
            outside.rollback()
            outside.execution_options(isolation_level="READ COMMITTED")

    def _pause(self, number: int) -> float:
        """Choose the seconds to wait after an attempt."""
        longest = min(self.limits.pause * 2 ** (number - 1), self.limits.longest_pause)
        return longest * random.uniform(0.5, 1)  # noqa: S311 - a pause, no secret

    def _failed(
        self,
        planned: PlannedRevision,
        error: Exception,
        number: int,
        blocking: tuple[Session, ...],
        left: list[str],
    ) -> RevisionFailed:
        """Make the error of a revision, from its last attempt's failure."""
        server, reason = of_server(error), _reason(error)
        where, do = str(planned.revision.path), "correct the revision, release, and run again"
        if reason is not None:
            blocked = "; ".join(map(str, blocking)) or "a session that has ended since"
            what = f"{number} attempts ended by {reason}, blocked by {blocked}"
            do = "end what blocks, or wait for it, and run again"
            if blocking:
                do += f": SELECT pg_terminate_backend({blocking[0].pid})"
        elif isinstance(error, MigrationError):
            what, do = error.what.removesuffix("."), error.do
        elif server is None:
            what, where = f"{type(error).__name__}: {error}", place(error, self.history.directory)
        elif server.sqlstate == CANCELLED:
            what = f"a statement was cancelled, after {self.limits.statement:g} s at most"
            do = "do it in smaller parts (arca_migrate.backfill.in_batches), or give it more time"
        elif server.sqlstate is None or server.sqlstate.startswith(("08", "57P")):
            what, do = "the connection was lost", "look at the database's state, and run again"
        else:
            message = without_long_numbers(server.diag.message_primary or "an error")
            what = f"{message} (SQLSTATE {server.sqlstate})"
        if left:
            what += f"; the invalid index {', '.join(left)} remains until the next run drops it"
        return RevisionFailed(planned, what, where=where, do=do, blocked_by=blocking)


def of_server(error: BaseException | None) -> psycopg.Error | None:
    """Find the database's error that another error was raised from; None where there is none.

    It is the innermost one: a revision's context may raise another as it closes.
    """
    found: psycopg.Error | None = None
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, psycopg.Error):
            found = error
        error = error.__cause__ or error.__context__
    return found


def _reason(error: Exception) -> str | None:
    """Name what another session caused; None where another attempt does not help."""
    server = of_server(error)
    return LOCKED.get(server.sqlstate or "") if server else None
