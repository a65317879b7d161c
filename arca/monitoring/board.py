"""Dashboards as plain data, and CloudWatch's JSON of them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from arca.monitoring.catalogue import CATALOGUE
from arca.monitoring.metric import Binding
from arca.monitoring.slo.cloudwatch import Reading

Text = TypeVar("Text")
COLUMNS = 24
"""Of CloudWatch's grid (Amazon CloudWatch User Guide, "Dashboard body structure and syntax")."""
HEIGHT = 6
PERIOD = 60
"""Seconds that a point of a graph sums up."""


@dataclass(frozen=True)
class Line:
    """One line of a graph: a reading, or an expression over several."""

    label: str
    readings: Mapping[str, Reading]
    expression: str = ""
    right: bool = False
    """Read on the axis at the right, for it is of another unit or magnitude."""


@dataclass(frozen=True)
class Graph:
    """Lines over time."""

    title: str
    lines: tuple[Line, ...]
    width: int = 8
    unit: str = ""
    right_unit: str = ""
    limit: float | None = None
    """A horizontal line: what it should not pass."""
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
class Board:
    """A dashboard."""

    name: str
    title: str
    widgets: tuple[Widget, ...]

    def metrics(self) -> set[str]:
        """Ids of all metrics that it shows."""
        return {
            reading.metric
            for widget in self.widgets
            if isinstance(widget, Graph)
            for line in widget.lines
            for reading in line.readings.values()
        }


@dataclass(frozen=True)
class Cell:
    """Where a widget stands on the grid."""

    widget: Widget
    x: int
    y: int


def layout(board: Board) -> Iterator[Cell]:
    """Place the widgets from left to right, row by row."""
    x = y = 0
    for widget in board.widgets:
        if x + widget.width > COLUMNS:
            x, y = 0, y + HEIGHT
        yield Cell(widget, x, y)
        x += widget.width


def line(label: str, metric: str, stat: str = "", *, right: bool = False) -> Line:
    """A line of one metric."""
    return Line(label, {"m": Reading(metric, stat or CATALOGUE[metric].stat)}, right=right)


def ratio(label: str, part: str, whole: str) -> Line:
    """A line that shows a share in percent."""
    readings = {"part": Reading(part, "Sum"), "whole": Reading(whole, "Sum")}
    return Line(label, readings, "100 * FILL(part, 0) / whole")


def bound(reading: Reading, bind: Mapping[Binding, Sequence[object]]) -> bool:
    """Whether a stack has what the reading is about: one without a probe has no canary."""
    return all(bind[name] for name in CATALOGUE[reading.metric].dimensions.values())


def body(
    board: Board, bind: Mapping[Binding, Sequence[Text]], *, region: str, log_group: Text
) -> dict[str, Any]:
    """The dashboard's body, with what `bind` gives for each dimension of the catalogue."""
    return {
        "start": "-PT3H",
        "periodOverride": "auto",
        "widgets": [
            {
                "type": "metric" if isinstance(cell.widget, Graph) else "log",
                "x": cell.x,
                "y": cell.y,
                "width": cell.widget.width,
                "height": HEIGHT,
                "properties": _graph(cell.widget, bind, region)
                if isinstance(cell.widget, Graph)
                else _log(cell.widget, region, log_group),
            }
            for cell in layout(board)
        ],
    }


def _graph(graph: Graph, bind: Mapping[Binding, Sequence[Text]], region: str) -> dict[str, Any]:
    metrics: list[list[Any]] = []
    for number, one in enumerate(graph.lines):
        if all(bound(reading, bind) for reading in one.readings.values()):
            metrics += _line(one, f"l{number}", bind)
    limits = [{"value": graph.limit, "label": "limit"}] if graph.limit is not None else []
    axes = {"left": {"min": 0, "label": graph.unit, "showUnits": False}}
    if any(one.right for one in graph.lines):
        axes["right"] = {"min": 0, "label": graph.right_unit, "showUnits": False}
    return {
        "title": graph.title,
        "view": "timeSeries",
        "stacked": graph.stacked,
        "region": region,
        "period": PERIOD,
        "metrics": metrics,
        "yAxis": axes,
        "annotations": {"horizontal": limits},
    }


def _log(table: LogTable, region: str, log_group: object) -> dict[str, Any]:
    return {
        "title": table.title,
        "view": "table",
        "region": region,
        "query": table.query,
        "logGroupNames": [log_group],
    }


def _line(one: Line, prefix: str, bind: Mapping[Binding, Sequence[Text]]) -> Iterator[list[Any]]:
    first = next(iter(one.readings.values()))
    open_splits = [s for s in CATALOGUE[first.metric].splits if s not in first.fixed]
    if open_splits:
        yield [{"expression": _search(first, bind), "id": prefix, "label": ""}]
        return
    if not one.expression:
        rows = list(_metric(first, bind))
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
        yield [*next(_metric(reading, bind)), hidden]
        expression = _rename(expression, key, f"{prefix}{key}")
    yield [{"expression": expression, "label": one.label, "id": prefix}]


def _metric(reading: Reading, bind: Mapping[Binding, Sequence[Text]]) -> Iterator[list[Any]]:
    metric = CATALOGUE[reading.metric]
    number = max((len(bind[name]) for name in metric.dimensions.values()), default=1)
    for position in range(number):
        dimensions: list[Any] = []
        for dimension, name in metric.dimensions.items():
            dimensions += [dimension, bind[name][min(position, len(bind[name]) - 1)]]
        for dimension, value in reading.fixed.items():
            dimensions += [dimension, value]
        yield [metric.namespace, metric.name, *dimensions]


def _search(reading: Reading, bind: Mapping[Binding, Sequence[object]]) -> Any:
    metric = CATALOGUE[reading.metric]
    schema = ",".join([metric.namespace, *metric.dimensions, *metric.splits])
    known = " ".join(f'{name}="{bind[b][0]}"' for name, b in metric.dimensions.items())
    fixed = " ".join(f'{name}="{value}"' for name, value in reading.fixed.items())
    terms = " ".join(term for term in (f'MetricName="{metric.name}"', known, fixed) if term)
    return f"SEARCH('{{{schema}}} {terms}', '{reading.stat}', {PERIOD})"


def _rename(expression: str, old: str, new: str) -> str:
    return re.sub(rf"\b{old}\b", new, expression)
