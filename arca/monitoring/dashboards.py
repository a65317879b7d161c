"""The five dashboards, and what the objectives add to them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from arca.monitoring.board import Board, Graph, Line, LogTable, Widget, line, ratio
from arca.monitoring.queries import QUERIES
from arca.monitoring.slo.cloudwatch import Reading
from arca.monitoring.slo.compiler import BURN_RATE, CONSUMED
from arca.monitoring.slo.duration import DAY, shorthand
from arca.monitoring.slo.goal import Events, Goal

SYSTEM, API, DATABASE, INFRASTRUCTURE, BUSINESS = (
    "system-overview",
    "api-service",
    "database",
    "infrastructure",
    "business",
)
BOARD_OF: Mapping[str, str] = {"api": API, "database": DATABASE, "arca": BUSINESS}
"""Where the objectives of an OpenSLO service are shown in full; elsewhere on the overview."""
P50, P95, P99 = "p50", "p95", "p99"


def boards(goals: Iterable[Goal]) -> dict[str, Board]:
    """Every dashboard by its name."""
    found = {
        board.name: board for board in (_system(), _api(), _database(), _machines(), _business())
    }
    for goal in goals:
        found[SYSTEM] = _with(found[SYSTEM], _budget(goal))
        home = BOARD_OF.get(goal.service, SYSTEM)
        found[home] = _with(found[home], _indicator(goal))
    return found


def _with(board: Board, widget: Widget) -> Board:
    graphs = tuple(other for other in board.widgets if isinstance(other, Graph))
    tables = tuple(other for other in board.widgets if not isinstance(other, Graph))
    return replace(board, widgets=(*graphs, widget, *tables))


def _budget(goal: Goal) -> Graph:
    # The publisher computes it for the windows that no alarm can sum up, and for an hour.
    burn = next((shorthand(policy.long) for policy in goal.policies if policy.long > DAY), "1h")

    def published(metric: str, window: str) -> dict[str, Reading]:
        return {"m": Reading(metric, "Maximum", {"SLO": goal.name, "Window": window})}

    return Graph(
        f"Error budget: {goal.title}",
        (
            Line("30 days, % used", published(CONSUMED, "30d")),
            Line("year, % used", published(CONSUMED, "365d")),
            Line(f"burn rate over {burn}", published(BURN_RATE, burn), right=True),
        ),
        unit="%",
        right_unit="times too fast",
        limit=100,
    )


def _indicator(goal: Goal) -> Graph:
    indicator = goal.indicator
    if not isinstance(indicator, Events):
        shown = Line("probe, % good", {"m": indicator.reading})
    elif indicator.good is not None:
        shown = Line(
            "% good",
            {"good": indicator.good, "total": indicator.total},
            "100 * FILL(good, 0) / total",
        )
    elif indicator.bad is not None:
        shown = Line(
            "% good",
            {"bad": indicator.bad, "total": indicator.total},
            "100 - 100 * FILL(bad, 0) / total",
        )
    else:
        message = f"{goal.name} has neither good nor bad events"
        raise AssertionError(message)
    return Graph(f"Objective: {goal.title}", (shown,), unit="%", limit=round(100 * goal.target, 4))


def _percentiles(metric: str) -> tuple[Line, ...]:
    return tuple(line(stat.upper(), metric, stat) for stat in (P50, P95, P99))


def _system() -> Board:
    return Board(
        SYSTEM,
        "System overview",
        (
            Graph("Requests", (line("requests", "api.requests"),), unit="a minute"),
            Graph(
                "Error rate",
                (ratio("failed", "api.requests.failed", "api.requests"),),
                unit="%",
                limit=0.1,
            ),
            Graph("P95 latency", (line("P95", "api.duration", P95),), unit="ms", limit=200),
            Graph("Active users", (line("users", "business.active-users"),), unit="accounts"),
            Graph("Invoices created", (line("invoices", "business.invoices"),), unit="a minute"),
            Graph(
                "Probe",
                (
                    line("% good", "probe.success"),
                    line("maintenance", "slo.maintenance", right=True),
                ),
                unit="%",
                right_unit="1 is open",
            ),
        ),
    )


def _api() -> Board:
    return Board(
        API,
        "API service",
        (
            Graph("Requests by endpoint", (line("", "api.route-requests"),), unit="a minute"),
            Graph("P95 by endpoint", (line("", "api.route-duration", P95),), unit="ms", limit=200),
            Graph("Failures by endpoint", (line("", "api.route-errors"),), unit="a minute"),
            Graph("Latency", _percentiles("api.duration"), unit="ms", limit=200),
            Graph(
                "Error breakdown",
                (
                    line("5xx", "api.server-errors"),
                    line("4xx", "api.client-errors"),
                    line("load balancer 5xx", "edge.server-errors"),
                ),
                unit="a minute",
                stacked=True,
            ),
            Graph(
                "Rate limiting", (line("refused with 429", "api.rate-limited"),), unit="a minute"
            ),
            Graph(
                "Authentication success",
                (ratio("succeed", "api.authenticated", "api.authentications"),),
                unit="%",
            ),
            Graph(
                "At the load balancer",
                (
                    line("requests", "edge.requests"),
                    line("5xx of tasks", "edge.target-errors"),
                    line("4xx of tasks", "edge.client-errors"),
                ),
                unit="a minute",
            ),
            Graph("Queue to ARCA", (line("invoices waiting", "api.queue"),), unit="invoices"),
            LogTable(
                "Errors of the last hours",
                QUERIES["errors"].query,
                ("route", "status", "error_class", "times"),
            ),
        ),
    )


def _database() -> Board:
    return Board(
        DATABASE,
        "Database",
        (
            Graph("Connection pool", (line("in use", "database.pool-use"),), unit="%", limit=85),
            Graph(
                "Waiting for a connection",
                (line("requests", "database.pool-waiting"),),
                unit="requests",
            ),
            Graph("Query latency", _percentiles("database.query-duration"), unit="ms", limit=50),
            Graph("Slow queries", (line("above 1 s", "database.slow-queries"),), unit="a minute"),
            Graph("Replication lag", (line("lag", "database.replica-lag"),), unit="s", limit=300),
            Graph("Sessions", (line("sessions", "database.connections"),), unit="sessions"),
            Graph("Instance", (line("CPU", "database.cpu"),), unit="%"),
            Graph(
                "Left",
                (
                    line("memory", "database.memory"),
                    line("storage", "database.storage", right=True),
                ),
                unit="bytes of memory",
                right_unit="bytes of storage",
            ),
            Graph(
                "Disk",
                (
                    line("read", "database.read-latency"),
                    line("write", "database.write-latency"),
                ),
                unit="s",
            ),
            Graph("Disk queue", (line("waiting", "database.disk-queue"),), unit="operations"),
            LogTable(
                "Slow query log", QUERIES["slow-queries"].query, ("statement", "times", "slowest")
            ),
        ),
    )


def _machines() -> Board:
    return Board(
        INFRASTRUCTURE,
        "Infrastructure",
        (
            Graph(
                "Tasks' CPU and memory",
                (line("CPU", "service.cpu"), line("memory", "service.memory")),
                unit="%",
            ),
            Graph(
                "Tasks",
                (line("running", "service.running"), line("desired", "service.desired")),
                unit="tasks",
            ),
            Graph(
                "Container health",
                (
                    line("healthy blue", "edge.healthy-blue"),
                    line("healthy green", "edge.healthy-green"),
                    line("crashes", "service.crashes"),
                ),
                unit="tasks",
            ),
            Graph(
                "Network",
                (line("in", "service.network-in"), line("out", "service.network-out")),
                unit="bytes a second",
            ),
            Graph("Task storage", (line("used", "service.disk"),), unit="GB"),
            Graph(
                "Shipping",
                (
                    line("deployments failed", "service.deployments-failed"),
                    line("migrations failed", "service.migrations-failed"),
                ),
                unit="times",
            ),
            Graph("Cache memory", (line("node", "cache.memory"),), unit="%", limit=80),
            Graph("Cache hit rate", (line("node", "cache.hit-rate"),), unit="%"),
            Graph("Cache evictions", (line("node", "cache.evictions"),), unit="a minute"),
            Graph(
                "Cache",
                (line("connections", "cache.connections"), line("CPU", "cache.cpu", right=True)),
                unit="connections",
                right_unit="% of CPU",
            ),
            Graph("Load balancer", (line("connections", "edge.connections"),), unit="connections"),
            Graph(
                "Through the load balancer", (line("bytes", "edge.bytes"),), unit="bytes a minute"
            ),
            Graph(
                "Certificates, days left",
                (
                    line("load balancer", "edge.certificate-days"),
                    line("WSAA", "arca.certificate-days"),
                ),
                unit="days",
                limit=30,
            ),
            Graph("Route 53's checkers", (line("healthy", "edge.health"),), unit="1 is healthy"),
            Graph("Load balancer to task", (line("P95", "edge.duration", P95),), unit="s"),
        ),
    )


def _business() -> Board:
    return Board(
        BUSINESS,
        "Business",
        (
            Graph("Invoices created", (line("invoices", "business.invoices"),), unit="a minute"),
            Graph("Active users", (line("users", "business.active-users"),), unit="accounts"),
            Graph(
                "CAE",
                (line("authorized", "arca.authorized"), line("rejected", "arca.rejected")),
                unit="a minute",
                stacked=True,
            ),
            Graph(
                "Calls to ARCA",
                (line("calls", "arca.calls"), line("answered", "arca.calls.answered")),
                unit="a minute",
            ),
            Graph("ARCA's latency", _percentiles("arca.duration"), unit="ms"),
            Graph(
                "Token cache",
                (
                    line("hits", "arca.token-hits"),
                    line("misses", "arca.token-misses"),
                ),
                unit="a minute",
                stacked=True,
            ),
        ),
    )
