"""A maintenance window: a metric that is 1 for its minutes, and an alarm that sees them.

CloudWatch takes values up to two hours ahead (CloudWatch API reference, PutMetricData), so a
window is put whole when it begins and needs nobody to end it. Minutes are read by their minimum:
a later 0 ends what an earlier 1 began.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from arca.clients import client, explained
from arca.errors import ArcaError
from arca.monitoring.catalogue import CATALOGUE
from arca.stack import Stack

MOST = timedelta(minutes=110)
METRIC = CATALOGUE["slo.maintenance"]
BATCH = 500


@dataclass(frozen=True)
class Window:
    """From when until when, and why."""

    begin: datetime
    end: datetime
    reason: str

    @classmethod
    def plan(cls, length: timedelta, reason: str, *, now: datetime) -> Self:
        """A window from this minute on; raises ArcaError where it is too long or says nothing."""
        if length > MOST or not reason.strip():
            raise ArcaError(
                f"A window of {length} for {reason!r} is not opened.",
                where="arca maintenance start",
                wanted=f"{MOST} at most, and a reason",
                do="open a shorter one, and another when it ends",
            )
        begin = now.replace(second=0, microsecond=0)
        return cls(begin, begin + length, reason.strip())

    def as_json(self) -> dict[str, str]:
        """For programs."""
        return {
            "begin": self.begin.isoformat(),
            "end": self.end.isoformat(),
            "reason": self.reason,
        }


def open_window(stack: Stack, window: Window) -> None:
    """Put the window's minutes, and keep its reason where `status` finds it."""
    with explained(stack, "The window cannot be opened"):
        client(stack, "ssm").put_parameter(
            Name=_reason_name(stack), Value=window.reason, Type="String", Overwrite=True
        )
        _put(stack, list(_minutes(window.begin, window.end)), 1)


def close_window(stack: Stack, *, until: datetime, now: datetime) -> None:
    """End what is left of a window."""
    with explained(stack, "The window cannot be ended"):
        _put(stack, list(_minutes(now.replace(second=0, microsecond=0), until)), 0)


def open_until(stack: Stack, *, now: datetime) -> datetime | None:
    """When the window that is open now ends; None where none is."""
    minute = now.replace(second=0, microsecond=0)
    query = {
        "Id": "m",
        "MetricStat": {
            "Metric": {
                "Namespace": METRIC.namespace,
                "MetricName": METRIC.name,
                "Dimensions": _dimensions(stack),
            },
            "Period": 60,
            "Stat": "Minimum",
        },
    }
    with explained(stack, "The window cannot be read"):
        answer = client(stack, "cloudwatch").get_metric_data(
            MetricDataQueries=[query], StartTime=minute, EndTime=minute + MOST + MOST
        )
    values: dict[datetime, float] = {}
    for result in answer["MetricDataResults"]:
        values |= dict(zip(result["Timestamps"], result["Values"], strict=True))
    end = minute
    while values.get(end, 0) >= 1:
        end += timedelta(minutes=1)
    return end if end > minute else None


def reason(stack: Stack) -> str:
    """Why the last window was opened."""
    ssm = client(stack, "ssm")
    with explained(stack, "The reason cannot be read"):
        try:
            return str(ssm.get_parameter(Name=_reason_name(stack))["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound:
            return "unknown"


def _put(stack: Stack, minutes: list[datetime], value: int) -> None:
    cloudwatch = client(stack, "cloudwatch")
    for start in range(0, len(minutes), BATCH):
        cloudwatch.put_metric_data(
            Namespace=METRIC.namespace,
            MetricData=[
                {
                    "MetricName": METRIC.name,
                    "Dimensions": _dimensions(stack),
                    "Timestamp": minute,
                    "Value": value,
                }
                for minute in minutes[start : start + BATCH]
            ],
        )


def _minutes(begin: datetime, end: datetime) -> Iterator[datetime]:
    while begin < end:
        yield begin
        begin += timedelta(minutes=1)


def _dimensions(stack: Stack) -> list[dict[str, Any]]:
    return [{"Name": "Stage", "Value": stack.outputs.stage}]


def _reason_name(stack: Stack) -> str:
    return f"/arca-{stack.name}/maintenance/reason"
