"""What proves a drill: what is stored afterwards, what the agency authorized, and the schema."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.request import urlopen

import psycopg
from arca_migrate import schema

from arca.errors import ArcaError
from arca.history import Operation, Stored, nanoseconds
from arca.invoice import Authorized, Invoice
from arca.recovery.databases import LogEnd, Row
from arca.recovery.record import Invariant
from arca.recovery.set_check import SetCheck

READER = "the last read"
INVOICES = """
SELECT id, point_of_sale, invoice_type, number, cae, idempotency_key, finished_at
FROM invoices WHERE status IN ('authorized', 'recovered')
"""
REPLAYED = "SELECT pg_last_wal_replay_lsn()::text, pg_last_xact_replay_timestamp()"
"""Both stay as they are when the recovery ends (PostgreSQL documentation, "Recovery Information
Functions")."""


Session = psycopg.Connection[Any]


def rows(session: Session) -> tuple[Row, ...]:
    """Read all invoices of a database that have their CAE."""
    return tuple(
        Row(
            invoice=Invoice(id=identity, point_of_sale=place, kind=kind, number=number, cae=cae),
            key=key or "",
            stored_ns=nanoseconds(finished),
        )
        for identity, place, kind, number, cae, key, finished in session.execute(INVOICES)
    )


def replayed(session: Session) -> LogEnd:
    """Return up to where a server replayed its log, as a standby or when it was promoted.

    Raises ArcaError for a server that never was a standby.
    """
    position, commit = session.execute(REPLAYED).fetchone() or (None, None)
    if position is None or commit is None:
        raise ArcaError(
            "The database has replayed no commit of another one.",
            where=f"port {session.info.port}",
            wanted="a standby, or one that was promoted",
            do="repeat the drill with more customers before the loss (--rate)",
        )
    return LogEnd(position=position, commit_ns=nanoseconds(commit))


def written(session: Session) -> str:
    """Return where the log of a server is that takes writes."""
    (found,) = session.execute("SELECT pg_current_wal_lsn()::text").fetchone() or ("0/0",)
    return str(found)


def last_read(found: Iterable[Row], moment: datetime) -> list[Operation]:
    """Return the rows of a database as one operation of a history."""
    content = tuple(Stored(key=one.key, invoice=one.invoice) for one in found if one.key)
    at = nanoseconds(moment)
    return [
        Operation(time_ns=at, process=READER, operation="read", type="invoke"),
        Operation(time_ns=at + 1, process=READER, operation="read", type="ok", found=content),
    ]


def schema_hash(session: Session) -> str:
    """Return a hash of the tables and columns."""
    return schema.digest(session)


def authorized(agency: str) -> tuple[Authorized, ...]:
    """Return what the double of the tax agency authorized."""
    with urlopen(f"{agency}/control/authorized", timeout=10) as answer:  # noqa: S310 - loopback
        listed: list[Mapping[str, Any]] = json.loads(answer.read())
    return tuple(
        Authorized(
            point_of_sale=int(one["point_of_sale"]),
            kind=int(one["invoice_type"]),
            number=int(one["number"]),
            cae=str(one["cae"]),
        )
        for one in listed
    )


def invariants(found: SetCheck) -> tuple[Invariant, ...]:
    """Return the rules of the domain that the check has judged."""
    gaps = [str(one.series) for one in found.series if one.gaps]
    repeats = [str(one.series) for one in found.series if one.repeats]
    agency = found.agency
    return (
        _rule("numbers without gaps", gaps),
        _rule("no number twice", repeats),
        _rule("no invoice twice", list(found.duplicated)),
        _rule("no number that the agency does not know", list(agency.impossible) if agency else []),
    )


def _rule(name: str, broken: list[str]) -> Invariant:
    seen = ", ".join(broken[:3]) if broken else "holds"
    return Invariant(name=name, outcome="FAILED" if broken else "OK", seen=seen)
