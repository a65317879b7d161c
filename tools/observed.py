"""Generate parts of docs/monitoring.md and docs/service-contract.md, and the pictures."""

import json
from collections.abc import Iterator, Mapping

import numpy as np
from PIL import Image

from arca import checkout, stackfile
from arca.cli.dashboard import fingerprint
from arca.monitoring import contract, sample, table
from arca.monitoring.alarm import Alarm, Composite
from arca.monitoring.catalogue import CATALOGUE, GROUPS, Metric
from arca.monitoring.dashboard import Dashboard
from arca.monitoring.dashboards import all_dashboards
from arca.monitoring.live import charts
from arca.monitoring.queries import QUERIES
from arca.monitoring.runbooks import RUNBOOKS
from arca.monitoring.slo import budget
from arca.monitoring.slo.compiler import compile_objective, compile_objectives, least_total
from arca.monitoring.slo.duration import DAY, shorthand
from arca.monitoring.slo.objective import EventIndicator, SliceIndicator
from arca.monitoring.slo.objectives import read_objectives, thresholds
from arca.monitoring.slo.replay import EventSeries, consumed_at, notified, states
from arca.monitoring.thresholds import Thresholds
from settings.load import parse

PICTURES = checkout.root() / "docs" / "dashboards"
EXAMPLE = "errors"
"""The objective whose detection times the page shows."""
REQUESTS_A_MINUTE = 1000.0
ERROR_RATES = (1.0, 0.1, 0.01, 0.005, 0.0015, 0.001)


def catalogue() -> str:
    """Return the table of every metric, by group."""
    limits = thresholds(read_objectives())
    lines = [row("metric", "CloudWatch", "unit", "statistic", "role", "from", "what"), rule(7)]
    for group, metrics in GROUPS.items():
        lines.append(row(f"**{group}**", "", "", "", "", "", ""))
        for metric in metrics:
            dimensions = ", ".join([*metric.dimensions, *metric.splits])
            lines.append(
                row(
                    f"`{metric.id}`",
                    f"{metric.namespace} `{metric.name}` ({dimensions})",
                    metric.unit,
                    metric.stat,
                    metric.role,
                    metric.emitter,
                    _meaning(metric, limits),
                )
            )
    return "\n".join(lines)


def emitted() -> str:
    """Return the table of the metrics that the service emits."""
    limits = thresholds(read_objectives())
    lines = [row("metric", "unit", "dimensions", "what"), rule(4)]
    for metric in contract.EMITTED.values():
        dimensions = ", ".join(f"`{name}`" for name in (*metric.dimensions, *metric.splits))
        lines.append(row(f"`{metric.name}`", metric.unit, dimensions, _meaning(metric, limits)))
    return "\n".join(lines)


def threshold_table() -> str:
    """Return the table of the thresholds that the service counts by."""
    lines = [row("variable", "milliseconds", "counts", "objective"), rule(4)]
    found = read_objectives()
    for variable, limit_ms in thresholds(found).items():
        metric = next(one for one in CATALOGUE.values() if one.threshold_variable == variable)
        named = ", ".join(
            f"`{objective.name}`: {objective.description}"
            for objective in found
            if objective.counts(metric.id)
        )
        lines.append(row(f"`{variable}`", str(limit_ms), f"`{metric.name}`", named))
    return "\n".join(lines)


def _meaning(metric: Metric, limits: Mapping[str, int]) -> str:
    """Return a metric's meaning, with the threshold where an objective gives one."""
    limit_ms = limits.get(metric.threshold_variable)
    return metric.meaning if limit_ms is None else f"{metric.meaning[:-1]}, {limit_ms} ms."


def objectives() -> str:
    """Return the table of the objectives and their budgets."""
    lines = [row("objective", "target", "good is", "budget in 30 days", "in a year", "runbook")]
    lines.append(rule(6))
    for objective in read_objectives():
        month = budget.allowed_minutes(objective.target)
        year = budget.allowed_minutes(objective.target, window_days=budget.YEAR_DAYS) / 60
        lines.append(
            row(
                f"`{objective.name}`: {objective.description}",
                f"{100 * objective.target:g}%",
                _good(objective.indicator),
                f"{month:.1f} min",
                f"{year:.2f} h",
                f"`{objective.runbook}`",
            )
        )
    return "\n".join(lines)


def _good(indicator: EventIndicator | SliceIndicator) -> str:
    if isinstance(indicator, SliceIndicator):
        return f"a minute with `{indicator.reading.metric}` {indicator.op} {indicator.value:g}"
    counted, total = (
        " + ".join(f"`{reading.metric}`" for reading in readings)
        for readings in (indicator.counted, indicator.total)
    )
    counted = f"{counted} of {total}"
    return counted if indicator.counts == "good" else f"all but {counted}"


def windows() -> str:
    """Return the table of each objective's windows and thresholds."""
    head = ("objective", "alert", "severity", "burn rate", "windows", "threshold")
    lines = [row(*head, "counts as at least"), rule(7)]
    for objective in read_objectives():
        for alert in objective.alerts:
            long, short = shorthand(alert.long), shorthand(alert.short)
            percent = f"{100 * alert.rate * objective.budget:.4g}% bad"
            if alert.long > DAY:
                percent += ", published hourly"
            least = (
                f"{least_total(objective, alert.rate, objective.least_bad)} events"
                if isinstance(objective.indicator, EventIndicator)
                else "all minutes"
            )
            lines.append(
                row(
                    objective.name,
                    alert.name,
                    alert.severity,
                    f"{alert.rate:g}",
                    f"{long} and {short}",
                    percent,
                    least,
                )
            )
    return "\n".join(lines)


