"""Bring a database up to date: one runner at a time, each revision whole or not at all."""

from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.pool import StaticPool

from arca_migrate import applied, execution, rules, sessions
from arca_migrate.applied import Applied
from arca_migrate.attempt import Attempts
from arca_migrate.database import Database, Limits
from arca_migrate.events import MigrationEvents
from arca_migrate.history import History
from arca_migrate.phase import ROLLING, Phase
from arca_migrate.plan import MigrationPlan, Position, locate, plan
from arca_migrate.service_user import ServiceUser


@dataclass(frozen=True)
class RunResult:
    """The result of a run, as the event `migration.done` has it."""

    current: str | None
    """The database's revision; None when it is empty."""
    applied: tuple[str, ...]
    """Revisions that this run applied."""
    held: tuple[str, ...]
    """Pending revisions that did not run: the first of another phase, and all after it."""
    ahead: tuple[str, ...]
    """Applied revisions that this history does not know, because a later release has them."""


def run(
    database: Database,
    history: History,
    *,
    phases: Collection[Phase] = ROLLING,
    events: MigrationEvents | None = None,
    limits: Limits | None = None,
    user: ServiceUser | None = None,
) -> RunResult:
    """Apply the pending revisions of some phases; then create the service's user, where given.

    Raises MigrationRefused before anything is done: for another runner, a mislabelled revision or
    a database of another history. Raises MigrationError where a revision fails. Those before it
    stay applied; the failed one leaves nothing.
    """
    events, limits = events or MigrationEvents(), limits or Limits()
    with connected(database, limits) as connection, sessions.only_runner(connection, limits):
        found, pending = _pending(connection, history, phases)
        pending.require_order()
        rules.require(pending)
        applied.create_table(connection)
        attempts = Attempts(database, connection, history, events, limits)
        for planned in pending.revisions:
            attempts.apply(planned)
        if user is not None:
            user.make(_session(connection))
            events.emit("migration.user", f"{user.name} may use every table.", user=user.name)
    done = tuple(one.id for one in pending.revisions)
    result = RunResult(
        current=done[-1] if done else found.current,
        applied=done,
        held=tuple(one.id for one in pending.held),
        ahead=found.ahead,
    )
    events.emit("migration.done", _summary(result), **result.__dict__)
    return result


def pending(
    database: Database, history: History, *, phases: Collection[Phase], limits: Limits | None = None
) -> MigrationPlan:
    """Plan the pending revisions of a database, which is only read; raises MigrationError."""
    with connected(database, limits or Limits()) as connection:
        return _pending(connection, history, phases)[1]


def recorded(
    database: Database, *, limits: Limits | None = None
) -> tuple[str | None, tuple[Applied, ...]]:
    """Read the database's revision and its audit table; raises MigrationError."""
    with connected(database, limits or Limits()) as connection:
        heads = execution.current_revisions(connection)
        return (heads[0] if heads else None), applied.records(connection)


@contextmanager
def connected(database: Database, limits: Limits) -> Generator[Connection]:
    """Connect with exactly one session, because the runner's lock belongs to it."""
    session = database.connect(limits)
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: session, poolclass=StaticPool
    )
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
        session.close()


def _session(connection: Connection) -> psycopg.Connection[Any]:
    """Return psycopg's session under a connection of SQLAlchemy."""
    session: Any = connection.connection.driver_connection
    return session


def _pending(
    connection: Connection, history: History, phases: Collection[Phase]
) -> tuple[Position, MigrationPlan]:
    heads = execution.current_revisions(connection)
    found = locate(history, heads, applied.records(connection))
    start = history.head if found.ahead else found.current
    return found, plan(history, start=start, phases=phases)


def _summary(result: RunResult) -> str:
    """Describe a result in a sentence or three."""
    at = result.current or "nothing"
    count = len(result.applied)
    text = f"Applied {count} revision{'' if count == 1 else 's'}; the schema is at {at}."
    if result.held:
        text += f" Held back: {', '.join(result.held)}."
    if result.ahead:
        text += f" The database is ahead of this image by {', '.join(result.ahead)}."
    return text
