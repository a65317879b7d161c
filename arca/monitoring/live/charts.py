"""Draw dashboards and budgets as pictures; only this module uses matplotlib."""

# matplotlib's own types leave the optional arguments open.
# pyright: reportUnknownMemberType=false

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import dates, ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from arca.monitoring.catalogue import CATALOGUE
from arca.monitoring.dashboard import (
    GRID_COLUMNS,
    WIDGET_ROWS,
    Cell,
    Dashboard,
    Graph,
    LogTable,
    layout,
)
from arca.monitoring.recording import Recording
from arca.monitoring.slo.metric_math import Series, evaluate

INCHES_PER_COLUMN, INCHES_PER_ROW = 0.75, 3.2
COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#17becf")
LIMIT = "#c62828"
LEGEND_ROW = 0.055
"""The share of a graph's height that a row of its legend takes."""
MANY = 10_000
"""The value above which an axis counts in k, M and G."""
FINGERPRINT = "arca-fingerprint"
"""The PNG text chunk with the fingerprint of a picture's data and code."""


@dataclass(frozen=True)
class Span:
    """An alarm in a picture of an incident; minutes are since the incident began."""

    label: str
    on: Sequence[tuple[int, int]]
    """When it is on, each from and until."""
    notified: Sequence[int]
    """When it notifies somebody."""


mpl.rcParams.update({"font.family": "DejaVu Sans", "font.size": 8, "svg.hashsalt": "arca"})


