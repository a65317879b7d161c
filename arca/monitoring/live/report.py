"""A month's objectives as one page, with plots."""

import calendar
import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from arca import files
from arca.clients import client, explained
from arca.errors import ArcaError
from arca.monitoring.live import charts
from arca.monitoring.live.objectives import Hours, description, measured_goals
from arca.monitoring.slo import budget
from arca.monitoring.slo.goal import Goal
from arca.stack import Stack

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { padding: .3rem .8rem; border-bottom: 1px solid #ccc; }
td { text-align: right; } td:first-child, th:first-child { text-align: left; }
.exhausted { color: #b71c1c; font-weight: bold; } .risk { color: #b26a00; } svg { max-width: 100%; }
"""


@dataclass(frozen=True)
class Month:
    """A calendar month in UTC, up to now where it is not over."""

    first: datetime
    last: datetime
    """The first moment that is not in it."""
    days: int

    @classmethod
    def parse(cls, text: str, *, now: datetime) -> Self:
        """Read `2026-10`; raises ArcaError for anything else, and for a month to come."""
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
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        last = min(first + timedelta(days=days), today + timedelta(days=1))
        return cls(first, last, days)


@dataclass(frozen=True)
class Course:
    """How an objective's budget was used up in the month."""

    goal: Goal
    days: list[datetime]
    consumed: list[float]
    """Percent of the month's budget, at the end of each day."""
    bad: float
    total: float

    @property
    def good_percent(self) -> float | None:
        """Share of good events; None without any."""
        return 100 - 100 * self.bad / self.total if self.total else None


def write(
    stack: Stack, month: Month, path: Path, *, watch: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Write the page; give what it says, an objective each."""
    files.check(path)
    cloudwatch, described = client(stack, "cloudwatch"), description(stack)
    courses: list[Course] = []
    for goal, one in zip(measured_goals(stack), described["objectives"], strict=True):
        watch(goal.title)
        with explained(stack, "The report cannot be written"):
            hours = Hours.read(cloudwatch, described, one, now=month.last + timedelta(hours=1))
        courses.append(course(goal, hours, month))
    watch("drawing")
    with files.writing(path):
        path.write_text(page(stack.name, month, courses), encoding="utf-8")
    return [
        {
            "objective": one.goal.name,
            "target_percent": round(100 * one.goal.target, 4),
            "good_percent": one.good_percent,
            "budget_consumed_percent": one.consumed[-1] if one.total else None,
        }
        for one in courses
    ]


def course(goal: Goal, hours: Hours, month: Month) -> Course:
    """The budget's course, against what the month allows at the mean traffic of its hours."""
    found = list(hours.days(month.first, month.last))
    total = sum(day[2] for day in found)
    whole = hours.whole(month.first, month.last, days=month.days)
    consumed: list[float] = []
    bad = 0.0
    for _, bad_today, _ in found:
        bad += bad_today
        consumed.append(
            round(budget.consumed(bad, whole, goal.target, least_bad=goal.least_bad), 2)
        )
    return Course(goal, [day[0] for day in found], consumed, bad, total)


def page(stack: str, month: Month, courses: list[Course]) -> str:
    """The page as HTML that needs nothing else."""
    title = f"Objectives of {stack}, {month.first:%B %Y}"
    rows = "".join(_row(one, month) for one in courses)
    plots = "".join(
        f"<h2>{html.escape(one.goal.title)}</h2><p>{html.escape(one.goal.description)}</p>"
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


def _row(one: Course, month: Month) -> str:
    goal = one.goal
    minutes = budget.allowed_minutes(goal.target, window_days=month.days)
    used = one.consumed[-1] if one.total else None
    mark = "" if used is None or used < 50 else "exhausted" if used >= 100 else "risk"
    good = "no data" if one.good_percent is None else f"{one.good_percent:.3f}%"
    return (
        f"<tr><td>{html.escape(goal.title)}</td><td>{100 * goal.target:g}%</td><td>{good}</td>"
        f'<td>{minutes:.1f} min</td><td class="{mark}">'
        f"{'-' if used is None else f'{used:g}%'}</td></tr>"
    )
