"""The ledger of a stack's resources: a file of JSON lines to which each change adds one.

Before the calls about a resource are made, a line says which; after them, a line says what is there
now. So a run that was killed left at most one operation begun, and the next run ends it first. A
line that was only half written is the last one and counts as not written. Only the owner can read
the file, because inputs and outputs may be secret.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from arca.emulator.provider.made import MadeResource, Operation
from arca.errors import ArcaError


@dataclass(frozen=True)
class Line:
    """One change, which is in the ledger as a whole or not at all."""

    begun: Operation | None = None
    """The operation whose calls come next; a line without one ends the operation before."""
    made: MadeResource | None = None
    """What is there now under its URN."""
    gone: str = ""
    """The URN of what is no longer there."""
    condemned: MadeResource | None = None
    """What was replaced and is still to be deleted."""
    number: int = 0
    """The number of the condemned resource; the first has 1."""
    ended: int = 0
    """The number of a condemned resource that was deleted."""


LINE: TypeAdapter[Line] = TypeAdapter(Line)


class Ledger:
    """What is there of a stack, in the order in which it was declared."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.made: dict[str, MadeResource] = {}
        self.condemned: dict[int, MadeResource] = {}
        """What was replaced and is still to be deleted, by its number."""
        self.pending: Operation | None = None
        """The operation that was begun and not ended."""

    @classmethod
    def read(cls, path: Path, *, stack: str) -> "Ledger":
        """Return the ledger in a file; raises ArcaError where there is none that can be read."""
        ledger = cls(path)
        try:
            lines = path.read_bytes().split(b"\n")
            # What follows the last end of a line was not written whole.
            for text in lines[:-1]:
                ledger._apply(LINE.validate_json(text))
        except (OSError, ValidationError, KeyError) as error:
            raise ArcaError(
                f"What {stack} consists of in the emulated cloud cannot be read.",
                where=f"{path}: {str(error).splitlines()[0]}",
                wanted="the file that `arca local up` writes",
                do=f"run `make up STACK={stack}` again: it brings the stack up anew",
            ) from None
        return ledger

    def add(self, line: Line) -> None:
        """Add a change to the file, then take it over."""
        content = LINE.dump_json(line, exclude_defaults=True) + b"\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(content)
        self._apply(line)

    @property
    def next_number(self) -> int:
        """The number of the next condemned resource."""
        return max(self.condemned, default=0) + 1

    def rewrite(self, order: Iterable[str] = ()) -> None:
        """Replace the file by one without history, with these URNs first and in this order.

        Without an order the present one stays. It also removes a line that was half written.
        """
        places = {urn: place for place, urn in enumerate(order)}
        urns = sorted(self.made, key=lambda urn: places.get(urn, len(places)))
        self.made = {urn: self.made[urn] for urn in urns}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=".")
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(LINE.dump_json(x, exclude_defaults=True) + b"\n" for x in self._lines())
        Path(name).replace(self._path)

    def _lines(self) -> Iterator[Line]:
        yield from (Line(made=one) for one in self.made.values())
        yield from (Line(condemned=one, number=n) for n, one in self.condemned.items())
        if self.pending is not None:
            yield Line(begun=self.pending)

    def _apply(self, line: Line) -> None:
        self.pending = line.begun
        if line.made is not None:
            self.made[line.made.urn] = line.made
        if line.gone:
            self.made.pop(line.gone, None)
        if line.condemned is not None:
            self.condemned[line.number] = line.condemned
        if line.ended:
            self.condemned.pop(line.ended, None)


def keep(made: Iterable[MadeResource], path: Path) -> None:
    """Write the ledger of a stack that came up."""
    ledger = Ledger(path)
    ledger.made = {one.urn: one for one in made}
    ledger.rewrite()