def draw_board(board: Dashboard, recording: Recording, path: Path, *, fingerprint: str) -> None:
    """Draw a dashboard in CloudWatch's layout from a recording, into a PNG file."""
    cells = list(layout(board))
    rows = 1 + max(cell.y for cell in cells) // WIDGET_ROWS
    figure = Figure(
        figsize=(GRID_COLUMNS * INCHES_PER_COLUMN, rows * INCHES_PER_ROW + 0.5),
        layout="constrained",
    )
    # The widest columns that fit all widgets, for a margin must fit into one column.
    unit = math.gcd(*(part for cell in cells for part in (cell.x, cell.widget.width)), GRID_COLUMNS)
    grid: Any = figure.add_gridspec(rows, GRID_COLUMNS // unit)
    figure.suptitle(f"{board.title}: {recording.title}", fontsize=12, fontweight="bold")
    for cell in cells:
        row = cell.y // WIDGET_ROWS
        columns = slice(cell.x // unit, (cell.x + cell.widget.width) // unit)
        axes = figure.add_subplot(grid[row, columns])
        _widget(axes, cell, recording)
    figure.savefig(
        path, format="png", dpi=80, metadata={FINGERPRINT: fingerprint, "Software": None}
    )


def draw_spans(
    title: str, spans: Sequence[Span], minutes: int, path: Path, *, fingerprint: str
) -> None:
    """Draw when each alarm is on and when it notifies, into a PNG file."""
    figure = Figure(figsize=(10, 0.4 * len(spans) + 1.2), layout="constrained")
    axes = figure.add_subplot()
    for row, span in enumerate(spans):
        color = LIMIT if not row else COLORS[0] if span.notified else "#b0bec5"
        bars = [(begin, end - begin) for begin, end in span.on]
        axes.broken_barh(bars, (row - 0.3, 0.6), color=color)
        for minute in span.notified:
            axes.plot(minute, row, marker="v", color="black", markersize=9)
            axes.annotate(f" notifies in minute {minute}", (minute + 1, row), va="center")
    axes.set_yticks(range(len(spans)), [span.label for span in spans])
    axes.invert_yaxis()
    axes.set_xlim(-5, minutes)
    axes.set_xlabel("minutes since the outage began; a bar is an alarm that is on")
    axes.set_title(title, loc="left", fontweight="bold")
    axes.grid(visible=True, axis="x", alpha=0.3)
    figure.savefig(
        path, format="png", dpi=80, metadata={FINGERPRINT: fingerprint, "Software": None}
    )


def budget_svg(title: str, days: Sequence[datetime], consumed: Sequence[float]) -> str:
    """Return the use of a month's budget as an SVG element for a page."""
    figure = Figure(figsize=(8, 2.6), layout="constrained")
    axes = figure.add_subplot()
    axes.step(np.asarray(days), np.asarray(consumed), where="post", color=COLORS[0])
    axes.axhline(100, color=LIMIT, linewidth=1, linestyle="--")
    axes.set_title(title, loc="left", fontweight="bold")
    axes.set_ylabel("% of the budget used")
    axes.set_ylim(0, max(110.0, *consumed) if consumed else 110)
    _dates(axes, "%d %b")
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _widget(axes: Axes, cell: Cell, recording: Recording) -> None:
    axes.set_title(cell.widget.title, loc="left", fontweight="bold")
    if isinstance(cell.widget, LogTable):
        _log(axes, cell.widget, recording)
    else:
        _graph(axes, cell.widget, recording)


def _graph(axes: Axes, graph: Graph, recording: Recording) -> None:
    left = _drawn(graph, recording, right=False)
    right = _drawn(graph, recording, right=True)
    axes.set_ylabel(graph.unit)
    _dates(axes, "%H:%M")
    if not left and not right:
        axes.text(0.5, 0.5, "no data", ha="center", va="center", transform=axes.transAxes)
        axes.set_ylim(0, 1)
        return
    times = np.asarray(recording.times)
    handles: list[Any] = []
    if graph.stacked:
        stacked = [np.nan_to_num(values) for values in left.values()]
        handles += axes.stackplot(times, *stacked, labels=list(left), colors=COLORS)
        left = {graph.title: np.asarray(np.sum(stacked, axis=0))}
    else:
        handles += _lines(axes, times, left, COLORS)
    if graph.limit is not None:
        axes.axhline(graph.limit, color=LIMIT, linewidth=1, linestyle="--")
    columns = 1 if len(left) + len(right) <= 3 else 2
    rows = -(-(len(handles) + len(right)) // columns)
    highest = max(_highest(left), graph.limit or 0.0)
    _scale(axes, highest, rows)
    if right:
        other: Any = axes.twinx()
        handles += _lines(other, times, right, COLORS[len(left) :])
        other.set_ylabel(graph.right_unit)
        # A higher axis than the left one keeps the lines apart.
        _scale(other, 1.3 * max(_highest(right), 1.0), rows)
    axes.legend(handles=handles, loc="upper left", fontsize=7, frameon=False, ncols=columns)


def _drawn(graph: Graph, recording: Recording, *, right: bool) -> Mapping[str, Series]:
    """Return the lines of one axis that the recording has, by their labels."""
    drawn: dict[str, Series] = {}
    for line in (line for line in graph.lines if line.right == right):
        reading = next(iter(line.readings.values()))
        if line.expression:
            read = {key: recording.series(item) for key, item in line.readings.items()}
            if all(len(values) for values in read.values()):
                drawn[line.label] = evaluate(line.expression, read)
            continue
        found = recording.split(reading)
        open_splits = set(CATALOGUE[reading.metric].splits) - set(reading.fixed)
        for label, values in found.items():
            several = len(found) > 1 or open_splits
            parts = [part for part in (line.label, label) if part] if several else []
            drawn[" ".join(parts) or line.label] = values
    return drawn


def _lines(axes: Axes, times: Any, drawn: Mapping[str, Series], colors: Sequence[str]) -> list[Any]:
    handles: list[Any] = []
    for number, (label, values) in enumerate(drawn.items()):
        color = colors[number % len(colors)]
        handles += axes.plot(times, values, label=label, color=color, linewidth=1)
    return handles


def _highest(drawn: Mapping[str, Series]) -> float:
    return max((float(np.nan_to_num(values).max()) for values in drawn.values()), default=0.0)


def _scale(axes: Axes, highest: float, legend_rows: int) -> None:
    """Let the axis end above the highest value, with room for the legend's rows."""
    # An axis from 0 to 0 would have no height.
    highest = highest or 1.0
    axes.set_ylim(0, highest / (0.94 - LEGEND_ROW * legend_rows))
    axis: Any = axes.yaxis
    if highest >= MANY:
        axis.set_major_formatter(ticker.EngFormatter(sep=""))


def _log(axes: Axes, table: LogTable, recording: Recording) -> None:
    axes.axis("off")
    rows = recording.rows(table.title)
    if not rows:
        axes.text(0.5, 0.5, "no rows", ha="center", va="center", transform=axes.transAxes)
        return
    # Matplotlib reads a dollar as the beginning of a formula.
    texts = [[str(row.get(column, "")) for column in table.columns] for row in rows]
    cells = [[text.replace("$", r"\$") for text in row] for row in texts]
    height = min(1.0, 0.09 * (len(cells) + 1))
    place = Bbox.from_bounds(0, 1 - height, 1, height)
    drawn = axes.table(cells, colLabels=list(table.columns), cellLoc="left", bbox=place)
    drawn.set_in_layout(False)
    drawn.auto_set_font_size(value=False)
    drawn.set_fontsize(7)


def _dates(axes: Axes, form: str) -> None:
    axis: Any = axes.xaxis
    axis.set_major_formatter(dates.DateFormatter(form))
    axes.grid(visible=True, alpha=0.3)
