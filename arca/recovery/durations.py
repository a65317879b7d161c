"""How long AWS takes for an operation on a resource: the table arca/recovery/durations.csv.

A row may be for one input only: an instance that is created with `replicateSourceDb` takes as long
as a replica, and an update that changes that input is a promotion.
"""

import csv
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from arca.errors import ArcaError

PATH = Path(__file__).with_name("durations.csv")
COLUMNS = ("type", "operation", "input", "low", "expected", "high", "certainty", "source")
ANY = "any"
DEFAULT = "default"
"""The row of a type that has none."""
START = "pulumi:pulumi:update"
"""The row for what an update takes before its first resource."""
Certainty = Literal["documented", "observed", "assumed"]
"""`documented`: AWS or the provider says it. `observed`: in a public log. `assumed`: neither."""
Bound = Literal["low", "expected", "high"]
BOUNDS: tuple[Bound, ...] = get_args(Bound)


@dataclass(frozen=True)
class Seconds:
    """A duration that is known only within bounds."""

    low: float
    expected: float
    high: float

    def at(self, bound: Bound) -> float:
        """Return one of the three."""
        return float(getattr(self, bound))

    def __add__(self, other: "Seconds") -> "Seconds":
        return Seconds(self.low + other.low, self.expected + other.expected, self.high + other.high)


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    type: str
    operation: str
    input: str
    seconds: Seconds
    certainty: Certainty
    source: str


class Durations:
    """The rows of the table, by type and operation."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = tuple(rows)
        self._by_type: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            self._by_type.setdefault((row.type, row.operation), []).append(row)

    def find(self, kind: str, operation: str, inputs: Collection[str] = ()) -> Row:
        """Return the row for an operation: of those for the inputs in question, the longest.

        `inputs` are those that a new resource has, or that an update changes. A type without a row
        gets the default.
        """
        for key in ((kind, operation), (kind, ANY), (DEFAULT, ANY)):
            found = self._by_type.get(key, ())
            special = [row for row in found if row.input and row.input in inputs]
            rows = special or [row for row in found if not row.input]
            if rows:
                return max(rows, key=lambda row: row.seconds.expected)
        raise LookupError(DEFAULT)


def read(path: Path = PATH) -> Durations:
    """Return the committed table; raises ArcaError for a file that is not such a table."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(str(path), f"The table of durations cannot be read: {error}") from None
    reader = csv.DictReader(lines)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise _wrong(f"{path}:1", "The table's columns are not the known ones.")
    rows = list(_rows(reader, path))
    if not any((row.type, row.operation) == (DEFAULT, ANY) for row in rows):
        raise _wrong(str(path), "The table has no default.")
    return Durations(rows)


def _rows(reader: "csv.DictReader[str]", path: Path) -> Iterator[Row]:
    seen: set[tuple[str, str, str]] = set()
    for row in reader:
        place = f"{path}:{reader.line_num}"
        try:
            low, expected, high = (float(row[bound]) for bound in BOUNDS)
        except (TypeError, ValueError):
            raise _wrong(place, "The row has no three numbers.") from None
        if not 0 <= low <= expected <= high:
            raise _wrong(place, "The seconds do not ascend.")
        if row["certainty"] not in get_args(Certainty) or not row["source"]:
            raise _wrong(place, "The row has no certainty or no source.")
        key = (row["type"], row["operation"], row["input"])
        if key in seen:
            raise _wrong(place, "The row is there twice.")
        seen.add(key)
        certainty = cast("Certainty", row["certainty"])
        yield Row(*key, Seconds(low, expected, high), certainty, row["source"])


def _wrong(where: str, what: str) -> ArcaError:
    return ArcaError(
        what,
        where=where,
        wanted=f"a CSV with the columns {', '.join(COLUMNS)}",
        do="restore the file with git, or correct the row",
    )
