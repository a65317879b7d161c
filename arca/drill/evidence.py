"""What proves a drill: what is stored afterwards, what the agency authorized, and the schema."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.request import urlopen

import psycopg
from arca_migrate import schema

from arca.recovery.history import Operation, Stored
from arca.recovery.invoice import Authorized, Invoice
from arca.recovery.record import Invariant
from arca.recovery.set_check import SetCheck

READER = "the last read"
INVOICES = """
SELECT id, point_of_sale, invoice_type, number, cae, idempotency_key
FROM invoices WHERE status = 'authorized' AND idempotency_key IS NOT NULL
"""


def last_read(port: int, secret: Mapping[str, str], name: str, moment: datetime) -> list[Operation]:
    """Read all invoices of a database as one operation of a history."""
    with _session(port, secret, name) as session:
        rows = session.execute(INVOICES).fetchall()
    found = tuple(
        Stored(
            key=key,
            invoice=Invoice(
                id=identity, point_of_sale=place, kind=kind, number=number, cae=cae or ""
            ),
        )
        for identity, place, kind, number, cae, key in rows
    )
    at = int(moment.timestamp() * 1_000_000) * 1000
    return [
        Operation(time_ns=at, process=READER, operation="read", type="invoke"),
        Operation(time_ns=at + 1, process=READER, operation="read", type="ok", found=found),
    ]


def schema_hash(port: int, secret: Mapping[str, str], name: str) -> str:
    """Return a hash of the tables and columns."""
    with _session(port, secret, name) as session:
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


def _session(port: int, secret: Mapping[str, str], name: str) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host="127.0.0.1",
        port=port,
        dbname=name,
        user=secret["username"],
        password=secret["password"],
        connect_timeout=5,
    )
