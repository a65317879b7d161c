"""A maintenance window: a metric that is 1 in its minutes, which an alarm reads.

CloudWatch takes values up to two hours ahead (CloudWatch API reference, PutMetricData), so the
whole window is put when it begins, and it ends by itself. Minutes are read by their minimum: a
later 0 ends a window before its time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from arca.clients import client, explained
from arca.errors import ArcaError
from arca.monitoring.catalogue import CATALOGUE
from arca.monitoring.slo.publisher import VALUES_A_CALL
from arca.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricDataQueryTypeDef

LONGEST_WINDOW = timedelta(minutes=110)
MAINTENANCE_METRIC = CATALOGUE["slo.maintenance"]


@dataclass(frozen=True)
class Window:
    """A window's beginning, end and reason."""

    begin: datetime
    end: datetime
    reason: str

    @classmethod
    def plan(cls, length: timedelta, reason: str, *, now: datetime) -> Self:
        """Return a window from this minute on.

        Raises ArcaError where it is too long or has no reason.
        """
        if length > LONGEST_WINDOW or not reason.strip():
            raise ArcaError(
                f"A window of {length} for {reason!r} is not opened.",
                where="arca maintenance start",
                wanted=f"{LONGEST_WINDOW} at most, and a reason",
                do="open a shorter one, and another when it ends",
            )
        begin = now.replace(second=0, microsecond=0)
        return cls(begin, begin + length, reason.strip())

    def as_json(self) -> dict[str, str]:
        """Return the window for `--json`."""
        return {
            "begin": self.begin.isoformat(),
            "end": self.end.isoformat(),
            "reason": self.reason,
        }


def open_window(stack: Stack, window: Window) -> None:
    """Put the window's minutes and store its reason; raises ArcaError where AWS refuses."""
    with explained(stack, "The window cannot be opened"):
        client(stack, "ssm").put_parameter(
            Name=_reason_name(stack), Value=window.reason, Type="String", Overwrite=True
        )
        _put(stack, list(_minutes(window.begin, window.end)), 1)


def close_window(stack: Stack, *, until: datetime, now: datetime) -> None:
    """End a window now; raises ArcaError where AWS refuses."""
    with explained(stack, "The window cannot be ended"):
        _put(stack, list(_minutes(now.replace(second=0, microsecond=0), until)), 0)


def open_until(stack: Stack, *, now: datetime) -> datetime | None:
    """Return the end of the window that is open now; None where none is open."""
    minute = now.replace(second=0, microsecond=0)
    query: MetricDataQueryTypeDef = {
        "Id": "m",
        "MetricStat": {
            "Metric": {
                "Namespace": MAINTENANCE_METRIC.namespace,
                "MetricName": MAINTENANCE_METRIC.name,
                "Dimensions": _dimensions(stack),
            },
            "Period": 60,
            "Stat": "Minimum",
        },
    }
    with explained(stack, "The window cannot be read"):
        answer = client(stack, "cloudwatch").get_metric_data(
            MetricDataQueries=[query], StartTime=minute, EndTime=minute + 2 * LONGEST_WINDOW
        )
    values: dict[datetime, float] = {}
    for result in answer["MetricDataResults"]:
        values |= dict(zip(result["Timestamps"], result["Values"], strict=True))
    end = minute
    while values.get(end, 0) >= 1:
        end += timedelta(minutes=1)
    return end if end > minute else None


def window_reason(stack: Stack) -> str:
    """Return the reason of the last window; `unknown` where none was stored."""
    ssm = client(stack, "ssm")
    with explained(stack, "The reason cannot be read"):
        try:
            return str(ssm.get_parameter(Name=_reason_name(stack))["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound:
            return "unknown"


def _put(stack: Stack, minutes: list[datetime], value: int) -> None:
    cloudwatch = client(stack, "cloudwatch")
    for start in range(0, len(minutes), VALUES_A_CALL):
        cloudwatch.put_metric_data(
            Namespace=MAINTENANCE_METRIC.namespace,
            MetricData=[
                {
                    "MetricName": MAINTENANCE_METRIC.name,
                    "Dimensions": _dimensions(stack),
                    "Timestamp": minute,
                    "Value": value,
                }
                for minute in minutes[start : start + VALUES_A_CALL]
            ],
        )


def _minutes(begin: datetime, end: datetime) -> Iterator[datetime]:
    while begin < end:
        yield begin
        begin += timedelta(minutes=1)


def _dimensions(stack: Stack) -> "list[DimensionTypeDef]":
    return [{"Name": "Stage", "Value": stack.outputs.stage}]


def _reason_name(stack: Stack) -> str:
    return f"/arca-{stack.name}/maintenance/reason"
