"""The generated parts of docs/monitoring.md and docs/service-contract.md, and the pictures."""

import json
from collections.abc import Iterator, Mapping

import numpy as np
from PIL import Image

from arca import checkout
from arca.cli.dashboard import fingerprint
from arca.emulator.program import stackfile
from arca.monitoring import alarms as table
from arca.monitoring import contract, sample
from arca.monitoring.board import Board
from arca.monitoring.catalogue import CATALOGUE, GROUPS
from arca.monitoring.dashboards import boards
from arca.monitoring.live import charts
from arca.monitoring.objectives import goals
from arca.monitoring.queries import QUERIES
from arca.monitoring.runbooks import RUNBOOKS
from arca.monitoring.slo import budget
from arca.monitoring.slo.cloudwatch import Alarm, Composite
from arca.monitoring.slo.compiler import compile_goal, least_total
from arca.monitoring.slo.duration import DAY, shorthand
from arca.monitoring.slo.goal import Events
from arca.monitoring.slo.replay import Recorded, consumed_at, replay
from arca.monitoring.thresholds import Thresholds
from settings.load import parse

PICTURES = checkout.root() / "docs" / "dashboards"
EXAMPLE = "errors"
"""The objective whose figures stand in the page."""
TRAFFIC = 1000.0
RATES = (1.0, 0.1, 0.01, 0.005, 0.0015, 0.001)


def catalogue() -> str:
    """Every metric, by group."""
    lines = [row("metric", "CloudWatch", "unit", "statistic", "role", "from", "what"), rule(7)]
    for group, metrics in GROUPS.items():
        lines.append(row(f"**{group}**", "", "", "", "", "", ""))
        for metric in metrics:
            dimensions = ", ".join([*metric.dimensions, *metric.splits])
            lines.append(
                row(
                    f"`{metric.id}`", f"{metric.namespace} `{metric.name}` ({dimensions})",
                    metric.unit, metric.stat, metric.role, metric.emitter, metric.meaning,
                )
            )  # fmt: skip # one call
    return "\n".join(lines)


def emitted() -> str:
    """What the service emits."""
    lines = [row("metric", "unit", "dimensions", "what"), rule(4)]
    for metric in contract.EMITTED.values():
        dimensions = ", ".join(f"`{name}`" for name in (*metric.dimensions, *metric.splits))
        lines.append(row(f"`{metric.name}`", metric.unit, dimensions, metric.meaning))
    return "\n".join(lines)


def objectives() -> str:
    """The objectives and their budgets."""
    lines = [row("objective", "target", "good is", "budget in 30 days", "in a year", "runbook")]
    lines.append(rule(6))
    for goal in goals():
        indicator = goal.indicator
        if not isinstance(indicator, Events):
            said = f"a minute with `{indicator.reading.metric}` {indicator.op} {indicator.value:g}"
        elif indicator.bad is not None:
            said = f"all but `{indicator.bad.metric}` of `{indicator.total.metric}`"
        elif indicator.good is not None:
            said = f"`{indicator.good.metric}` of `{indicator.total.metric}`"
        else:
            message = f"{goal.name} has neither good nor bad events"
            raise AssertionError(message)
        month = budget.allowed_minutes(goal.target)
        year = budget.allowed_minutes(goal.target, window_days=365) / 60
        lines.append(
            row(
                f"`{goal.name}`: {goal.description}", f"{100 * goal.target:g}%", said,
                f"{month:.1f} min", f"{year:.2f} h", f"`{goal.runbook}`",
            )
        )  # fmt: skip # one call
    return "\n".join(lines)


def windows() -> str:
    """The windows and thresholds of each objective."""
    lines = [row("objective", "alert", "severity", "burn rate", "windows", "threshold",
                 "counts as at least"), rule(7)]  # fmt: skip # one call
    for goal in goals():
        for policy in goal.policies:
            long, short = shorthand(policy.long), shorthand(policy.short)
            percent = f"{100 * policy.rate * goal.budget:.4g}% bad"
            if policy.long > DAY:
                percent += ", published hourly"
            least = (
                f"{least_total(goal, policy.rate)} events"
                if isinstance(goal.indicator, Events)
                else "all minutes"
            )
            lines.append(
                row(
                    goal.name, policy.name, policy.severity, f"{policy.rate:g}",
                    f"{long} and {short}", percent, least,
                )
            )  # fmt: skip # one call
    return "\n".join(lines)


