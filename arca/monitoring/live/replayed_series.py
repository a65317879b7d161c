"""The files that `arca slo replay` reads: good and total events by the minute."""

import csv
import math
from pathlib import Path

import numpy as np

from arca.errors import ArcaError
from arca.monitoring.slo.replay import EventSeries

SERIES_COLUMNS = ["minute", "good", "total"]
MOST_MINUTES = 366 * 24 * 60


def read_series(path: Path) -> EventSeries:
    """Read a CSV with the columns minute, good, total; an empty cell is a minute without data.

    Minutes are whole numbers that rise; those that are left out are minutes without data. Raises
    ArcaError with the line of the first thing that is wrong.
    """
    good: dict[int, float] = {}
    total: dict[int, float] = {}
    try:
        # Spreadsheets put a byte order mark before the header.
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            if next(rows, None) != SERIES_COLUMNS:
                raise _wrong(path, 1, f"the header must be {','.join(SERIES_COLUMNS)}")
            for row in rows:
                minute = _minute(path, rows.line_num, row, after=max(total, default=-1))
                good[minute] = _count(path, rows.line_num, row[1])
                total[minute] = _count(path, rows.line_num, row[2])
                if good[minute] > total[minute]:
                    raise _wrong(path, rows.line_num, f"good {row[1]} is more than total {row[2]}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _wrong(path, 0, f"cannot be read: {error}") from None
    if not total:
        raise _wrong(path, 2, "no minute at all")
    length = max(total) + 1
    return EventSeries(
        np.array([good.get(minute, math.nan) for minute in range(length)]),
        np.array([total.get(minute, math.nan) for minute in range(length)]),
    )


def _minute(path: Path, line: int, row: list[str], *, after: int) -> int:
    if len(row) != len(SERIES_COLUMNS):
        raise _wrong(path, line, f"{len(row)} columns, not {len(SERIES_COLUMNS)}")
    if not row[0].isdecimal() or not after < int(row[0]) < MOST_MINUTES:
        raise _wrong(path, line, f"minute {row[0]!r} does not rise, or is beyond a year")
    return int(row[0])


def _count(path: Path, line: int, cell: str) -> float:
    if not cell:
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise _wrong(path, line, f"{cell!r} is no count")
    return value


def _wrong(path: Path, line: int, what: str) -> ArcaError:
    return ArcaError(
        f"The recorded series cannot be replayed: {what}.",
        where=f"{path}:{line}" if line else str(path),
        wanted=f"a CSV with the columns {', '.join(SERIES_COLUMNS)}, a minute a line",
        do="correct the file; docs/monitoring.md shows one",
    )
