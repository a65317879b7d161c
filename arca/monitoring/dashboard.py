"""A dashboard as plain data, its layout, and CloudWatch's JSON of it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from arca.monitoring.alarm import Reading
from arca.monitoring.catalogue import CATALOGUE, Binding, is_bound

DimensionValue = TypeVar("DimensionValue")
GRID_COLUMNS = 24
"""Columns of CloudWatch's grid. Source: Amazon CloudWatch User Guide, "Dashboard body structure
and syntax"."""
WIDGET_ROWS = 6
"""Rows of the grid that a widget takes."""
GRAPH_PERIOD = 60
"""Seconds that one point of a graph sums up."""


@dataclass(frozen=True)
class Line:
    """One line of a graph: a reading, or an expression over several."""

    label: str
    readings: Mapping[str, Reading]
    expression: str = ""
    right: bool = False
    """True for the right axis: the line has another unit or magnitude."""


@dataclass(frozen=True)
class Graph:
    """Lines over time."""

    title: str
    lines: tuple[Line, ...]
    width: int = 8
    unit: str = ""
    right_unit: str = ""
    limit: float | None = None
    """The value of a horizontal line that the graph should stay below or above."""
    stacked: bool = False


@dataclass(frozen=True)
class LogTable:
    """Rows of a Logs Insights query over the service's log."""

    title: str
    query: str
    columns: tuple[str, ...]
    width: int = 24


Widget = Graph | LogTable


@dataclass(frozen=True)
class Dashboard:
    """A dashboard."""

    name: str
    title: str
    widgets: tuple[Widget, ...]

    def metrics(self) -> set[str]:
        """Return the ids of all metrics that the dashboard shows."""
        return {reading.metric for reading in self.readings()}

    def readings(self) -> Iterator[Reading]:
        """Yield every reading of every graph."""
        for widget in self.widgets:
            if isinstance(widget, Graph):
                for line in widget.lines:
                    yield from line.readings.values()


@dataclass(frozen=True)
class Cell:
    """A widget and its place on the grid."""

    widget: Widget
    x: int
    y: int


def layout(board: Dashboard) -> Iterator[Cell]:
    """Yield the widgets with their places, from left to right and row by row."""
    x = y = 0
    for widget in board.widgets:
        if x + widget.width > GRID_COLUMNS:
            x, y = 0, y + WIDGET_ROWS
        yield Cell(widget, x, y)
        x += widget.width


def metric_line(label: str, metric: str, stat: str = "", *, right: bool = False) -> Line:
    """Return a line of one metric, read by its own statistic unless another is given."""
    return Line(label, {"m": Reading(metric, stat or CATALOGUE[metric].stat)}, right=right)


def share_line(label: str, part: str, whole: str) -> Line:
    """Return a line that shows a share of two counts in percent."""
    readings = {"part": Reading(part, "Sum"), "whole": Reading(whole, "Sum")}
    return Line(label, readings, "100 * FILL(part, 0) / whole")


def dashboard_body(
    board: Dashboard,
    bindings: Mapping[Binding, Sequence[DimensionValue]],
    *,
    region: str,
    logged: Callable[[str], DimensionValue],
) -> dict[str, Any]:
    """Return the body for PutDashboard; `bindings` give the metrics' dimensions their values.

    `logged` completes a query with the log group that it reads.
    A line whose metric the stack lacks is left out.
    """
    return {
        "start": "-PT3H",
        "periodOverride": "auto",
        "widgets": [
            {
                "type": "metric" if isinstance(cell.widget, Graph) else "log",
                "x": cell.x,
                "y": cell.y,
                "width": cell.widget.width,
                "height": WIDGET_ROWS,
                "properties": _graph(cell.widget, bindings, region)
                if isinstance(cell.widget, Graph)
                else _log(cell.widget, region, logged(cell.widget.query)),
            }
            for cell in layout(board)
        ],
    }


def _graph(
    graph: Graph, bindings: Mapping[Binding, Sequence[DimensionValue]], region: str
) -> dict[str, Any]:
    metrics: list[list[Any]] = []
    for number, one in enumerate(graph.lines):
        if all(is_bound(reading.metric, bindings) for reading in one.readings.values()):
            metrics += _line(one, f"l{number}", bindings)
    limits = [{"value": graph.limit, "label": "limit"}] if graph.limit is not None else []
    axes = {"left": {"min": 0, "label": graph.unit, "showUnits": False}}
    if any(one.right for one in graph.lines):
        axes["right"] = {"min": 0, "label": graph.right_unit, "showUnits": False}
    return {
        "title": graph.title,
        "view": "timeSeries",
        "stacked": graph.stacked,
        "region": region,
        "period": GRAPH_PERIOD,
        "metrics": metrics,
        "yAxis": axes,
        "annotations": {"horizontal": limits},
    }


def _log(table: LogTable, region: str, query: object) -> dict[str, Any]:
    return {
        "title": table.title,
        "view": "table",
        "region": region,
        "query": query,
    }


def _line(
    one: Line, prefix: str, bindings: Mapping[Binding, Sequence[DimensionValue]]
) -> Iterator[list[Any]]:
    first = next(iter(one.readings.values()))
    open_splits = [s for s in CATALOGUE[first.metric].splits if s not in first.fixed]
    if open_splits:
        yield [{"expression": _search(first, bindings), "id": prefix, "label": ""}]
        return
    if not one.expression:
        rows = list(_metric(first, bindings))
        for number, row in enumerate(rows):
            label = one.label if len(rows) == 1 else f"{one.label} {number + 1}"
            elsewhere = CATALOGUE[first.metric].region
            shown = {"stat": first.stat, "label": label}
            side = {"yAxis": "right"} if one.right else {}
            yield [*row, {**shown, **side, **({"region": elsewhere} if elsewhere else {})}]
        return
    expression = one.expression
    for key, reading in one.readings.items():
        hidden = {"stat": reading.stat, "id": f"{prefix}{key}", "visible": False}
        yield [*next(_metric(reading, bindings)), hidden]
        expression = _rename(expression, key, f"{prefix}{key}")
    yield [{"expression": expression, "label": one.label, "id": prefix}]


def _metric(
    reading: Reading, bindings: Mapping[Binding, Sequence[DimensionValue]]
) -> Iterator[list[Any]]:
    metric = CATALOGUE[reading.metric]
    number = max((len(bindings[name]) for name in metric.dimensions.values()), default=1)
    for position in range(number):
        dimensions: list[Any] = []
        for dimension, name in metric.dimensions.items():
            dimensions += [dimension, bindings[name][min(position, len(bindings[name]) - 1)]]
        for dimension, value in reading.fixed.items():
            dimensions += [dimension, value]
        yield [metric.namespace, metric.name, *dimensions]


def _search(reading: Reading, bindings: Mapping[Binding, Sequence[object]]) -> Any:
    metric = CATALOGUE[reading.metric]
    schema = ",".join([metric.namespace, *metric.dimensions, *metric.splits])
    known = " ".join(
        f'{name}="{bindings[binding][0]}"' for name, binding in metric.dimensions.items()
    )
    fixed = " ".join(f'{name}="{value}"' for name, value in reading.fixed.items())
    terms = " ".join(term for term in (f'MetricName="{metric.name}"', known, fixed) if term)
    return f"SEARCH('{{{schema}}} {terms}', '{reading.stat}', {GRAPH_PERIOD})"


def _rename(expression: str, old: str, new: str) -> str:
    return re.sub(rf"\b{old}\b", new, expression)
