"""Bring a database up to date: one runner at a time, each revision whole or not at all."""

from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.pool import StaticPool

from arca_migrate import audit, execution, position, rules, sessions
from arca_migrate.applied import Applied
from arca_migrate.attempt import Attempts
from arca_migrate.database import Database
from arca_migrate.events import Events
from arca_migrate.history import History
from arca_migrate.limits import Limits
from arca_migrate.phase import ROLLING, Phase
from arca_migrate.plan import Plan, plan
from arca_migrate.service_user import ServiceUser


@dataclass(frozen=True)
class Outcome:
    """What a run has done."""

    current: str | None
    """The database's revision; None when it is empty."""
    applied: tuple[str, ...]
    held: tuple[str, ...]
    """Pending revisions of phases that were not asked for."""
    ahead: tuple[str, ...]
    """Applied revisions that only a later release knows."""


def run(
    database: Database,
    history: History,
    *,
    phases: Collection[Phase] = ROLLING,
    events: Events | None = None,
    limits: Limits | None = None,
    user: ServiceUser | None = None,
) -> Outcome:
    """Apply the pending revisions of some phases; then make the service's user, where given.

    Raises MigrationRefused before anything is done (another runner, a mislabelled revision, an
    unknown database), and MigrationError where a revision fails: those before it stay, it leaves
    nothing.
    """
    events, limits = events or Events(), limits or Limits()
    with connected(database, limits) as connection, sessions.only_runner(connection, limits):
        found, pending = _pending(connection, history, phases)
        pending.require_order()
        rules.require(pending)
        audit.prepare(connection)
        attempts = Attempts(database, connection, history, events, limits)
        for planned in pending.revisions:
            attempts.apply(planned)
        if user is not None:
            user.make(_session(connection))
            events.emit("migration.user", f"{user.name} may use every table.", user=user.name)
    applied = tuple(one.id for one in pending.revisions)
    outcome = Outcome(
        current=applied[-1] if applied else found.current,
        applied=applied,
        held=tuple(one.id for one in pending.held),
        ahead=found.ahead,
    )
    events.emit("migration.done", _said(outcome), **outcome.__dict__)
    return outcome


def pending(
    database: Database, history: History, *, phases: Collection[Phase], limits: Limits | None = None
) -> Plan:
    """The plan for a database, which is only read. Raises MigrationError."""
    with connected(database, limits or Limits()) as connection:
        return _pending(connection, history, phases)[1]


def recorded(
    database: Database, *, limits: Limits | None = None
) -> tuple[str | None, tuple[Applied, ...]]:
    """The database's revision and its audit table. Raises MigrationError."""
    with connected(database, limits or Limits()) as connection:
        heads = execution.current(connection)
        return (heads[0] if heads else None), audit.read(connection)


@contextmanager
def connected(database: Database, limits: Limits) -> Generator[Connection]:
    """One session, and never another: the runner's lock belongs to it."""
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
    """The session itself."""
    session: Any = connection.connection.driver_connection
    return session


def _pending(
    connection: Connection, history: History, phases: Collection[Phase]
) -> tuple[position.Position, Plan]:
    heads = execution.current(connection)
    found = position.locate(history, heads, audit.read(connection))
    start = history.head if found.ahead else found.current
    return found, plan(history, start=start, phases=phases)


def _said(outcome: Outcome) -> str:
    at = outcome.current or "nothing"
    count = len(outcome.applied)
    text = f"Applied {count} revision{'' if count == 1 else 's'}; the schema is at {at}."
    if outcome.held:
        text += f" Held back: {', '.join(outcome.held)}."
    if outcome.ahead:
        text += f" The database is ahead of this image by {', '.join(outcome.ahead)}."
    return text
