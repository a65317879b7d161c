"""A made-up day, so that dashboards can be seen without AWS: traffic, and trouble at 14:10.

For forty minutes the database's pool is exhausted: queries wait, requests fail, invoices stop.
Deterministic, and said to be made up wherever it is shown.
"""

import math
import random
from collections.abc import Iterable
from datetime import UTC, datetime

from arca.monitoring.board import Board, Graph
from arca.monitoring.catalogue import CATALOGUE
from arca.monitoring.recording import File, Recording, key_of
from arca.monitoring.slo.cloudwatch import Reading
from arca.monitoring.slo.compiler import BURN_RATE

PERIOD, POINTS = 300, 288
START = datetime(2026, 10, 14, tzinfo=UTC)
TROUBLE = range(170, 178)
"""Points of the trouble: 14:10 to 14:50."""
TITLE = "a made-up day, with an exhausted connection pool at 14:10"
ROUTES = {"POST /v1/invoices": 0.45, "GET /v1/invoices": 0.4, "GET /v1/status": 0.15}

LEVELS: dict[str, tuple[float, float, float]] = {
    "api.requests": (600, 1.0, 0.6), "api.requests.failed": (0.2, 1.0, 400),
    "api.requests.fast": (588, 1.0, 0.2), "api.client-errors": (9, 1.0, 1.2),
    "api.server-errors": (0.2, 1.0, 400), "api.duration": (90, 0.2, 18),
    "api.rate-limited": (1, 1.0, 8), "api.authentications": (40, 1.0, 1.1),
    "api.authenticated": (39, 1.0, 1.0), "api.queue": (4, 1.0, 90),
    "business.active-users": (180, 1.0, 0.8), "business.invoices": (110, 1.0, 0.1),
    "arca.calls": (110, 1.0, 0.1), "arca.calls.answered": (109.6, 1.0, 0.1),
    "arca.duration": (700, 0.2, 1.1), "arca.authorized": (105, 1.0, 0.1),
    "arca.rejected": (4, 1.0, 0.1), "arca.token-hits": (109, 1.0, 0.1),
    "arca.token-misses": (0.6, 0.0, 1), "arca.certificate-days": (212, 0.0, 1),
    "database.pool-use": (35, 0.8, 2.8), "database.pool-waiting": (0, 0.0, 1),
    "database.query-duration": (14, 0.3, 30), "database.slow-queries": (0.3, 1.0, 120),
    "database.queries": (2400, 1.0, 0.3), "database.queries.fast": (2380, 1.0, 0.12),
    "database.replica-lag": (1.5, 0.5, 3), "database.connections": (70, 0.7, 2.3),
    "database.cpu": (24, 0.8, 3.2), "database.memory": (6e9, 0.1, 0.8),
    "database.storage": (1.4e11, 0.0, 1), "database.read-latency": (0.0009, 0.3, 4),
    "database.write-latency": (0.0014, 0.3, 4), "database.disk-queue": (0.6, 0.8, 20),
    "cache.memory": (46, 0.1, 1), "cache.hit-rate": (93, 0.0, 1), "cache.evictions": (0, 0, 1),
    "cache.connections": (60, 0.4, 1.2), "cache.cpu": (9, 0.8, 0.9),
    "service.cpu": (38, 0.8, 0.6), "service.memory": (52, 0.1, 1.2),
    "service.running": (4, 0.0, 1), "service.desired": (4, 0.0, 1),
    "service.network-in": (3e5, 1.0, 0.6), "service.network-out": (9e5, 1.0, 0.5),
    "service.disk": (1.1, 0.0, 1), "service.crashes": (0, 0, 1),
    "service.deployments-failed": (0, 0, 1), "service.migrations-failed": (0, 0, 1),
    "edge.requests": (602, 1.0, 0.6), "edge.server-errors": (0, 0, 1),
    "edge.target-errors": (0.2, 1.0, 400), "edge.client-errors": (9, 1.0, 1.2),
    "edge.duration": (0.08, 0.2, 18), "edge.connections": (140, 0.8, 2),
    "edge.bytes": (2e7, 1.0, 0.6), "edge.healthy-blue": (4, 0, 1), "edge.healthy-green": (0, 0, 1),
    "edge.certificate-days": (183, 0.0, 1), "edge.health": (1, 0, 1),
    "probe.success": (100, 0.0, 0), "slo.maintenance": (0, 0, 1),
}  # fmt: skip # a level by day, how much of it is traffic, and what the trouble makes of it
BUDGETS = {"availability": (9, 185), "errors": (21, 27), "latency": (31, 1.7),
           "database": (24, 1.5), "arca": (18, 0)}  # fmt: skip # a table
