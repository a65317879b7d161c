"""A made-up day, which shows the dashboards without AWS: traffic, and trouble at 14:10.

For forty minutes the database's pool is exhausted: queries wait, requests fail, invoices stop.
The values are the same at every call, and every picture says that the day is made up.
"""

import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from arca.monitoring.alarm import Reading
from arca.monitoring.catalogue import CATALOGUE
from arca.monitoring.dashboard import Dashboard
from arca.monitoring.recording import Recording, RecordingFile, reading_key
from arca.monitoring.slo.watches import BURN_RATE

SAMPLE_PERIOD, POINTS = 300, 288
"""Seconds of a point, and points of the day."""
SAMPLE_START = datetime(2026, 10, 14, tzinfo=UTC)
TROUBLE = range(170, 178)
"""Points of the trouble: 14:10 to 14:50."""
TITLE = "a made-up day, with an exhausted connection pool at 14:10"
ROUTES = {"POST /v1/invoices": 0.45, "GET /v1/invoices": 0.4, "GET /v1/status": 0.15}
"""Each endpoint's share of the requests."""
ROUTE_METRICS = {
    "api.route-requests": "api.requests",
    "api.route-duration": "api.duration",
    "api.route-errors": "api.requests.failed",
}
"""The metric of all endpoints behind each metric by endpoint."""


@dataclass(frozen=True)
class Level:
    """An ordinary value of a metric, and how the day changes it."""

    ordinary: float
    """The value at the busiest hour, in the metric's own unit."""
    traffic: float
    """The share of the value that rises and falls with the traffic, from 0 to 1."""
    trouble: float
    """The factor of the value during the trouble."""


LEVELS: Mapping[str, Level] = {
    "api.requests": Level(600, traffic=1.0, trouble=0.6),
    "api.requests.failed": Level(0.2, traffic=1.0, trouble=400),
    "api.requests.fast": Level(588, traffic=1.0, trouble=0.2),
    "api.client-errors": Level(9, traffic=1.0, trouble=1.2),
    "api.server-errors": Level(0.2, traffic=1.0, trouble=400),
    "api.duration": Level(90, traffic=0.2, trouble=18),
    "api.rate-limited": Level(1, traffic=1.0, trouble=8),
    "api.authentications": Level(40, traffic=1.0, trouble=1.1),
    "api.authenticated": Level(39, traffic=1.0, trouble=1.0),
    "api.queue": Level(4, traffic=1.0, trouble=90),
    "business.active-users": Level(180, traffic=1.0, trouble=0.8),
    "business.invoices": Level(110, traffic=1.0, trouble=0.1),
    "arca.calls": Level(110, traffic=1.0, trouble=0.1),
    "arca.calls.answered": Level(109.6, traffic=1.0, trouble=0.1),
    "arca.duration": Level(700, traffic=0.2, trouble=1.1),
    "arca.authorized": Level(105, traffic=1.0, trouble=0.1),
    "arca.rejected": Level(4, traffic=1.0, trouble=0.1),
    "arca.token-hits": Level(109, traffic=1.0, trouble=0.1),
    "arca.token-misses": Level(0.6, traffic=0.0, trouble=1),
    "arca.certificate-days": Level(212, traffic=0.0, trouble=1),
    "database.pool-use": Level(35, traffic=0.8, trouble=2.8),
    "database.pool-waiting": Level(0, traffic=0.0, trouble=1),
    "database.query-duration": Level(14, traffic=0.3, trouble=30),
    "database.slow-queries": Level(0.3, traffic=1.0, trouble=120),
    "database.queries": Level(2400, traffic=1.0, trouble=0.3),
    "database.queries.fast": Level(2380, traffic=1.0, trouble=0.12),
    "database.replica-lag": Level(1.5, traffic=0.5, trouble=3),
    "copies.latency": Level(12, traffic=0.5, trouble=2),
    "copies.failed": Level(0, traffic=0.0, trouble=1.0),
    "backups.completed": Level(1, traffic=0.0, trouble=1.0),
    "backups.failed": Level(0, traffic=0.0, trouble=1.0),
    "database.connections": Level(70, traffic=0.7, trouble=2.3),
    "database.cpu": Level(24, traffic=0.8, trouble=3.2),
    "database.memory": Level(6000000000.0, traffic=0.1, trouble=0.8),
    "database.storage": Level(140000000000.0, traffic=0.0, trouble=1),
    "database.read-latency": Level(0.0009, traffic=0.3, trouble=4),
    "database.write-latency": Level(0.0014, traffic=0.3, trouble=4),
    "database.disk-queue": Level(0.6, traffic=0.8, trouble=20),
    "cache.memory": Level(46, traffic=0.1, trouble=1),
    "cache.hit-rate": Level(93, traffic=0.0, trouble=1),
    "cache.evictions": Level(0, traffic=0, trouble=1),
    "cache.connections": Level(60, traffic=0.4, trouble=1.2),
    "cache.cpu": Level(9, traffic=0.8, trouble=0.9),
    "service.cpu": Level(38, traffic=0.8, trouble=0.6),
    "service.memory": Level(52, traffic=0.1, trouble=1.2),
    "service.running": Level(4, traffic=0.0, trouble=1),
    "service.desired": Level(4, traffic=0.0, trouble=1),
    "service.network-in": Level(300000.0, traffic=1.0, trouble=0.6),
    "service.network-out": Level(900000.0, traffic=1.0, trouble=0.5),
    "service.disk": Level(1.1, traffic=0.0, trouble=1),
    "service.crashes": Level(0, traffic=0, trouble=1),
    "service.definitions-unknown": Level(0, traffic=0, trouble=1),
    "service.deployments-failed": Level(0, traffic=0, trouble=1),
    "service.migrations-failed": Level(0, traffic=0, trouble=1),
    "edge.requests": Level(602, traffic=1.0, trouble=0.6),
    "edge.server-errors": Level(0, traffic=0, trouble=1),
    "edge.target-errors": Level(0.2, traffic=1.0, trouble=400),
    "edge.client-errors": Level(9, traffic=1.0, trouble=1.2),
    "edge.duration": Level(0.08, traffic=0.2, trouble=18),
    "edge.connections": Level(140, traffic=0.8, trouble=2),
    "edge.bytes": Level(20000000.0, traffic=1.0, trouble=0.6),
    "edge.healthy-blue": Level(4, traffic=0, trouble=1),
    "edge.healthy-green": Level(0, traffic=0, trouble=1),
    "edge.certificate-days": Level(183, traffic=0.0, trouble=1),
    "edge.health": Level(1, traffic=0, trouble=1),
    "probe.success": Level(100, traffic=0.0, trouble=0),
}
"""The made-up levels by metric; none of their numbers is an objective's."""
BUDGETS: Mapping[str, tuple[float, float]] = {
    "availability": (9, 185),
    "errors": (21, 27),
    "latency": (31, 1.7),
    "database": (24, 1.5),
    "arca": (18, 0),
}
"""Percent of 30 days' budget that is used before the trouble, and what the trouble costs.

Forty minutes without an answer are 185% of the 21.6 minutes that 99.95% allows.
"""
OTHER_BUDGET = (15, 5)
MONTH_OF_YEAR = 30 / 365
TROUBLE_VALUES = {"database.pool-waiting": 60.0}
"""Values during the trouble of metrics whose ordinary value is 0."""
WITHOUT_NOISE = (
    *("edge.healthy", "edge.health", "service.running", "service.desired", "probe.success"),
    *("database.storage", "database.memory", "edge.certificate-days", "arca.certificate-days"),
)
"""Prefixes of the metrics without random noise."""
PERCENTILE_FACTORS = {"p50": 0.45, "p95": 1.0, "p99": 1.9}
SAMPLE_ROWS: dict[str, list[dict[str, str | int | float]]] = {
    "Errors of the last hours": [
        {"route": "POST /v1/invoices", "status": 503, "error_class": "PoolTimeout", "times": 2114},
        {"route": "GET /v1/invoices", "status": 503, "error_class": "PoolTimeout", "times": 1873},
        {"route": "POST /v1/invoices", "status": 502, "error_class": "ArcaTimeout", "times": 12},
    ],
    "Slow query log": [
        {
            "statement": "SELECT ... FROM invoices WHERE point_of_sale = $1 ORDER BY number DESC",
            "times": 640,
            "slowest": 9120,
        },
        {"statement": "UPDATE invoices SET cae = $1 WHERE id = $2", "times": 88, "slowest": 4210},
    ],
}


