"""What CloudWatch refuses in the body of a dashboard, or shows as a broken widget."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from arca.emulator.judges.refusals.definition import Fault, MadeCall, Refusal

PROPERTIES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "metric": (
        frozenset({"region"}),
        frozenset(
            [
                "accountId",
                "annotations",
                "labels",
                "legend",
                "liveData",
                "metrics",
                "period",
                "sparkline",
                "stacked",
                "stat",
                "table",
                "timezone",
                "title",
                "trend",
                "view",
                "yAxis",
                "gauge",
                "setPeriodToTimeRange",
                "singleValueFullPrecision",
            ]
        ),
    ),
    "log": (
        frozenset({"query", "region"}),
        frozenset(["accountId", "queryLanguage", "stacked", "title", "view"]),
    ),
    "text": (frozenset({"markdown"}), frozenset({"background"})),
    "alarm": (frozenset({"alarms"}), frozenset({"sortBy", "states", "title"})),
}
"""The required and the other properties of each type of widget that this program may use."""
TOP = {"widgets", "start", "end", "periodOverride", "variables"}
MOST_WIDGETS, MOST_METRICS = 500, 500


def _body(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    try:
        body: dict[str, Any] = json.loads(call.params["DashboardBody"])
    except ValueError as error:
        yield Fault("DashboardBody", f"no JSON: {error}")
        return
    yield from (Fault(key, "no part of a dashboard") for key in sorted(set(body) - TOP))
    widgets: list[dict[str, Any]] = body.get("widgets", [])
    if len(widgets) > MOST_WIDGETS:
        yield Fault("widgets", f"{len(widgets)} of {MOST_WIDGETS}")
    for number, widget in enumerate(widgets):
        yield from _widget(widget, f"widgets[{number}]")


def _widget(widget: Mapping[str, Any], path: str) -> Iterator[Fault]:
    kind, properties = str(widget.get("type")), widget.get("properties", {})
    if kind not in PROPERTIES:
        yield Fault(f"{path}.type", f"{kind}; {', '.join(PROPERTIES)}")
        return
    if widget.get("x", 0) + widget.get("width", 6) > 24:
        yield Fault(f"{path}.width", "it goes beyond the 24 columns")
    if not 1 <= widget.get("height", 6) <= 1000:
        yield Fault(f"{path}.height", f"{widget['height']}; 1 to 1000")
    required, others = PROPERTIES[kind]
    for key in sorted(required - set(properties)):
        yield Fault(f"{path}.properties.{key}", "required")
    for key in sorted(set(properties) - required - others):
        yield Fault(f"{path}.properties.{key}", f"no property of a {kind} widget")
    if kind == "log" and not str(properties.get("query", "")).startswith("SOURCE "):
        yield Fault(f"{path}.properties.query", "a query names its log groups: SOURCE 'name' |")
    metrics = properties.get("metrics", [])
    if kind == "metric" and not metrics and "annotations" not in properties:
        yield Fault(f"{path}.properties.metrics", "required without annotations")
    if len(metrics) > MOST_METRICS:
        yield Fault(f"{path}.properties.metrics", f"{len(metrics)} of {MOST_METRICS}")
    yield from (
        Fault(f"{path}.properties.metrics", f"{one}; a namespace, a name and pairs of dimensions")
        for one in metrics
        if len([text for text in one if isinstance(text, str)]) % 2
    )


REFUSALS = (
    Refusal(
        "body of a dashboard",
        ("cloudwatch.put_dashboard",),
        "InvalidParameterInput",
        "Amazon CloudWatch API Reference, Dashboard Body Structure and Syntax",
        _body,
    ),
)