"""Percent of 30 days' budget that is used before the trouble, and what the trouble costs: forty
minutes of no answer are 185% of the 21.6 that 99.95% allows."""
OTHER_BUDGET = (15, 5)
MONTH_OF_YEAR = 30 / 365
EXACT = {"database.pool-waiting": 60.0}
"""What the trouble makes of a level that is 0."""
EVEN = (
    *("edge.healthy", "edge.health", "service.running", "service.desired", "probe.success"),
    *("database.storage", "database.memory", "edge.certificate-days", "arca.certificate-days"),
)
"""Beginnings of the metrics that do not vary by chance."""
PERCENTILES = {"p50": 0.45, "p95": 1.0, "p99": 1.9}
ROWS: dict[str, list[dict[str, str | int | float]]] = {
    "Errors of the last hours": [
        {"route": "POST /v1/invoices", "status": 503, "error_class": "PoolTimeout", "times": 2114},
        {"route": "GET /v1/invoices", "status": 503, "error_class": "PoolTimeout", "times": 1873},
        {"route": "POST /v1/invoices", "status": 502, "error_class": "ArcaTimeout", "times": 12},
    ],
    "Slow query log": [
        {"statement": "SELECT ... FROM invoices WHERE point_of_sale = $1 ORDER BY number DESC",
         "times": 640, "slowest": 9120},
        {"statement": "UPDATE invoices SET cae = $1 WHERE id = $2", "times": 88, "slowest": 4210},
    ],
}  # fmt: skip # rows of a table


def day(boards: Iterable[Board]) -> Recording:
    """The made-up day, with all that some dashboards show."""
    series: dict[str, list[float | None]] = {}
    for board in boards:
        for widget in board.widgets:
            if isinstance(widget, Graph):
                for line in widget.lines:
                    for reading in line.readings.values():
                        series |= _series(reading)
    return Recording(
        File(title=TITLE, start=START, period_seconds=PERIOD, series=series, rows=ROWS)
    )


def _series(reading: Reading) -> dict[str, list[float | None]]:
    key = key_of(reading)
    if "SLO" in reading.fixed:
        return {key: _budget(reading)}
    if reading.metric.startswith("api.route-"):
        base = (
            "api."
            + {"requests": "requests", "duration": "duration", "errors": "requests.failed"}[
                reading.metric.removeprefix("api.route-")
            ]
        )
        return {
            f"{key}/{route}": _values(base, reading.stat, share if base != "api.duration" else 1,
                                      route)
            for route, share in ROUTES.items()
        }  # fmt: skip # one expression
    if reading.metric.startswith("cache."):
        return {f"{key}/{node}": _values(reading.metric, reading.stat, 1, str(node))
                for node in (1, 2, 3)}  # fmt: skip # one expression
    return {key: _values(reading.metric, reading.stat, 1, "")}


def _budget(reading: Reading) -> list[float | None]:
    """What the publisher would say of the day, with the trouble in it once it is over."""
    used, cost = BUDGETS.get(reading.fixed["SLO"], OTHER_BUDGET)
    if reading.metric == BURN_RATE:
        # Of 30 days' budget in three: ten times as fast.
        before, after = used / 100, used / 100 + cost / 10
    elif reading.fixed["Window"] == "30d":
        before, after = used, used + cost
    else:
        before, after = used / 2, used / 2 + cost * MONTH_OF_YEAR
    return [round(after if point >= TROUBLE.stop else before, 4) for point in range(POINTS)]


def _values(metric: str, stat: str, share: float, seed: str) -> list[float | None]:
    level, traffic, trouble = LEVELS[metric]
    # What is counted together varies together, or shares would pass 100%.
    group = metric.partition(".")[0]
    chance = random.Random(f"{group} {seed}")  # noqa: S311 - made-up data, the same ever
    values: list[float | None] = []
    most = 100.0 if CATALOGUE[metric].unit == "Percent" else math.inf
    for point in range(POINTS):
        wave = max(0.0, math.sin(math.pi * (point / POINTS - 0.25) / 0.62))
        busy = 0.12 + 0.88 * math.pow(wave, 1.4)
        value = level * share * (1 - traffic + traffic * busy) * PERCENTILES.get(stat, 1)
        if point in TROUBLE:
            value = EXACT.get(metric, value * trouble)
        noise = 1 if metric.startswith(EVEN) else 1 + chance.gauss(0, 0.04)
        values.append(round(min(most, max(0.0, value * noise)), 4))
    return values
