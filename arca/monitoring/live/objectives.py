"""The objectives of a stack as CloudWatch tells them now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from arca.clients import client, explained
from arca.monitoring.budgets import describe
from arca.monitoring.metric import Binding
from arca.monitoring.objectives import goals
from arca.monitoring.slo import budget, publisher
from arca.monitoring.slo.goal import Goal
from arca.stack import Stack

BUDGET_DAYS = budget.BUDGET_DAYS


@dataclass(frozen=True)
class Status:
    """An objective now; None where CloudWatch has no data of it."""

    name: str
    title: str
    target_percent: float
    good_percent: float | None
    consumed_percent: float | None
    left_percent: float | None
    """Of the budget of 30 days; below 0 when it is overdrawn."""
    year_consumed_percent: float | None
    burn_rate: float | None
    """Over the last full hour."""
    days_left: float | None
    """Until the budget of 30 days is gone at that rate; None too where it never is."""

    @property
    def verdict(self) -> str:
        """One word for it."""
        if self.consumed_percent is None:
            return "no data"
        if self.consumed_percent >= 100:
            return "exhausted"
        return "at risk" if self.consumed_percent >= 50 else "ok"

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "verdict": self.verdict}


def measured_goals(stack: Stack) -> tuple[Goal, ...]:
    """The objectives that the stack can measure."""
    return goals(bindings(stack))


def bindings(stack: Stack) -> Mapping[Binding, Sequence[str]]:
    """The stack's values for the catalogue's dimensions."""
    return cast("Mapping[Binding, Sequence[str]]", stack.outputs.observability.bindings)


def description(stack: Stack) -> dict[str, Any]:
    """What the publisher reads of the stack's objectives."""
    return describe(measured_goals(stack), bindings(stack), stage=stack.outputs.stage)


def status(stack: Stack, *, now: datetime) -> list[Status]:
    """Each objective, computed from CloudWatch's own data and not from what was published."""
    cloudwatch = client(stack, "cloudwatch")
    described = description(stack)
    found: list[Status] = []
    with explained(stack, "The objectives cannot be read"):
        for goal, one in zip(measured_goals(stack), described["objectives"], strict=True):
            history = Hours.read(cloudwatch, described, one, now=now)
            found.append(_status(goal, history))
    return found


@dataclass(frozen=True)
class Hours:
    """Bad and all events of an objective, an hour each (arca/monitoring/slo/publisher.py)."""

    bad: Mapping[datetime, float]
    total: Mapping[datetime, float]
    end: datetime
    slices_an_hour: float | None

    @classmethod
    def read(
        cls,
        cloudwatch: Any,
        described: Mapping[str, Any],
        objective: Mapping[str, Any],
        *,
        now: datetime,
    ) -> "Hours":
        """Read a year."""
        end = now.replace(minute=0, second=0, microsecond=0)
        bad, total, _ = publisher.history(cloudwatch, described, objective, end)
        if total is not None:
            return cls(bad, total, end, None)
        each: float = publisher.HOUR / objective["slice"]["seconds"]
        return cls(bad, dict.fromkeys(bad, each), end, each)

    def over(self, span: timedelta) -> tuple[float, float]:
        """Bad and all events of the last hours; of slices all, whether they are known or not."""
        since = self.end - span
        bad = sum(value for hour, value in self.bad.items() if hour >= since)
        total = sum(value for hour, value in self.total.items() if hour >= since)
        if self.slices_an_hour is not None and total:
            total = self.slices_an_hour * span.total_seconds() / publisher.HOUR
        return bad, total

    def elapsed(self, span: timedelta) -> float:
        """The share of a span that has been since the first event; 1 for slices."""
        if self.slices_an_hour is not None or not self.total:
            return 1.0
        return (self.end - min(self.total)) / span

    def whole(self, first: datetime, last: datetime, *, days: int) -> float:
        """All events of so many days, at the mean traffic from the first known hour to the last.

        Of slices there are as many as fit, known or not.
        """
        if self.slices_an_hour is not None:
            return self.slices_an_hour * 24 * days
        known = {hour: n for hour, n in self.total.items() if first <= hour < last and n}
        if not known:
            return 0.0
        span = max(known) + timedelta(hours=1) - min(known)
        return sum(known.values()) * (timedelta(days=days) / span)

    def days(self, first: datetime, last: datetime) -> Iterator[tuple[datetime, float, float]]:
        """Bad and all events of each day between two."""
        day = first
        while day < last:
            following = day + timedelta(days=1)
            hours = [hour for hour in self.total if day <= hour < following]
            yield (
                day,
                sum(self.bad.get(hour, 0.0) for hour in hours),
                sum(self.total[hour] for hour in hours),
            )
            day = following


def _status(goal: Goal, hours: Hours) -> Status:
    month, year = timedelta(days=BUDGET_DAYS), timedelta(days=budget.YEAR_DAYS)
    bad, total = hours.over(month)
    least = goal.least_bad
    if not total:
        return Status(goal.name, goal.title, 100 * goal.target, None, None, None, None, None, None)

    def used(span: timedelta) -> float:
        elapsed = hours.elapsed(span)
        return budget.consumed(*hours.over(span), goal.target, elapsed=elapsed, least_bad=least)

    consumed, of_year = used(month), used(year)
    rate = budget.burn_rate(*hours.over(timedelta(hours=1)), goal.target, least_bad=least)
    left = budget.days_left(consumed, rate)
    return Status(
        goal.name,
        goal.title,
        target_percent=round(100 * goal.target, 4),
        good_percent=round(100 - 100 * bad / total, 4),
        consumed_percent=round(consumed, 2),
        left_percent=round(100 - consumed, 2),
        year_consumed_percent=round(of_year, 2),
        burn_rate=round(rate, 2),
        days_left=None if left == float("inf") else round(left, 2),
    )
