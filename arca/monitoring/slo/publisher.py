"""The publisher of the error budgets: computes, once an hour, their use and their burn rates.

AWS Lambda runs this file, with the files that components/observability/publisher.py names beside
it and with the `objectives.json` that the stack writes at the root of the archive. It computes
what no alarm can: budgets of 30 days and of a year, and burn rates over more than a day.

CloudWatch keeps minutes for 15 days and hours for 455 (CloudWatch API reference, GetMetricData).
So bad slices are counted hour by hour and kept as a metric of their own. Every value is put with
the time of its hour and read as a maximum: a repeated run changes nothing, and a later run makes up
for a missed one.
"""

import json
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import boto3

from arca.monitoring.slo import budget
from arca.monitoring.slo.duration import DAY, HOUR

WINDOWS = {"30d": budget.BUDGET_DAYS * DAY, "365d": budget.YEAR_DAYS * DAY}
"""Seconds of the windows whose budgets are published."""
RECOUNTED_HOURS = 24
"""Hours whose slices each run counts again, to make up for missed runs."""
GOOD_SLICE: Mapping[str, Callable[[float, float], bool]] = {
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
}
VALUES_A_CALL = 500
"""Half of what one PutMetricData takes (CloudWatch API reference)."""

HourlyValues = dict[datetime, float]
"""A value for each hour, by its beginning; for each day where it is older than a month."""


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Publish the budgets; the entry point that Lambda calls."""
    del event, context
    stack = json.loads((Path(__file__).parents[3] / "objectives.json").read_text("utf-8"))
    make = cast("Callable[..., Any]", boto3.client)
    published = publish(make("cloudwatch"), stack, now=datetime.now(UTC))
    return {"published": published}


def publish(cloudwatch: Any, stack: Mapping[str, Any], *, now: datetime) -> list[dict[str, Any]]:
    """Compute and put every value; return what was put.

    `stack` is the content of objectives.json, `cloudwatch` a boto3 client. Raises what CloudWatch
    refuses; the schedule tries again.
    """
    data = _all(cloudwatch, stack, now)
    for start in range(0, len(data), VALUES_A_CALL):
        cloudwatch.put_metric_data(
            Namespace=stack["namespace"], MetricData=data[start : start + VALUES_A_CALL]
        )
    return _shown(data)


def compute(cloudwatch: Any, stack: Mapping[str, Any], *, now: datetime) -> list[dict[str, Any]]:
    """Return what `publish` would put."""
    return _shown(_all(cloudwatch, stack, now))


def _all(cloudwatch: Any, stack: Mapping[str, Any], now: datetime) -> list[dict[str, Any]]:
    return [datum for one in stack["objectives"] for datum in measure(cloudwatch, stack, one, now)]


def _shown(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "metric": datum["MetricName"],
            "value": datum["Value"],
            **{d["Name"]: d["Value"] for d in datum["Dimensions"]},
        }
        for datum in data
    ]


def measure(
    cloudwatch: Any, stack: Mapping[str, Any], objective: Mapping[str, Any], now: datetime
) -> list[dict[str, Any]]:
    """Return every value of an objective, as PutMetricData takes it."""
    end = now.replace(minute=0, second=0, microsecond=0)
    bad, total, counted = history(cloudwatch, stack, objective, end)
    data = list(counted)
    own = {"Stage": stack["stage"], "SLO": objective["name"]}
    for name, window, value in _values(objective, bad, total, end):
        unit = "Percent" if name == "ErrorBudgetConsumed" else "None"
        data.append(_datum(name, {**own, "Window": window}, value, unit, now))
    return data


def history(
    cloudwatch: Any,
    stack: Mapping[str, Any],
    objective: Mapping[str, Any],
    end: datetime,
    *,
    hourly_days: int = budget.BUDGET_DAYS,
) -> tuple[HourlyValues, HourlyValues | None, list[dict[str, Any]]]:
    """Return the bad and all events of the year before `end`, a full hour.

    Events come by the hour for `hourly_days`, and by the day before that. Of slices, which are
    spread evenly, None stands for all. The third value holds the data of the recounted slices.
    """
    if "slice" in objective:
        bad, counted = _slices(cloudwatch, stack, objective, end)
        return bad, None, counted
    return *_events(cloudwatch, objective["events"], end, hourly_days), []


def _values(
    objective: Mapping[str, Any], bad: HourlyValues, total: HourlyValues | None, end: datetime
) -> Iterator[tuple[str, str, float]]:
    """Yield the name, window and value of each budget and burn rate of an objective.

    Slices are spread evenly: a window has as many as fit into it, known or not.
    """
    target, least = objective["target"], objective["least_bad"]
    age = (end - min(total)).total_seconds() if total else 0.0

    def share(seconds: int) -> tuple[float, float]:
        since = end - timedelta(seconds=seconds)
        of_all = (
            seconds / objective["slice"]["seconds"]
            if total is None
            else sum(value for hour, value in total.items() if hour >= since)
        )
        return sum(value for hour, value in bad.items() if hour >= since), of_all

    for window, seconds in WINDOWS.items():
        elapsed = 1.0 if total is None else age / seconds
        yield (
            "ErrorBudgetConsumed",
            window,
            budget.consumed(*share(seconds), target, elapsed=elapsed, least_bad=least),
        )
    for window, seconds in {"1h": HOUR, **objective["burn_windows"]}.items():
        yield "BurnRate", window, budget.burn_rate(*share(seconds), target, least_bad=least)


def _events(
    cloudwatch: Any, events: Mapping[str, Any], end: datetime, hourly_days: int
) -> tuple[HourlyValues, HourlyValues]:
    """Return the bad and all events of the last days by the hour, and of the year by the day.

    Each is the sum of its metrics; `read` keeps those that both sums hold.
    """
    recent = (end - timedelta(days=hourly_days)).replace(hour=0)
    spans = (
        (DAY, (recent - timedelta(days=budget.YEAR_DAYS - hourly_days), recent)),
        (HOUR, (recent, end)),
    )

    known: dict[str, HourlyValues] = {}

    def read(part: str) -> HourlyValues:
        found: HourlyValues = {}
        for metric in events[part]:
            key = json.dumps(metric, sort_keys=True)
            if key not in known:
                known[key] = {}
                for period, span in spans:
                    known[key] |= _read(cloudwatch, metric, "Sum", period, span)
            for moment, value in known[key].items():
                found[moment] = found.get(moment, 0.0) + value
        return found

    total = read("total")
    if "bad" in events:
        return read("bad"), total
    good = read("good")
    return {hour: value - good.get(hour, 0.0) for hour, value in total.items()}, total


def _slices(
    cloudwatch: Any, stack: Mapping[str, Any], objective: Mapping[str, Any], end: datetime
) -> tuple[HourlyValues, list[dict[str, Any]]]:
    """Return the bad slices of each hour of a year, and the data of the recounted hours."""
    spec = objective["slice"]
    own = {"Stage": stack["stage"], "SLO": objective["name"]}
    kept = {"namespace": stack["namespace"], "name": "BadSlices", "dimensions": own}
    since = end - timedelta(seconds=WINDOWS["365d"])
    bad = _read(cloudwatch, kept, "Maximum", HOUR, (since, end))
    recount = (end - timedelta(hours=RECOUNTED_HOURS), end)
    metric = spec["metric"]
    read = _read(cloudwatch, metric, metric["stat"], spec["seconds"], recount)
    counted: HourlyValues = {}
    for moment, value in read.items():
        hour = moment.replace(minute=0)
        failed = not GOOD_SLICE[spec["op"]](value, spec["value"])
        counted[hour] = counted.get(hour, 0.0) + failed
    bad |= counted
    return bad, [_datum("BadSlices", own, value, "Count", hour) for hour, value in counted.items()]


def _read(
    cloudwatch: Any,
    metric: Mapping[str, Any],
    stat: str,
    period: int,
    span: tuple[datetime, datetime],
) -> HourlyValues:
    """Return a metric's values by the beginning of their periods."""
    query = {
        "Id": "m",
        "MetricStat": {
            "Metric": {
                "Namespace": metric["namespace"],
                "MetricName": metric["name"],
                "Dimensions": _pairs(metric["dimensions"]),
            },
            "Period": period,
            "Stat": stat,
        },
    }
    found: HourlyValues = {}
    start, end = span
    request: dict[str, Any] = {"MetricDataQueries": [query], "StartTime": start, "EndTime": end}
    while True:
        answer = cloudwatch.get_metric_data(**request)
        for result in answer["MetricDataResults"]:
            found |= dict(zip(result["Timestamps"], result["Values"], strict=True))
        if not answer.get("NextToken"):
            return found
        request["NextToken"] = answer["NextToken"]


def _datum(
    name: str, dimensions: Mapping[str, str], value: float, unit: str, moment: datetime
) -> dict[str, Any]:
    return {
        "MetricName": name,
        "Dimensions": _pairs(dimensions),
        "Timestamp": moment,
        "Value": value,
        "Unit": unit,
    }


def _pairs(dimensions: Mapping[str, str]) -> Sequence[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]
