"""A CloudWatch in memory that answers GetMetricData and remembers what it was asked for."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from statistics import mean
from typing import Any

STATISTICS: Mapping[str, Callable[[list[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "Average": mean,
}


class RecordedCloudWatch:
    """Values by the metric's name; `asked_until` is the end of the latest request."""

    def __init__(self) -> None:
        self.asked_until = datetime.min.replace(tzinfo=UTC)
        self._values: dict[str, dict[datetime, float]] = defaultdict(dict)

    def put(self, name: str, values: Mapping[datetime, float]) -> None:
        """Keep a metric's values."""
        self._values[name] |= values

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        """Answer for the one metric of a request."""
        self.asked_until = max(self.asked_until, request["EndTime"])
        (query,) = request["MetricDataQueries"]
        stat = query["MetricStat"]
        periods: dict[datetime, list[float]] = defaultdict(list)
        for moment, value in self._values[stat["Metric"]["MetricName"]].items():
            if request["StartTime"] <= moment < request["EndTime"]:
                begin = moment.timestamp() // stat["Period"] * stat["Period"]
                periods[datetime.fromtimestamp(begin, tz=UTC)].append(value)
        found = {moment: STATISTICS[stat["Stat"]](values) for moment, values in periods.items()}
        result = {"Timestamps": list(found), "Values": list(found.values())}
        return {"MetricDataResults": [result]}