def detection() -> str:
    """Return the table of the replayed detection times of constant error rates."""
    objective = {one.name: one for one in read_objectives()}[EXAMPLE]
    alarms = compile_objective(objective)
    lines = [
        row("error rate", "first notification", "severity", "after", "budget used by then"),
        rule(5),
    ]
    severities = {one.name: one.severity or "" for one in alarms.composites}
    for rate in ERROR_RATES:
        start, length = 4 * 24 * 60, 4 * 24 * 60
        total = np.full(start + length, REQUESTS_A_MINUTE)
        good = total.copy()
        good[start:] = REQUESTS_A_MINUTE * (1 - rate)
        events = EventSeries(good, total)
        found = states(objective, alarms, events)
        fired = [
            (minutes[0], one.name)
            for one in alarms.composites
            if (minutes := notified(found[one.name], None, one.hold))
        ]
        if not fired:
            lines.append(row(f"{100 * rate:g}%", "none in four days", "", "", ""))
            continue
        minute, name = min(fired)
        used = consumed_at(objective, events, minute, days=budget.BUDGET_DAYS)
        after = _span(minute - start + 1)
        lines.append(row(f"{100 * rate:g}%", f"`{name}`", severities[name], after, f"{used:.1f}%"))
    return "\n".join(lines)


def alarms() -> str:
    """Return the table of every alarm that notifies."""
    serving = table.serving_alarms(Thresholds(), sessions=_sessions())
    found: list[Alarm | Composite] = [*serving.notifying()]
    found += table.standby_alarms(Thresholds(), tasks=1).notifying()[:1]
    found += compile_objectives(read_objectives()).notifying()
    lines = [row("alarm", "severity", "when", "what it means", "runbook"), rule(5)]
    for alarm in sorted(found, key=lambda one: (one.severity or "", one.name)):
        when = _when(alarm)
        lines.append(
            row(f"`{alarm.name}`", alarm.severity or "", when, alarm.meaning, f"`{alarm.runbook}`")
        )
    return "\n".join(lines)


def runbooks() -> str:
    """Return the table of the runbooks, and the alarms that name each."""
    found = table.serving_alarms(Thresholds(), sessions=None).notifying()
    lines = [row("runbook", "title", "alarms, besides those of objectives"), rule(3)]
    for book in RUNBOOKS.values():
        names = ", ".join(f"`{alarm.name}`" for alarm in found if alarm.runbook == book.id)
        lines.append(row(f"`{book.id}`", book.title, names or "those of objectives"))
    return "\n".join(lines)


def queries() -> str:
    """Return the saved queries."""
    return "\n\n".join(
        f"`{saved.name}`: {saved.answers}.\n\n```\n{saved.query}\n```" for saved in QUERIES.values()
    )


def dashboards() -> str:
    """Return the dashboards with their pictures."""
    return "\n\n".join(
        f"### {board.title}\n\n![{board.title}](dashboards/{name}.png)"
        for name, board in all_dashboards(read_objectives()).items()
    )


def schema() -> str:
    """Return the JSON Schema of a line of the service's log."""
    return json.dumps(contract.schema(), indent=2) + "\n"


def stale_pictures() -> list[str]:
    """Return the names of the dashboards whose picture has an old fingerprint."""
    return [
        name
        for name, board in all_dashboards(read_objectives()).items()
        if _drawn(name) != _wanted(board)
    ]


def draw(name: str) -> None:
    """Draw a dashboard's picture."""
    board = all_dashboards(read_objectives())[name]
    PICTURES.mkdir(exist_ok=True)
    charts.draw_board(
        board, sample.day([board]), PICTURES / f"{name}.png", fingerprint=_wanted(board)
    )


def row(*cells: str) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def rule(columns: int) -> str:
    """Return the line below a Markdown table's head."""
    return row(*["---"] * columns)


def _sessions() -> int:
    return parse(stackfile.read(stackfile.path_of("prod")), emulated=True).database.max_connections


def _drawn(name: str) -> str:
    path = PICTURES / f"{name}.png"
    if not path.exists():
        return ""
    with Image.open(path) as picture:
        return str(picture.info.get(charts.FINGERPRINT, ""))


def _wanted(board: Dashboard) -> str:
    return fingerprint(board, sample.day([board]))


def _when(alarm: Alarm | Composite) -> str:
    if isinstance(alarm, Alarm):
        return " ".join(_parts(alarm))
    groups = [" and ".join(f"`{part}`" for part in group) for group in alarm.any_of]
    held = f"; not while `{alarm.hold.alarm}` is on" if alarm.hold else ""
    return " or ".join(groups) + held


SIGNS = {
    "GreaterThanThreshold": "above",
    "GreaterThanOrEqualToThreshold": "at least",
    "LessThanThreshold": "below",
    "LessThanOrEqualToThreshold": "at most",
}


def _parts(alarm: Alarm) -> Iterator[str]:
    reading = next(iter(alarm.readings.values()))
    unit = CATALOGUE[reading.metric].unit
    shown = f"{alarm.threshold:g}"
    if not alarm.expression and unit == "Bytes":
        shown = f"{alarm.threshold / 1024**2:g} MiB"
    units = {"Percent": "%", "Days": " days", "Seconds": " s", "Milliseconds": " ms"}
    yield f"{SIGNS[alarm.comparison]} {shown}{'' if alarm.expression else units.get(unit, '')}"
    yield f"in {alarm.datapoints} of {alarm.evaluation_periods} x {shorthand(alarm.period)}"
    if alarm.missing == "breaching":
        yield "or silence"


def _span(minutes: int) -> str:
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes / 60:.1f} h" if minutes < 2 * 24 * 60 else f"{minutes / 24 / 60:.1f} days"