def detection() -> str:
    """What the replay says of constant error rates, for one objective."""
    goal = {goal.name: goal for goal in goals()}[EXAMPLE]
    alarms = compile_goal(goal)
    lines = [row("error rate", "first alert", "severity", "after", "budget used by then"), rule(5)]
    severities = {composite.name: composite.severity for composite in alarms.composites}
    for rate in RATES:
        start, length = 4 * 24 * 60, 4 * 24 * 60
        total = np.full(start + length, TRAFFIC)
        good = total.copy()
        good[start:] = TRAFFIC * (1 - rate)
        recorded = Recorded(good, total)
        fired = [
            (firings[0].fired, name)
            for name, firings in replay(goal, alarms, recorded).items()
            if firings and name in severities
        ]
        if not fired:
            lines.append(row(f"{100 * rate:g}%", "none in four days", "", "", ""))
            continue
        minute, name = min(fired)
        used = consumed_at(goal, recorded, minute, days=30)
        after = _span(minute - start + 1)
        lines.append(row(f"{100 * rate:g}%", f"`{name}`", severities[name], after, f"{used:.1f}%"))
    return "\n".join(lines)


def alarms() -> str:
    """Every alarm that notifies."""
    serving = table.serving(Thresholds(), sessions=_sessions())
    signals = {alarm.name: alarm for alarm in serving.alarms}
    found: list[Alarm | Composite] = [*serving.notifying()]
    found += table.following(Thresholds()).notifying()[:1]
    found += [table.maintenance()]
    for goal in goals():
        found += compile_goal(goal).notifying()
    lines = [row("alarm", "severity", "when", "what it means", "runbook"), rule(5)]
    for alarm in sorted(found, key=lambda one: (one.severity or "", one.name)):
        when = _when(alarm, signals)
        lines.append(
            row(f"`{alarm.name}`", alarm.severity or "", when, alarm.meaning, f"`{alarm.runbook}`")
        )
    return "\n".join(lines)


def runbooks() -> str:
    """The ten, and the alarms that lead to each."""
    found = [*table.serving(Thresholds(), sessions=None).notifying(), table.maintenance()]
    lines = [row("runbook", "title", "alarms, besides those of objectives"), rule(3)]
    for book in RUNBOOKS.values():
        names = ", ".join(f"`{alarm.name}`" for alarm in found if alarm.runbook == book.id)
        lines.append(row(f"`{book.id}`", book.title, names or "those of objectives"))
    return "\n".join(lines)


def queries() -> str:
    """The saved queries."""
    return "\n\n".join(
        f"`{saved.name}`: {saved.answers}.\n\n```\n{saved.query}\n```" for saved in QUERIES.values()
    )


def dashboards() -> str:
    """The dashboards, with their pictures."""
    return "\n\n".join(
        f"### {board.title}\n\n![{board.title}](dashboards/{name}.png)"
        for name, board in boards(goals()).items()
    )


def schema() -> str:
    """The JSON Schema of a line of the service's log."""
    return json.dumps(contract.schema(), indent=2) + "\n"


def stale_pictures() -> list[str]:
    """Dashboards whose picture was drawn from something else."""
    return [name for name, board in boards(goals()).items() if _drawn(name) != _wanted(board)]


def draw(name: str) -> None:
    """Draw a dashboard's picture anew."""
    board = boards(goals())[name]
    PICTURES.mkdir(exist_ok=True)
    charts.draw_board(
        board, sample.day([board]), PICTURES / f"{name}.png", fingerprint=_wanted(board)
    )


def row(*cells: str) -> str:
    """A table's row."""
    return f"| {' | '.join(cells)} |"


def rule(columns: int) -> str:
    """The line below a table's head."""
    return row(*["---"] * columns)


def _sessions() -> int | None:
    config = stackfile.stack_config("prod")
    return parse(config, emulated=True).database.max_connections


def _drawn(name: str) -> str:
    path = PICTURES / f"{name}.png"
    if not path.exists():
        return ""
    with Image.open(path) as picture:
        return str(picture.info.get(charts.FINGERPRINT, ""))


def _wanted(board: Board) -> str:
    return fingerprint(board, sample.day([board]))


def _when(alarm: Alarm | Composite, signals: Mapping[str, Alarm]) -> str:
    if isinstance(alarm, Alarm):
        return " ".join(_parts(alarm))
    if alarm.none_of:
        return f"all of {len(alarm.all_of)} windows, and no faster alert"
    if len(alarm.all_of) == 2:
        return "both windows"
    (signal,) = alarm.all_of
    return f"{' '.join(_parts(signals[signal]))}; muted in maintenance"


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
