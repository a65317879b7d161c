"""What customers asked for and were told, as a history that `arca dr drill` checks.

A customer who repeats an issue with the same key is still in the same operation.
"""

from collections.abc import Mapping
from typing import IO, Any, Literal

from arca.clock import Clock
from arca.history import Operation, Writer, nanoseconds
from arca.invoice import Invoice

TYPE_CODES: Mapping[str, int] = {"A": 1, "B": 6, "C": 11}
"""Codes of the tax agency (WSFEv1 manual for developers, FEParamGetTiposCbte)."""


class HistoryWriter:
    """Appends to a history what happens now."""

    def __init__(self, file: IO[str], clock: Clock) -> None:
        self._writer, self._clock = Writer(file), clock

    def invoke(self, process: str, key: str) -> None:
        """Write that an issue begins."""
        self._write(process, key, "invoke")

    def ok(self, process: str, key: str, body: Mapping[str, Any]) -> None:
        """Write that an invoice was issued; `body` is the API's answer."""
        invoice = Invoice(
            id=body["id"],
            point_of_sale=body["point_of_sale"],
            kind=TYPE_CODES[body["type"]],
            number=body["number"],
            cae=body["cae"],
        )
        self._write(process, key, "ok", invoice=invoice)

    def fail(self, process: str, key: str, detail: str) -> None:
        """Write that an issue surely did not happen."""
        self._write(process, key, "fail", detail=detail)

    def info(self, process: str, key: str, detail: str) -> None:
        """Write that nobody knows whether an issue happened."""
        self._write(process, key, "info", detail=detail)

    def _write(
        self,
        process: str,
        key: str,
        kind: Literal["invoke", "ok", "fail", "info"],
        *,
        invoice: Invoice | None = None,
        detail: str = "",
    ) -> None:
        self._writer.write(
            Operation(
                time_ns=nanoseconds(self._clock.now()),
                process=process,
                type=kind,
                key=key,
                invoice=invoice,
                detail=detail,
            )
        )
