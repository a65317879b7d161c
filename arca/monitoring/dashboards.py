"""The five dashboards, with the graphs of the objectives."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from arca.monitoring.alarm import Reading
from arca.monitoring.dashboard import (
    Dashboard,
    Graph,
    Line,
    LogTable,
    Widget,
    metric_line,
    share_line,
)
from arca.monitoring.queries import QUERIES
from arca.monitoring.slo.duration import DAY, shorthand
from arca.monitoring.slo.objective import EventIndicator, Objective
from arca.monitoring.slo.watches import BURN_RATE, CONSUMED

SYSTEM_BOARD = "system-overview"
API_BOARD = "api-service"
DATABASE_BOARD = "database"
INFRASTRUCTURE_BOARD = "infrastructure"
BUSINESS_BOARD = "business"
DASHBOARD_OF_SERVICE: Mapping[str, str] = {
    "api": API_BOARD,
    "database": DATABASE_BOARD,
    "arca": BUSINESS_BOARD,
}
"""The dashboard that shows the indicators of an OpenSLO service; by default the overview."""
P50, P95, P99 = "p50", "p95", "p99"
"""Percentiles of graphs; an objective's own comes from its target."""


@dataclass(frozen=True)
class Promise:
    """What an objective promises of a time: the percentile that stays below a threshold."""

    stat: str
    limit: float | None
    """Milliseconds."""

    @classmethod
    def of(cls, objectives: Iterable[Objective], fast: str) -> "Promise":
        """Return the promise of the objective that counts a metric; without one, P95 and no limit.

        `fast` is the metric of the events that take the threshold at most.
        """
        for objective in objectives:
            if objective.counts(fast):
                return cls(objective.percentile, objective.threshold_ms)
        return cls(P95, None)

    @property
    def title(self) -> str:
        """The percentile as a title has it: P95."""
        return self.stat.upper()


def all_dashboards(objectives: Iterable[Objective]) -> dict[str, Dashboard]:
    """Return every dashboard by its name."""
    objectives = tuple(objectives)
    requests = Promise.of(objectives, "api.requests.fast")
    queries = Promise.of(objectives, "database.queries.fast")
    errors = next((one for one in objectives if one.counts("api.requests.failed")), None)
    found = {
        board.name: board
        for board in (
            _system(requests, errors),
            _api(requests),
            _database(queries),
            _machines(),
            _business(),
        )
    }
    for objective in objectives:
        found[SYSTEM_BOARD] = _with(found[SYSTEM_BOARD], _budget(objective))
        home = DASHBOARD_OF_SERVICE.get(objective.service, SYSTEM_BOARD)
        found[home] = _with(found[home], _indicator(objective))
    return found


def _with(board: Dashboard, widget: Widget) -> Dashboard:
    graphs = tuple(other for other in board.widgets if isinstance(other, Graph))
    tables = tuple(other for other in board.widgets if not isinstance(other, Graph))
    return replace(board, widgets=(*graphs, widget, *tables))


def _budget(objective: Objective) -> Graph:
    # The publisher computes burn rates over an hour and over windows longer than a day.
    burn = next((shorthand(alert.long) for alert in objective.alerts if alert.long > DAY), "1h")

    def published(metric: str, window: str) -> dict[str, Reading]:
        return {"m": Reading(metric, "Maximum", {"SLO": objective.name, "Window": window})}

    return Graph(
        f"Error budget: {objective.title}",
        (
            Line("30 days, % used", published(CONSUMED, "30d")),
            Line("year, % used", published(CONSUMED, "365d")),
            Line(f"burn rate over {burn}", published(BURN_RATE, burn), right=True),
        ),
        unit="%",
        right_unit="times too fast",
        limit=100,
    )


def _indicator(objective: Objective) -> Graph:
    indicator = objective.indicator
    if not isinstance(indicator, EventIndicator):
        shown = Line("probe, % good", {"m": indicator.reading})
    else:
        readings, counted, total = indicator.sums()
        # No event at all leaves no value: CloudWatch drops a division by zero.
        share = f"100 * {counted} / {total}"
        shown = Line("% good", readings, share if indicator.counts == "good" else f"100 - {share}")
    limit = round(100 * objective.target, 4)
    return Graph(f"Objective: {objective.title}", (shown,), unit="%", limit=limit)


