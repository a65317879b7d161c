"""What the agency keeps: tickets and authorized invoices, in a file of one JSON object a line.

A line is written before the answer leaves, so that the file survives what kills the process.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TicketRecord:
    """A login ticket."""

    owner: str
    service: str
    token: str
    sign: str
    expires_at: str

    def is_valid(self, now: datetime) -> bool:
        """Return whether it has not expired."""
        return now < datetime.fromisoformat(self.expires_at)


@dataclass(frozen=True)
class InvoiceRecord:
    """An authorized invoice."""

    cuit: str
    point_of_sale: int
    invoice_type: int
    number: int
    cae: str
    cae_due: str
    date: str
    processed_at: str
    fields: dict[str, str]
    """The fields of FECAEDetRequest."""


Key = tuple[str, int, int]


class State:
    """Everything that the agency knows; hold `lock` while you read and write."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self.tickets: list[TicketRecord] = []
        self.invoices: dict[Key, dict[int, InvoiceRecord]] = {}
        self._path = path
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._take(json.loads(line))
        self._file = path.open("a", encoding="utf-8")

    def add(self, record: TicketRecord | InvoiceRecord) -> None:
        """Keep a record in the file, then in memory."""
        kind = "ticket" if isinstance(record, TicketRecord) else "invoice"
        data = {"kind": kind, **asdict(record)}
        self._file.write(json.dumps(data) + "\n")
        self._file.flush()
        self._take(data)

    def forget_tickets(self) -> None:
        """Let every ticket end now."""
        self._file.write('{"kind": "forget"}\n')
        self._file.flush()
        self.tickets.clear()

    def last(self, key: Key) -> InvoiceRecord | None:
        """Return the last authorized invoice of a CUIT, a point of sale and a type."""
        known = self.invoices.get(key)
        return known[max(known)] if known else None

    def count(self) -> int:
        """Return how many invoices are authorized."""
        return sum(len(known) for known in self.invoices.values())

    def listed(self) -> list[dict[str, Any]]:
        """Return all authorized invoices."""
        return [asdict(found) for known in self.invoices.values() for found in known.values()]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _take(self, data: Mapping[str, Any]) -> None:
        fields = {name: value for name, value in data.items() if name != "kind"}
        if data["kind"] == "ticket":
            self.tickets.append(TicketRecord(**fields))
        elif data["kind"] == "forget":
            self.tickets.clear()
        else:
            record = InvoiceRecord(**fields)
            key = (record.cuit, record.point_of_sale, record.invoice_type)
            self.invoices.setdefault(key, {})[record.number] = record
