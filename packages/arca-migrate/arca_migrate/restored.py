"""Check a database that was restored from a backup, beside the one that it is a copy of.

The source is only read. In the copy, the extension amcheck is created. The application names its
own rules in files (docs/migrations.md, "Check a restored database").
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from arca_migrate import applied, consistency, execution, schema
from arca_migrate.database import Database, Limits
from arca_migrate.errors import MigrationError
from arca_migrate.finding import Finding, found
from arca_migrate.history import History
from arca_migrate.plan import Position, locate
from arca_migrate.runner import connected
from arca_migrate.statements import without_long_numbers

VARIABLES = ("RESTORED_ADDRESS", "RESTORED_PORT")
RULES, NEWEST = "checks", "newest.sql"
LOST_SECONDS = 300
"""The RPO: rows of five minutes may be missing, those that were committed after the moment."""
SOURCE_SECONDS = 60.0
"""How long a question to the source may take: customers use it."""
CHECKS_SECONDS = 3600.0
"""How long a statement in the copy may take: RDS fetches its pages from S3 as they are read."""
SHOWN = 3
SAME_SCHEMA = "the schema is the source's"


@dataclass(frozen=True)
class Checked:
    """What is known of a restored database."""

    findings: tuple[Finding, ...]
    schema_of_source: str
    schema_of_copy: str

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(one.outcome != "FAILED" for one in self.findings)


def copy_of(source: Database, environment: Mapping[str, str]) -> Database:
    """Return the copy that the environment names; raises MigrationError without one.

    Its users and their passwords are the source's, because they are in the data.
    """
    address, port = (environment.get(name) or "" for name in VARIABLES)
    if not address or not port.isdecimal():
        raise MigrationError(
            f"{' and '.join(VARIABLES)} do not name a database.",
            where="the environment",
            wanted="the address and the port of the restored database",
            do="use `arca dr restore-test`, which sets them",
        )
    return replace(source, address=address, port=int(port))


def check(source: Database, copy: Database, history: History, *, until: datetime) -> Checked:
    """Check a copy of the source that was restored to a moment.

    Raises MigrationError where one of them refuses the connection.
    """
    limits = Limits(statement=CHECKS_SECONDS)
    position, there = _position(copy, history, limits), _position(source, history, limits)
    with (
        _session(source, Limits(statement=SOURCE_SECONDS)) as original,
        _session(copy, limits) as restored,
    ):
        original.execute("SET default_transaction_read_only = on")
        hashes = (schema.digest(original), schema.digest(restored))
        return Checked(
            (
                found("the schema's revision is known", [], _described(position)),
                _same_schema(position, there, hashes),
                *consistency.findings(restored),
                *_rules(restored, history.directory / RULES),
                _newest(original, restored, history.directory / RULES / NEWEST, until),
            ),
            *hashes,
        )


def _position(database: Database, history: History, limits: Limits) -> Position:
    with connected(database, limits) as connection:
        heads = execution.current_revisions(connection)
        return locate(history, heads, applied.records(connection))


@contextmanager
def _session(database: Database, limits: Limits) -> Generator[psycopg.Connection[Any]]:
    with database.connect(limits) as session:
        session.autocommit = True
        yield session


def _described(position: Position) -> str:
    ahead = f", ahead of this image by {', '.join(position.ahead)}" if position.ahead else ""
    return f"{position.current or 'an empty database'}{ahead}"


def _same_schema(copy: Position, source: Position, hashes: tuple[str, str]) -> Finding:
    if copy.current != source.current:
        seen = f"the source was migrated since, from {copy.current} to {source.current}"
        return Finding(SAME_SCHEMA, "SKIPPED", seen)
    problems = [] if hashes[0] == hashes[1] else [f"{hashes[1]}, and the source's is {hashes[0]}"]
    return found(SAME_SCHEMA, problems, hashes[0])


def _rules(session: psycopg.Connection[Any], folder: Path) -> Iterator[Finding]:
    """Yield a finding for each rule of the application: a query whose rows break the rule."""
    files = [one for one in sorted(folder.glob("*.sql")) if one.name != NEWEST]
    if not files:
        yield Finding("rules of the application", "SKIPPED", f"there is no {RULES}/*.sql")
    for file in files:
        name = file.stem.replace("-", " ")
        try:
            with session.transaction():
                session.execute("SET TRANSACTION READ ONLY")
                rows = session.execute(file.read_bytes()).fetchall()
        except psycopg.Error as error:
            yield Finding(name, "FAILED", f"the query fails: {_line(error)}")
        else:
            # A row may hold a CUIT or a CAE, which no log may have.
            shown = (without_long_numbers(", ".join(map(str, row))) for row in rows[:SHOWN])
            problems = [f"{len(rows)} rows break it: {' | '.join(shown)}"] if rows else []
            yield found(name, problems, "holds")


def _newest(
    source: psycopg.Connection[Any], copy: psycopg.Connection[Any], file: Path, until: datetime
) -> Finding:
    """Compare the newest row of the copy with the source's newest before the same moment."""
    name = "the newest row is there"
    if not file.is_file():
        return Finding(name, "SKIPPED", f"there is no {RULES}/{NEWEST}")
    query = file.read_bytes()
    restored, wrong = _moment(copy, query, until)
    original, unknown = _moment(source, query, until)
    if wrong:
        return Finding(name, "FAILED", wrong)
    if original is None:
        return Finding(name, "SKIPPED", f"the source: {unknown or 'no row'} before {_text(until)}")
    if restored is None:
        return Finding(name, "FAILED", f"none; the source has one of {_text(original)}")
    lost = max(0.0, (original - restored).total_seconds())
    seen = f"of {_text(restored)}, {(until - restored).total_seconds():.0f} s before the moment"
    told = f"{seen}; the source has one that is {lost:.0f} s newer"
    return found(name, [told] if lost > LOST_SECONDS else [], told if lost else seen)


def _moment(
    session: psycopg.Connection[Any], query: bytes, until: datetime
) -> tuple[datetime | None, str]:
    """Return the moment that the query finds, or why it finds none."""
    try:
        (moment,) = session.execute(query, {"until": until}).fetchone() or (None,)
    except psycopg.Error as error:
        return None, f"the query fails: {_line(error)}"
    return moment, ""


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def _line(error: psycopg.Error) -> str:
    return without_long_numbers(str(error).splitlines()[0])
