"""The service's metrics, in CloudWatch's embedded metric format on stdout.

Source: Amazon CloudWatch User Guide, "Specification: Embedded metric format".
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

NAMESPACE = "arca-api"
UNITS: Mapping[str, str] = {
    **dict.fromkeys(("Requests", "RequestsFailed", "RequestsFast"), "Count"),
    **dict.fromkeys(("ClientErrors", "ServerErrors", "RateLimited"), "Count"),
    "RequestDuration": "Milliseconds",
    **dict.fromkeys(("RouteRequests", "RouteErrors"), "Count"),
    "RouteDuration": "Milliseconds",
    **dict.fromkeys(("Authentications", "AuthenticationsSucceeded"), "Count"),
    **dict.fromkeys(("QueueDepth", "Queries", "QueriesFast", "SlowQueries"), "Count"),
    "QueryDuration": "Milliseconds",
    "PoolUse": "Percent",
    "PoolWaiting": "Count",
    **dict.fromkeys(("ArcaCalls", "ArcaCallsAnswered"), "Count"),
    "ArcaDuration": "Milliseconds",
    **dict.fromkeys(("ArcaTokenHits", "ArcaTokenMisses"), "Count"),
    **dict.fromkeys(("CaeAuthorized", "CaeRejected"), "Count"),
    "ArcaCertificateDays": "Days",
    **dict.fromkeys(("InvoicesCreated", "ActiveUsers"), "Count"),
}
"""Every metric of the contract's table."""
LARGEST_LIST = 100
"""Values that one list may hold."""
Value = float | list[float]


def emf(stage: str, at: datetime, values: Mapping[str, Value], route: str = "") -> dict[str, Any]:
    """Return the fields of a log line that make CloudWatch count these values."""
    by_route = [name for name in values if name.startswith("Route")]
    others = [name for name in values if not name.startswith("Route")]
    groups = [(["Stage"], others), (["Stage", "Route"], by_route)]
    directives = [
        {
            "Namespace": NAMESPACE,
            "Dimensions": [dimensions],
            "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in names],
        }
        for dimensions, names in groups
        if names
    ]
    return {
        "_aws": {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": directives},
        "Stage": stage,
        **({"Route": route} if by_route else {}),
        **values,
    }


class Metrics:
    """Counts, durations and gauges between two lines of the event `metrics`."""

    def __init__(self) -> None:
        self._counts: dict[str, float] = defaultdict(float)
        self._lists: dict[str, list[float]] = defaultdict(list)
        self._gauges: dict[str, float] = {}

    def count(self, name: str, value: float = 1) -> None:
        """Add to a counter."""
        self._counts[name] += value

    def observe(self, name: str, value: float) -> None:
        """Add one value to a distribution."""
        self._lists[name].append(round(value, 3))

    def peak(self, name: str, value: float) -> None:
        """Keep the largest value until the next line."""
        self._gauges[name] = max(value, self._gauges.get(name, 0))

    def gauge(self, name: str, value: float) -> None:
        """Set a value."""
        self._gauges[name] = value

    def drain(self) -> Iterator[dict[str, Value]]:
        """Yield all values and forget them: as many groups as the longest list needs."""
        first: dict[str, Value] = {**self._counts, **self._gauges}
        lists = dict(self._lists)
        self._counts.clear()
        self._gauges.clear()
        self._lists.clear()
        while first or lists:
            yield first | {name: values[:LARGEST_LIST] for name, values in lists.items()}
            rest = {name: values[LARGEST_LIST:] for name, values in lists.items()}
            first, lists = {}, {name: values for name, values in rest.items() if values}