def _percentiles(metric: str, stat: str = P95) -> tuple[Line, ...]:
    stats = sorted({P50, stat, P99}, key=lambda one: float(one[1:]))
    return tuple(metric_line(one.upper(), metric, one) for one in stats)


def _system(requests: Promise, errors: Objective | None) -> Dashboard:
    return Dashboard(
        SYSTEM_BOARD,
        "System overview",
        (
            Graph("Requests", (metric_line("requests", "api.requests"),), unit="a minute"),
            Graph(
                "Error rate",
                (share_line("failed", "api.requests.failed", "api.requests"),),
                unit="%",
                limit=round(100 * errors.budget, 4) if errors else None,
            ),
            Graph(
                f"{requests.title} latency",
                (metric_line(requests.title, "api.duration", requests.stat),),
                unit="ms",
                limit=requests.limit,
            ),
            Graph(
                "Active users", (metric_line("users", "business.active-users"),), unit="accounts"
            ),
            Graph(
                "Invoices created", (metric_line("invoices", "business.invoices"),), unit="a minute"
            ),
            Graph(
                "Probe",
                (metric_line("% good", "probe.success"),),
                unit="%",
            ),
        ),
    )


def _api(requests: Promise) -> Dashboard:
    return Dashboard(
        API_BOARD,
        "API service",
        (
            Graph(
                "Requests by endpoint", (metric_line("", "api.route-requests"),), unit="a minute"
            ),
            Graph(
                f"{requests.title} by endpoint",
                (metric_line("", "api.route-duration", requests.stat),),
                unit="ms",
                limit=requests.limit,
            ),
            Graph("Failures by endpoint", (metric_line("", "api.route-errors"),), unit="a minute"),
            Graph(
                "Latency",
                _percentiles("api.duration", requests.stat),
                unit="ms",
                limit=requests.limit,
            ),
            Graph(
                "Error breakdown",
                (
                    metric_line("5xx", "api.server-errors"),
                    metric_line("4xx", "api.client-errors"),
                    metric_line("load balancer 5xx", "edge.server-errors"),
                ),
                unit="a minute",
                stacked=True,
            ),
            Graph(
                "Rate limiting",
                (metric_line("refused with 429", "api.rate-limited"),),
                unit="a minute",
            ),
            Graph(
                "Authentication success",
                (share_line("succeed", "api.authenticated", "api.authentications"),),
                unit="%",
            ),
            Graph(
                "At the load balancer",
                (
                    metric_line("requests", "edge.requests"),
                    metric_line("5xx of tasks", "edge.target-errors"),
                    metric_line("4xx of tasks", "edge.client-errors"),
                ),
                unit="a minute",
            ),
            Graph(
                "Queue to ARCA", (metric_line("invoices waiting", "api.queue"),), unit="invoices"
            ),
            LogTable(
                "Errors of the last hours",
                QUERIES["errors"].query,
                ("route", "status", "error_class", "times"),
            ),
        ),
    )


def _database(queries: Promise) -> Dashboard:
    return Dashboard(
        DATABASE_BOARD,
        "Database",
        (
            Graph(
                "Connection pool", (metric_line("in use", "database.pool-use"),), unit="%", limit=85
            ),
            Graph(
                "Waiting for a connection",
                (metric_line("requests", "database.pool-waiting"),),
                unit="requests",
            ),
            Graph(
                "Query latency",
                _percentiles("database.query-duration", queries.stat),
                unit="ms",
                limit=queries.limit,
            ),
            Graph(
                "Slow queries",
                (metric_line("above 1 s", "database.slow-queries"),),
                unit="a minute",
            ),
            Graph(
                "Replication lag",
                (metric_line("lag", "database.replica-lag"),),
                unit="s",
                limit=300,
            ),
            Graph("Sessions", (metric_line("sessions", "database.connections"),), unit="sessions"),
            Graph("Instance", (metric_line("CPU", "database.cpu"),), unit="%"),
            Graph(
                "Left",
                (
                    metric_line("memory", "database.memory"),
                    metric_line("storage", "database.storage", right=True),
                ),
                unit="bytes of memory",
                right_unit="bytes of storage",
            ),
            Graph(
                "Disk",
                (
                    metric_line("read", "database.read-latency"),
                    metric_line("write", "database.write-latency"),
                ),
                unit="s",
            ),
            Graph(
                "Disk queue", (metric_line("waiting", "database.disk-queue"),), unit="operations"
            ),
            LogTable(
                "Slow query log", QUERIES["slow-queries"].query, ("statement", "times", "slowest")
            ),
        ),
    )


