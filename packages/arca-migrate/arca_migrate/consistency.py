"""Whether a database is whole: every row can be read, and every index agrees with its table.

Sources: PostgreSQL's documentation, appendix F.1 "amcheck" (bt_index_check with `heapallindexed`,
verify_heapam); Amazon RDS for PostgreSQL Release Notes, "Extensions supported": amcheck, which the
owner, a member of rds_superuser, may create.
"""

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from arca_migrate.finding import Finding, found

SHOWN = 3
"""Problems that a finding shows."""
TABLES = """
    SELECT c.relname FROM pg_class c
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1
"""
INDEXES = """
    SELECT c.oid, c.relname, i.indisvalid FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
    WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relnamespace = 'public'::regnamespace
    ORDER BY 2
"""


def findings(session: psycopg.Connection[Any]) -> Iterator[Finding]:
    """Yield what the tables and indexes of the schema public say of themselves."""
    tables = [str(name) for (name,) in session.execute(TABLES)]
    yield _rows(session, tables)
    indexes = session.execute(INDEXES).fetchall()
    invalid = [f"{name} is not valid" for _, name, valid in indexes if not valid]
    yield found("indexes are valid", invalid[:SHOWN], f"{len(indexes)} indexes")
    why = _without_amcheck(session)
    if why is not None:
        yield Finding("tables and indexes are consistent", "SKIPPED", f"no amcheck: {why}")
        return
    problems = [*_tables(session, tables), *_indexes(session, indexes)]
    good = f"{len(tables)} tables and {len(indexes)} indexes, by amcheck"
    yield found("tables and indexes are consistent", problems[:SHOWN], good)


def _rows(session: psycopg.Connection[Any], tables: list[str]) -> Finding:
    """Count the rows of each table, which reads its pages and with them their checksums."""
    counts: list[str] = []
    problems: list[str] = []
    for table in tables:
        count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("public", table))
        try:
            (number,) = session.execute(count).fetchone() or (0,)
        except psycopg.DatabaseError as error:
            problems.append(f"{table}: {_first_line(error)}")
        else:
            counts.append(f"{table} {number}")
    if not tables:
        problems = ["there is no table"]
    return found("every table can be read", problems[:SHOWN], ", ".join(counts))


def _without_amcheck(session: psycopg.Connection[Any]) -> str | None:
    """Create the extension amcheck; returns why that is not possible."""
    try:
        session.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
        session.execute("SELECT 'bt_index_check(regclass, boolean)'::regprocedure")
    except psycopg.DatabaseError as error:
        return _first_line(error)
    return None


def _tables(session: psycopg.Connection[Any], tables: list[str]) -> Iterator[str]:
    for table in tables:
        named = sql.Identifier("public", table).as_string(session)
        try:
            broken = session.execute("SELECT msg FROM verify_heapam(%s)", (named,)).fetchall()
        except psycopg.DatabaseError as error:
            yield f"{table}: {_first_line(error)}"
        else:
            yield from (f"{table}: {message}" for (message,) in broken)


def _indexes(session: psycopg.Connection[Any], indexes: list[Any]) -> Iterator[str]:
    for oid, _, valid in indexes:
        if not valid:
            continue
        try:
            session.execute("SELECT bt_index_check(%s::regclass, true)", (oid,))
        except psycopg.DatabaseError as error:
            yield _first_line(error)


def _first_line(error: psycopg.DatabaseError) -> str:
    return (error.diag.message_primary or str(error)).splitlines()[0]
