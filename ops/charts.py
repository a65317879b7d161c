"""Pictures of series: the only user of matplotlib."""

# matplotlib's own types leave the optional arguments open.
# pyright: reportUnknownMemberType=false

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slo.metric_math import Series, evaluate
from telemetry.board import COLUMNS, Board, Cell, Graph, LogTable, layout
from telemetry.catalogue import CATALOGUE
from telemetry.recording import Recording

INCHES_PER_COLUMN, INCHES_PER_ROW = 0.75, 3.2
COLORS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#17becf")
LIMIT = "#c62828"
FINGERPRINT = "arca-fingerprint"
"""PNG text that says what a picture was drawn from."""

mpl.rcParams.update({"font.family": "DejaVu Sans", "font.size": 8, "svg.hashsalt": "arca"})


def draw_board(board: Board, recording: Recording, path: Path, *, fingerprint: str) -> None:
    """Draw a dashboard as CloudWatch lays it out, from recorded series."""
    cells = list(layout(board))
    rows = 1 + max(cell.y for cell in cells) // 6
    figure = Figure(
        figsize=(COLUMNS * INCHES_PER_COLUMN, rows * INCHES_PER_ROW + 0.5), layout="constrained"
    )
    grid: Any = figure.add_gridspec(rows, COLUMNS)
    figure.suptitle(f"{board.title}: {recording.title}", fontsize=12, fontweight="bold")
    for cell in cells:
        row = cell.y // 6
        axes = figure.add_subplot(grid[row, cell.x : cell.x + cell.widget.width])
        _widget(axes, cell, recording)
    figure.savefig(path, dpi=80, metadata={FINGERPRINT: fingerprint, "Software": None})


def budget_svg(title: str, days: Sequence[datetime], consumed: Sequence[float]) -> str:
    """A month's budget as it is used up, as an SVG for a page."""
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
    drawn: dict[str, Series] = {}
    for line in graph.lines:
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
            drawn[" ".join(part for part in (line.label, label) if part and several)
                  or line.label] = values  # fmt: skip # one subscript
    _lines(axes, graph, drawn, recording)
    if graph.limit is not None:
        axes.axhline(graph.limit, color=LIMIT, linewidth=1, linestyle="--")
    axes.set_ylabel(graph.unit)
    axes.set_ylim(bottom=0)
    _dates(axes, "%H:%M")


def _lines(axes: Axes, graph: Graph, drawn: Mapping[str, Series], recording: Recording) -> None:
    if not drawn:
        axes.text(0.5, 0.5, "no data", ha="center", va="center", transform=axes.transAxes)
        return
    times = np.asarray(recording.times)
    if graph.stacked:
        stacked = [np.nan_to_num(values) for values in drawn.values()]
        axes.stackplot(times, *stacked, labels=list(drawn), colors=COLORS)
    else:
        for number, (label, values) in enumerate(drawn.items()):
            color = COLORS[number % len(COLORS)]
            axes.plot(times, values, label=label, color=color, linewidth=1)
    axes.legend(loc="upper left", fontsize=7, frameon=False)


def _log(axes: Axes, table: LogTable, recording: Recording) -> None:
    axes.axis("off")
    rows = recording.rows(table.title)
    if not rows:
        axes.text(0.5, 0.5, "no rows", ha="center", va="center", transform=axes.transAxes)
        return
    # A dollar would begin a formula.
    texts = [[str(row.get(column, "")) for column in table.columns] for row in rows]
    cells = [[text.replace("$", r"\$") for text in row] for row in texts]
    drawn = axes.table(cells, colLabels=list(table.columns), loc="upper left", cellLoc="left")
    drawn.auto_set_font_size(value=False)
    drawn.set_fontsize(7)


def _dates(axes: Axes, form: str) -> None:
    axis: Any = axes.xaxis
    axis.set_major_formatter(dates.DateFormatter(form))
    axes.grid(visible=True, alpha=0.3)