def _machines() -> Dashboard:
    return Dashboard(
        INFRASTRUCTURE_BOARD,
        "Infrastructure",
        (
            Graph(
                "Tasks' CPU and memory",
                (metric_line("CPU", "service.cpu"), metric_line("memory", "service.memory")),
                unit="%",
            ),
            Graph(
                "Tasks",
                (
                    metric_line("running", "service.running"),
                    metric_line("desired", "service.desired"),
                ),
                unit="tasks",
            ),
            Graph(
                "Container health",
                (
                    metric_line("healthy blue", "edge.healthy-blue"),
                    metric_line("healthy green", "edge.healthy-green"),
                    metric_line("crashes", "service.crashes"),
                ),
                unit="tasks",
            ),
            Graph(
                "Network",
                (
                    metric_line("in", "service.network-in"),
                    metric_line("out", "service.network-out"),
                ),
                unit="bytes a second",
            ),
            Graph("Task storage", (metric_line("used", "service.disk"),), unit="GB"),
            Graph(
                "Shipping",
                (
                    metric_line("deployments failed", "service.deployments-failed"),
                    metric_line("migrations failed", "service.migrations-failed"),
                    metric_line("definitions unknown", "service.definitions-unknown"),
                ),
                unit="times",
            ),
            Graph("Cache memory", (metric_line("node", "cache.memory"),), unit="%", limit=80),
            Graph("Cache hit rate", (metric_line("node", "cache.hit-rate"),), unit="%"),
            Graph("Cache evictions", (metric_line("node", "cache.evictions"),), unit="a minute"),
            Graph(
                "Cache",
                (
                    metric_line("connections", "cache.connections"),
                    metric_line("CPU", "cache.cpu", right=True),
                ),
                unit="connections",
                right_unit="% of CPU",
            ),
            Graph(
                "Load balancer",
                (metric_line("connections", "edge.connections"),),
                unit="connections",
            ),
            Graph(
                "Through the load balancer",
                (metric_line("bytes", "edge.bytes"),),
                unit="bytes a minute",
            ),
            Graph(
                "Certificates, days left",
                (
                    metric_line("load balancer", "edge.certificate-days"),
                    metric_line("WSAA", "arca.certificate-days"),
                ),
                unit="days",
                limit=30,
            ),
            Graph(
                "Route 53's checkers", (metric_line("healthy", "edge.health"),), unit="1 is healthy"
            ),
            Graph("Load balancer to task", (metric_line("P95", "edge.duration", P95),), unit="s"),
        ),
    )


def _business() -> Dashboard:
    return Dashboard(
        BUSINESS_BOARD,
        "Business",
        (
            Graph(
                "Invoices created", (metric_line("invoices", "business.invoices"),), unit="a minute"
            ),
            Graph(
                "Active users", (metric_line("users", "business.active-users"),), unit="accounts"
            ),
            Graph(
                "CAE",
                (
                    metric_line("authorized", "arca.authorized"),
                    metric_line("rejected", "arca.rejected"),
                ),
                unit="a minute",
                stacked=True,
            ),
            Graph(
                "Calls to ARCA",
                (
                    metric_line("calls", "arca.calls"),
                    metric_line("answered", "arca.calls.answered"),
                ),
                unit="a minute",
            ),
            Graph("ARCA's latency", _percentiles("arca.duration"), unit="ms"),
            Graph(
                "Token cache",
                (
                    metric_line("hits", "arca.token-hits"),
                    metric_line("misses", "arca.token-misses"),
                ),
                unit="a minute",
                stacked=True,
            ),
        ),
    )
