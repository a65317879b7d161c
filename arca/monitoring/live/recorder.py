"""Record what a dashboard shows from CloudWatch."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from arca.clients import client, explained
from arca.monitoring.board import Board, Graph, bound
from arca.monitoring.catalogue import CATALOGUE
from arca.monitoring.live.objectives import bindings
from arca.monitoring.recording import File, Recording, key_of
from arca.monitoring.slo.cloudwatch import Reading
from arca.stack import Stack

QUERIES_A_CALL = 500
"""CloudWatch API reference, GetMetricData."""


def record(
    stack: Stack, board: Board, *, since: timedelta, now: datetime, period_seconds: int
) -> Recording:
    """Read every series of a dashboard; those that CloudWatch has not are left out."""
    step = timedelta(seconds=period_seconds)
    start = datetime.fromtimestamp(
        (now - since).timestamp() // period_seconds * period_seconds, tz=now.tzinfo
    )
    length = max(1, int((now - start) / step))
    series: dict[str, list[float | None]] = {}
    with explained(stack, "The dashboard cannot be recorded"):
        for region, queries in _by_region(stack, board).items():
            cloudwatch = client(stack, "cloudwatch", region=region)
            for key, query in queries.items():
                query["MetricStat"]["Period"] = period_seconds
                values = _read(cloudwatch, query, start, start + length * step)
                if values:
                    moments = [start + number * step for number in range(length)]
                    series[key] = [values.get(moment) for moment in moments]
    title = f"{stack.where}, from {start:%Y-%m-%d %H:%M} UTC"
    return Recording(File(title=title, start=start, period_seconds=period_seconds, series=series))


def _by_region(stack: Stack, board: Board) -> Mapping[str, dict[str, dict[str, Any]]]:
    """The queries of all readings, by the region where their metric stands."""
    bind = bindings(stack)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    readings = [
        reading
        for widget in board.widgets
        if isinstance(widget, Graph)
        for line in widget.lines
        for reading in line.readings.values()
        if bound(reading, bind)
    ]
    for reading in readings:
        metric = CATALOGUE[reading.metric]
        home = found.setdefault(metric.region or stack.outputs.region, {})
        for suffix, dimensions in _instances(stack, reading).items():
            home[key_of(reading) + suffix] = {
                "Id": "m",
                "MetricStat": {
                    "Metric": {
                        "Namespace": metric.namespace,
                        "MetricName": metric.name,
                        "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
                    },
                    "Stat": reading.stat,
                },
            }
    return found


def _instances(stack: Stack, reading: Reading) -> Mapping[str, dict[str, str]]:
    """The dimensions of each series of a reading: several nodes, or routes that are found."""
    metric, bind = CATALOGUE[reading.metric], bindings(stack)
    number = max((len(bind[name]) for name in metric.dimensions.values()), default=1)
    several: dict[str, dict[str, str]] = {}
    for position in range(number):
        dimensions = {
            dimension: bind[name][min(position, len(bind[name]) - 1)]
            for dimension, name in metric.dimensions.items()
        }
        several[f"/{position + 1}" if number > 1 else ""] = dimensions | dict(reading.fixed)
    open_splits = [split for split in metric.splits if split not in reading.fixed]
    if not open_splits:
        return several
    return _found(stack, reading, several[""], open_splits)


def _found(
    stack: Stack, reading: Reading, known: dict[str, str], splits: list[str]
) -> Mapping[str, dict[str, str]]:
    """The values of open dimensions that CloudWatch knows of."""
    metric = CATALOGUE[reading.metric]
    pages = (
        client(stack, "cloudwatch")
        .get_paginator("list_metrics")
        .paginate(Namespace=metric.namespace, MetricName=metric.name)
    )
    found: dict[str, dict[str, str]] = {}
    for page in pages:
        for item in page["Metrics"]:
            dimensions = {d["Name"]: d["Value"] for d in item["Dimensions"]}
            if set(dimensions) == {*known, *splits} and known.items() <= dimensions.items():
                label = " ".join(dimensions[split] for split in splits)
                found[f"/{label}"] = dimensions
    return found


def _read(
    cloudwatch: Any, query: Mapping[str, Any], start: datetime, end: datetime
) -> dict[datetime, float]:
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[query], StartTime=start, EndTime=end, ScanBy="TimestampAscending"
    )
    values: dict[datetime, float] = {}
    for result in answer["MetricDataResults"]:
        values |= dict(zip(result["Timestamps"], result["Values"], strict=True))
    return values
