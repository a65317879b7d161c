"""Writes a history of what customers asked for and were told, as JSON lines.

It has the form of the histories that `arca dr` checks: each issue has an `invoke` before its
request is sent, and then an `ok`, a `fail` where it surely did not happen, or an `info` where
nobody knows. A customer who repeats an issue with the same key is still in the same operation.
"""

import json
from collections.abc import Mapping
from typing import IO, Any

from arca.clock import Clock

TYPE_CODES: Mapping[str, int] = {"A": 1, "B": 6, "C": 11}
"""Codes of the tax agency (WSFEv1 manual for developers, FEParamGetTiposCbte)."""


class HistoryWriter:
    """Appends to a history; each line reaches the operating system at once."""

    def __init__(self, file: IO[str], clock: Clock) -> None:
        self._file, self._clock = file, clock

    def invoke(self, process: str, key: str) -> None:
        """Write that an issue begins."""
        self._write(process, key, "invoke")

    def ok(self, process: str, key: str, body: Mapping[str, Any]) -> None:
        """Write that an invoice was issued; `body` is the API's answer."""
        invoice = {
            "id": body["id"],
            "point_of_sale": body["point_of_sale"],
            "kind": TYPE_CODES[body["type"]],
            "number": body["number"],
            "cae": body["cae"],
        }
        self._write(process, key, "ok", invoice=invoice)

    def fail(self, process: str, key: str, detail: str) -> None:
        """Write that an issue surely did not happen."""
        self._write(process, key, "fail", detail=detail)

    def info(self, process: str, key: str, detail: str) -> None:
        """Write that nobody knows whether an issue happened."""
        self._write(process, key, "info", detail=detail)

    def _write(self, process: str, key: str, kind: str, **more: Any) -> None:
        now = self._clock.now()
        line = {
            "time_ns": int(now.timestamp()) * 1_000_000_000 + now.microsecond * 1000,
            "process": process,
            "type": kind,
            "key": key,
            **more,
        }
        self._file.write(json.dumps(line, sort_keys=True) + "\n")
        self._file.flush()
