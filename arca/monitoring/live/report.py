"""The report of a month: each objective's error budget as one HTML page, with plots."""

import calendar
import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from arca import files
from arca.clients import client, explained
from arca.errors import ArcaError
from arca.monitoring.live import charts
from arca.monitoring.live.objectives import (
    EventHistory,
    input_of_publisher,
    measured_objectives,
)
from arca.monitoring.slo import budget
from arca.monitoring.slo.objective import Objective
from arca.stack import Stack

LONGEST_MONTH_DAYS = 31
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { padding: .3rem .8rem; border-bottom: 1px solid #ccc; }
td { text-align: right; } td:first-child, th:first-child { text-align: left; }
.exhausted { color: #b71c1c; font-weight: bold; } .risk { color: #b26a00; } svg { max-width: 100%; }
"""


@dataclass(frozen=True)
class Month:
    """A calendar month in UTC; the running one ends with today."""

    first: datetime
    last: datetime
    """The first moment after its last day, or after today in the running month."""
    known_until: datetime
    """The end of the data: the end of the month or, in the running one, of the running hour."""
    days: int
    """Days of the whole month."""

    @classmethod
    def parse(cls, text: str, *, now: datetime) -> Self:
        """Read a month such as `2026-10`; raises ArcaError for another text or a future month."""
        found = re.fullmatch(r"(20\d{2})-(0[1-9]|1[0-2])", text)
        first = datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC) if found else now
        if found is None or first > now:
            raise ArcaError(
                f"There is no report for {text!r}.",
                where="--month",
                wanted="a month that has begun, as 2026-10",
                do="give another month",
            )
        days = calendar.monthrange(first.year, first.month)[1]
        following = first + timedelta(days=days)
        hour = now.replace(minute=0, second=0, microsecond=0)
        tomorrow = hour.replace(hour=0) + timedelta(days=1)
        return cls(
            first=first,
            last=min(following, tomorrow),
            known_until=min(following, hour + timedelta(hours=1)),
            days=days,
        )


@dataclass(frozen=True)
class BudgetCourse:
    """The use of an objective's budget over a month."""

    objective: Objective
    days: list[datetime]
    consumed: list[float]
    """Percent of the month's budget that is used at the end of each day."""
    bad: float
    total: float

    @property
    def good_percent(self) -> float | None:
        """The percentage of good events; None without any event."""
        return 100 - 100 * self.bad / self.total if self.total else None


def write_report(
    stack: Stack, month: Month, path: Path, *, watch: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Write the page; return the summary of each objective for `--json`.

    Raises ArcaError where the page cannot be written or CloudWatch cannot be read.
    """
    files.check(path)
    cloudwatch, described = client(stack, "cloudwatch"), input_of_publisher(stack)
    courses: list[BudgetCourse] = []
    for objective, one in zip(measured_objectives(stack), described["objectives"], strict=True):
        watch(objective.title)
        with explained(stack, "The report cannot be written"):
            history = read_month(cloudwatch, described, one, month)
        courses.append(budget_course(objective, history, month))
    watch("drawing")
    with files.writing(path):
        path.write_text(report_page(stack.name, month, courses), encoding="utf-8")
    return [
        {
            "objective": one.objective.name,
            "target_percent": round(100 * one.objective.target, 4),
            "good_percent": one.good_percent,
            "budget_consumed_percent": one.consumed[-1] if one.total else None,
        }
        for one in courses
    ]


def read_month(
    cloudwatch: Any, described: Mapping[str, Any], objective: Mapping[str, Any], month: Month
) -> EventHistory:
    """Read the month's events by the hour, the running hour included and no later one."""
    return EventHistory.read(
        cloudwatch, described, objective, end=month.known_until, hourly_days=LONGEST_MONTH_DAYS
    )


def budget_course(objective: Objective, history: EventHistory, month: Month) -> BudgetCourse:
    """Return the use of the budget that the month allows at the mean traffic of its hours."""
    found = list(history.days(month.first, month.last))
    total = sum(day[2] for day in found)
    whole = history.whole(month.first, month.last, days=month.days)
    consumed: list[float] = []
    bad = 0.0
    for _, bad_today, _ in found:
        bad += bad_today
        consumed.append(
            round(budget.consumed(bad, whole, objective.target, least_bad=objective.least_bad), 2)
        )
    return BudgetCourse(objective, [day[0] for day in found], consumed, bad, total)


def report_page(stack: str, month: Month, courses: list[BudgetCourse]) -> str:
    """Return the page as HTML that loads nothing else."""
    title = f"Objectives of {stack}, {month.first:%B %Y}"
    rows = "".join(_row(one, month) for one in courses)
    plots = "".join(
        f"<h2>{html.escape(one.objective.title)}</h2><p>{html.escape(one.objective.description)}</p>"
        + (
            charts.budget_svg("Error budget of the month", one.days, one.consumed)
            if one.total
            else "<p>CloudWatch has no data of this month.</p>"
        )
        for one in courses
    )
    nothing = "" if courses else "<p>This stack measures no objective.</p>"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}'
        f"</title><style>{STYLE}</style></head><body><h1>{html.escape(title)}</h1>"
        f"<p>From {month.first:%Y-%m-%d} until {month.last:%Y-%m-%d} UTC, exclusive.</p>{nothing}"
        "<table><thead><tr><th>objective</th><th>target</th><th>good</th><th>budget</th>"
        f"<th>used</th></tr></thead><tbody>{rows}</tbody></table>{plots}</body></html>\n"
    )


def _row(one: BudgetCourse, month: Month) -> str:
    objective = one.objective
    minutes = budget.allowed_minutes(objective.target, window_days=month.days)
    used = one.consumed[-1] if one.total else None
    mark = "" if used is None or used < 50 else "exhausted" if used >= 100 else "risk"
    good = "no data" if one.good_percent is None else f"{one.good_percent:.3f}%"
    return (
        f"<tr><td>{html.escape(objective.title)}</td><td>{100 * objective.target:g}%</td>"
        f"<td>{good}</td>"
        f'<td>{minutes:.1f} min</td><td class="{mark}">'
        f"{'-' if used is None else f'{used:g}%'}</td></tr>"
    )