def day(boards: Iterable[Dashboard]) -> Recording:
    """Return the made-up day, with every series that the dashboards show."""
    series: dict[str, list[float | None]] = {}
    for board in boards:
        for reading in board.readings():
            series |= _series(reading)
    return Recording(
        RecordingFile(
            title=TITLE,
            start=SAMPLE_START,
            period_seconds=SAMPLE_PERIOD,
            series=series,
            rows=SAMPLE_ROWS,
        )
    )


def _series(reading: Reading) -> dict[str, list[float | None]]:
    key = reading_key(reading)
    if "SLO" in reading.fixed:
        return {key: _budget(reading)}
    if reading.metric.startswith("api.route-"):
        whole = ROUTE_METRICS[reading.metric]
        return {
            f"{key}/{route}": _values(
                whole, reading.stat, seed=route, share=1 if whole == "api.duration" else share
            )
            for route, share in ROUTES.items()
        }
    if reading.metric.startswith("cache."):
        return {
            f"{key}/{node}": _values(reading.metric, reading.stat, seed=str(node))
            for node in (1, 2, 3)
        }
    return {key: _values(reading.metric, reading.stat)}


def _budget(reading: Reading) -> list[float | None]:
    """Return what the publisher would put on that day, the trouble included once it is over."""
    used, cost = BUDGETS.get(reading.fixed["SLO"], OTHER_BUDGET)
    if reading.metric == BURN_RATE:
        # The window of three days holds a tenth of the budget, so it burns ten times as fast.
        before, after = used / 100, used / 100 + cost / 10
    elif reading.fixed["Window"] == "30d":
        before, after = used, used + cost
    else:
        before, after = used / 2, used / 2 + cost * MONTH_OF_YEAR
    return [round(after if point >= TROUBLE.stop else before, 4) for point in range(POINTS)]


def _values(metric: str, stat: str, *, seed: str = "", share: float = 1) -> list[float | None]:
    level = LEVELS[metric]
    # Metrics of a group get the same noise, or their shares would pass 100%.
    group = metric.partition(".")[0]
    chance = random.Random(f"{group} {seed}")  # noqa: S311 - made-up data, the same at every call
    values: list[float | None] = []
    most = 100.0 if CATALOGUE[metric].unit == "Percent" else math.inf
    for point in range(POINTS):
        wave = max(0.0, math.sin(math.pi * (point / POINTS - 0.25) / 0.62))
        busy = 0.12 + 0.88 * math.pow(wave, 1.4)
        ordinary = level.ordinary * share * (1 - level.traffic + level.traffic * busy)
        value = ordinary * PERCENTILE_FACTORS.get(stat, 1)
        if point in TROUBLE:
            value = TROUBLE_VALUES.get(metric, value * level.trouble)
        noise = 1 if metric.startswith(WITHOUT_NOISE) else 1 + chance.gauss(0, 0.04)
        values.append(round(min(most, max(0.0, value * noise)), 4))
    return values
