"""A history of what customers asked for and were told, as JSON lines: the evidence of a failover.

Each operation has an `invoke` before its request is sent, and a completion after the answer: `ok`,
`fail` where it surely did not happen, `info` where nobody knows, such as after a timeout. An
operation without a completion is unknown too. The words are those of Jepsen's histories
(github.com/jepsen-io/jepsen, jepsen/src/jepsen/checker.clj).
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import IO, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from arca.errors import ArcaError
from arca.invoice import Invoice

DO = "repeat the drill; a history that was cut or edited proves nothing"
POSITION = r"^[0-9A-F]{1,8}/[0-9A-F]{1,8}$"
"""A log position (PostgreSQL documentation, "pg_lsn Type")."""


class Stored(BaseModel):
    """An invoice that a read found, with the idempotency key under which it is stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(min_length=1)
    invoice: Invoice


class Operation(BaseModel):
    """A line of a history."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_ns: int = Field(ge=0, strict=True, description="UTC, nanoseconds since 1970.")
    process: str = Field(min_length=1, description="Who asks; one operation at a time.")
    operation: Literal["issue", "read"] = "issue"
    type: Literal["invoke", "ok", "fail", "info"]
    key: str = Field(default="", description="The idempotency key of an issue.")
    invoice: Invoice | None = Field(default=None, description="What an issue's `ok` says.")
    position: str | None = Field(
        default=None,
        pattern=POSITION,
        description="The database's log position (LSN) after an acknowledged issue.",
    )
    found: tuple[Stored, ...] | None = Field(default=None, description="What a read's `ok` found.")
    detail: str = Field(default="", description="Why it failed, or what is unknown.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        done = self.type == "ok"
        if (self.operation == "issue") != bool(self.key):
            raise ValueError("an issue has a key, and a read has none")
        if (self.operation == "issue" and done) != (self.invoice is not None):
            raise ValueError("an issue's ok has an invoice, and nothing else has one")
        if (self.operation == "read" and done) != (self.found is not None):
            raise ValueError("a read's ok has what it found, and nothing else has it")
        if self.position is not None and self.invoice is None:
            raise ValueError("only an issue's ok has a position")
        return self

    def line(self) -> str:
        """Return the operation as a line of JSON, with its line break."""
        return json.dumps(self.model_dump(exclude_defaults=True), sort_keys=True) + "\n"


def nanoseconds(moment: datetime) -> int:
    """Return a moment as histories have it: nanoseconds since 1970."""
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000


def byte_position(position: str) -> int:
    """Return a log position as bytes from the log's beginning.

    Source: PostgreSQL documentation, "pg_lsn Type".
    """
    high, low = (int(part, 16) for part in position.split("/"))
    return (high << 32) + low


class Writer:
    """Appends operations to a history; threads may share it.

    Each line reaches the operating system at once, so that it outlives the process.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file, self._lock = file, Lock()

    def write(self, operation: Operation) -> None:
        """Append an operation."""
        with self._lock:
            self._file.write(operation.line())
            self._file.flush()


def read(path: Path) -> tuple[Operation, ...]:
    """Return the operations of a history, in the order of the file.

    A last line without a line break was cut off when its writer was killed; it is left out.
    Raises ArcaError where the file cannot be read or is no such history.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArcaError(
            f"The history cannot be read: {getattr(error, 'strerror', None) or error}",
            where=str(path),
            wanted="a history of operations, JSON lines",
            do="name the file that the drill wrote",
        ) from None
    whole, _, _ = text.rpartition("\n")
    found: list[Operation] = []
    for number, line in enumerate(whole.split("\n") if whole else [], start=1):
        try:
            found.append(Operation.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            told = ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
            raise _wrong(f"{path}:{number}", f"The line is not an operation: {told}") from None
    require_pairs(found, str(path))
    return tuple(found)


def require_pairs(operations: Sequence[Operation], where: str) -> None:
    """Check that each completion follows its `invoke`, and that no process goes back in time.

    Lines of different processes may be out of order by the moment that a thread waits for the file.
    Raises ArcaError with the number of the line.
    """
    last: dict[str, Operation] = {}
    for number, one in enumerate(operations, start=1):
        before = last.get(one.process)
        if before is not None and one.time_ns < before.time_ns:
            raise _wrong(f"{where}:{number}", f"Process {one.process} goes back in time.")
        # A process that begins anew, for example after a crash, leaves its last one unknown.
        if one.type != "invoke" and (
            before is None
            or before.type != "invoke"
            or (before.operation, before.key) != (one.operation, one.key)
        ):
            what = f"Process {one.process} completes what it did not invoke."
            raise _wrong(f"{where}:{number}", what)
        last[one.process] = one


def write(path: Path, operations: Iterable[Operation]) -> None:
    """Write a history anew."""
    path.write_text("".join(one.line() for one in operations), encoding="utf-8")


def _wrong(where: str, what: str) -> ArcaError:
    return ArcaError(what, where=where, wanted="a history as arca/history.py", do=DO)
