"""The table of list prices: arca/cost/prices.csv.

A row is a region, a service code and a usage type as AWS's price list names them, without the
region's prefix: `NatGateway-Hours`, not `SAE1-NatGateway-Hours`. A row without a price stands for a
usage type that is known and whose price is not; its cost is never 0, it is "not priced".

Source: AWS Billing User Guide, "Finding services and products using AWS Price List".
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, cast, get_args

from arca.errors import ArcaError

PATH = Path(__file__).with_name("prices.csv")
COLUMNS = (
    "region",
    "service",
    "usage_type",
    "narrowed_by",
    "unit",
    "price",
    "date",
    "certainty",
    "source",
)
ANYWHERE = "any"
"""The region of what has one price in the whole world."""
Certainty = Literal["list", "copy", "second-hand", "none"]
"""`list`: read in AWS's or Cloudflare's own price list. `copy`: in somebody's copy of AWS's own
price file. `second-hand`: a figure that somebody else wrote down. `none`: no price was found."""


@dataclass(frozen=True, order=True)
class Key:
    """What a price is for."""

    region: str
    service: str
    usage_type: str
    narrowed_by: str = ""
    """Attributes that choose one product of several: `databaseEngine=PostgreSQL`."""

    @property
    def attributes(self) -> Mapping[str, str]:
        """The attributes of `narrowed_by`, by name."""
        pairs = (part.partition("=") for part in self.narrowed_by.split(";") if part)
        return {name: value for name, _, value in pairs}

    def __str__(self) -> str:
        narrowed = f" ({self.narrowed_by})" if self.narrowed_by else ""
        return f"{self.service} {self.usage_type}{narrowed} in {self.region}"


@dataclass(frozen=True)
class Price:
    """A row of the table."""

    key: Key
    unit: str
    price: float | None
    """US dollars for one unit, in the first tier of volume; None where it is not known."""
    date: str
    """The day on which the price, or its absence, was true: 2026-11-28."""
    certainty: Certainty
    source: str


class Prices:
    """The prices of a table, by what they are for."""

    def __init__(self, rows: Iterable[Price]) -> None:
        self.rows = {row.key: row for row in rows}

    def find(self, key: Key) -> Price | None:
        """Return the row of a region, or the one of the whole world; None without either."""
        everywhere = Key(ANYWHERE, key.service, key.usage_type, key.narrowed_by)
        return self.rows.get(key) or self.rows.get(everywhere)


def read(path: Path = PATH) -> Prices:
    """Return the committed prices; raises ArcaError for a file that is not such a table."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _malformed(f"{path}", f"it cannot be read: {error}") from None
    reader = csv.DictReader(io.StringIO(text), strict=True)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise _malformed(f"{path}:1", f"the columns are not {', '.join(COLUMNS)}")
    rows: dict[Key, Price] = {}
    try:
        for cells in reader:
            where = f"{path}:{reader.line_num}"
            row = _row(cells, where)
            if row.key in rows:
                raise _malformed(where, f"{row.key} stands there twice")
            rows[row.key] = row
    except csv.Error as error:
        raise _malformed(f"{path}:{reader.line_num}", str(error)) from None
    return Prices(rows.values())


def written(prices: Prices) -> str:
    """Return the table as its file has it, in the order of the keys."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for key, row in sorted(prices.rows.items()):
        price = "" if row.price is None else _decimal(row.price)
        writer.writerow(
            (
                *(key.region, key.service, key.usage_type, key.narrowed_by),
                *(row.unit, price, row.date, row.certainty, row.source),
            )
        )
    return out.getvalue()


def _decimal(price: float) -> str:
    """Return a price without an exponent, which nobody reads easily."""
    return f"{price:.10f}".rstrip("0").rstrip(".")


def _row(cells: Mapping[str, str | None], where: str) -> Price:
    if None in cells.values() or None in cells:
        raise _malformed(where, f"the row has not {len(COLUMNS)} cells")
    given = cast("Mapping[str, str]", cells)
    empty = [name for name in COLUMNS if not given[name] and name not in ("narrowed_by", "price")]
    if empty:
        raise _malformed(where, f"the column {empty[0]} is empty")
    if given["certainty"] not in get_args(Certainty):
        raise _malformed(where, f"the certainty is {given['certainty']!r}")
    try:
        price = float(given["price"]) if given["price"] else None
        date.fromisoformat(given["date"])
    except ValueError as error:
        raise _malformed(where, str(error)) from None
    if (price is None) != (given["certainty"] == "none"):
        raise _malformed(where, "only a row without a price has the certainty none")
    if price is not None and not 0 < price < float("inf"):
        raise _malformed(where, f"the price is {given['price']}")
    return Price(
        Key(given["region"], given["service"], given["usage_type"], given["narrowed_by"]),
        given["unit"],
        price,
        given["date"],
        cast("Certainty", given["certainty"]),
        given["source"],
    )


def _malformed(where: str, why: str) -> ArcaError:
    return ArcaError(
        f"The table of prices is not valid: {why}.",
        where=where,
        wanted="rows as docs/cost.md describes them: a date, a source and a positive price, or "
        "none with the certainty `none`",
        do="correct the row, or take the file of the last commit: `git checkout arca/cost`",
    )
