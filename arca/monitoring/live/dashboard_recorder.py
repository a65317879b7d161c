"""Record the metrics of a dashboard from CloudWatch."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from arca.clients import client, explained
from arca.monitoring.alarm import Reading
from arca.monitoring.catalogue import CATALOGUE, is_bound
from arca.monitoring.dashboard import Dashboard
from arca.monitoring.live.objectives import bindings
from arca.monitoring.recording import Recording, RecordingFile, reading_key
from arca.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef


def record_dashboard(
    stack: Stack, board: Dashboard, *, since: timedelta, now: datetime, period_seconds: int
) -> Recording:
    """Read every series of a dashboard over the time `since` before `now`.

    A series without data is left out. Raises ArcaError where CloudWatch cannot be read.
    """
    step = timedelta(seconds=period_seconds)
    start = datetime.fromtimestamp(
        (now - since).timestamp() // period_seconds * period_seconds, tz=now.tzinfo
    )
    length = max(1, int((now - start) / step))
    series: dict[str, list[float | None]] = {}
    with explained(stack, "The dashboard cannot be recorded"):
        for region, queries in _by_region(stack, board, period_seconds).items():
            cloudwatch = client(stack, "cloudwatch", region=region)
            for key, query in queries.items():
                values = _read(cloudwatch, query, start, start + length * step)
                if values:
                    moments = [start + number * step for number in range(length)]
                    series[key] = [values.get(moment) for moment in moments]
    title = f"{stack.where}, from {start:%Y-%m-%d %H:%M} UTC"
    return Recording(
        RecordingFile(title=title, start=start, period_seconds=period_seconds, series=series)
    )


def _by_region(
    stack: Stack, board: Dashboard, period_seconds: int
) -> "Mapping[str, dict[str, MetricDataQueryTypeDef]]":
    """Return the queries of all readings, by the region of their metric."""
    bind = bindings(stack)
    found: dict[str, dict[str, MetricDataQueryTypeDef]] = {}
    for reading in board.readings():
        if not is_bound(reading.metric, bind):
            continue
        metric = CATALOGUE[reading.metric]
        home = found.setdefault(metric.region or stack.outputs.region, {})
        for suffix, dimensions in _instances(stack, reading).items():
            home[reading_key(reading) + suffix] = {
                "Id": "m",
                "MetricStat": {
                    "Metric": {
                        "Namespace": metric.namespace,
                        "MetricName": metric.name,
                        "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
                    },
                    "Period": period_seconds,
                    "Stat": reading.stat,
                },
            }
    return found


def _instances(stack: Stack, reading: Reading) -> Mapping[str, dict[str, str]]:
    """Return the dimensions of each series of a reading: of each cache node, or of each route."""
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
    """Return the series of CloudWatch that have the known dimensions and any value of `splits`."""
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
    cloudwatch: "CloudWatchClient", query: "MetricDataQueryTypeDef", start: datetime, end: datetime
) -> dict[datetime, float]:
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[query], StartTime=start, EndTime=end, ScanBy="TimestampAscending"
    )
    values: dict[datetime, float] = {}
    for result in answer["MetricDataResults"]:
        values |= dict(zip(result["Timestamps"], result["Values"], strict=True))
    return values
