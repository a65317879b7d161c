"""The objectives of a running stack: their events and their state, computed from CloudWatch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Self, cast

from arca.clients import client, explained
from arca.monitoring.catalogue import Binding
from arca.monitoring.slo import budget, publisher
from arca.monitoring.slo.objective import Objective
from arca.monitoring.slo.objectives import read_objectives
from arca.monitoring.slo.publisher_input import publisher_input
from arca.stack import Stack


@dataclass(frozen=True)
class ObjectiveStatus:
    """An objective's state; a value is None where CloudWatch has no data."""

    name: str
    title: str
    target_percent: float
    good_percent: float | None
    consumed_percent: float | None
    left_percent: float | None
    """The rest of the budget of 30 days; below 0 when it is overdrawn."""
    year_consumed_percent: float | None
    burn_rate: float | None
    """The burn rate over the last full hour."""
    days_left: float | None
    """Days until the budget of 30 days is gone at that rate; None too where nothing burns."""

    @property
    def verdict(self) -> str:
        """The state in a word or two."""
        if self.consumed_percent is None:
            return "no data"
        if self.consumed_percent >= 100:
            return "exhausted"
        return "at risk" if self.consumed_percent >= 50 else "ok"

    def as_json(self) -> dict[str, Any]:
        """Return the fields for `--json`."""
        return {**asdict(self), "verdict": self.verdict}


def measured_objectives(stack: Stack) -> tuple[Objective, ...]:
    """Return the objectives that the stack can measure."""
    return read_objectives(bindings(stack))


def bindings(stack: Stack) -> Mapping[Binding, Sequence[str]]:
    """Return the stack's values for the dimensions of the catalogue."""
    return cast("Mapping[Binding, Sequence[str]]", stack.outputs.observability.bindings)


def input_of_publisher(stack: Stack) -> dict[str, Any]:
    """Return the publisher's input for the stack's objectives."""
    return publisher_input(measured_objectives(stack), bindings(stack), stage=stack.outputs.stage)


def objective_statuses(stack: Stack, *, now: datetime) -> list[ObjectiveStatus]:
    """Compute the state of each objective from CloudWatch, over the full hours before `now`."""
    cloudwatch = client(stack, "cloudwatch")
    described = input_of_publisher(stack)
    end = now.replace(minute=0, second=0, microsecond=0)
    found: list[ObjectiveStatus] = []
    with explained(stack, "The objectives cannot be read"):
        for objective, one in zip(measured_objectives(stack), described["objectives"], strict=True):
            history = EventHistory.read(cloudwatch, described, one, end=end)
            found.append(_status(objective, history))
    return found


@dataclass(frozen=True)
class EventHistory:
    """The bad and all events of an objective by the hour, before `end`."""

    bad: Mapping[datetime, float]
    total: Mapping[datetime, float]
    end: datetime
    slices_an_hour: float | None
    """None where the objective counts events."""

    @classmethod
    def read(
        cls,
        cloudwatch: Any,
        described: Mapping[str, Any],
        objective: Mapping[str, Any],
        *,
        end: datetime,
        hourly_days: int = budget.BUDGET_DAYS,
    ) -> Self:
        """Read the year before `end`, a full hour; `hourly_days` of it by the hour.

        `described` is the publisher's input, `objective` its entry of one objective.
        """
        bad, total, _ = publisher.history(
            cloudwatch, described, objective, end, hourly_days=hourly_days
        )
        if total is not None:
            return cls(bad, total, end, None)
        each: float = publisher.HOUR / objective["slice"]["seconds"]
        return cls(bad, dict.fromkeys(bad, each), end, each)

    def over(self, span: timedelta) -> tuple[float, float]:
        """Return the bad and all events of the last `span`.

        Slices all count, known or not: they are spread evenly.
        """
        since = self.end - span
        bad = sum(value for hour, value in self.bad.items() if hour >= since)
        total = sum(value for hour, value in self.total.items() if hour >= since)
        if self.slices_an_hour is not None and total:
            total = self.slices_an_hour * span.total_seconds() / publisher.HOUR
        return bad, total

    def elapsed(self, span: timedelta) -> float:
        """Return the share of a span since the first event; 1 for slices."""
        if self.slices_an_hour is not None or not self.total:
            return 1.0
        return (self.end - min(self.total)) / span

    def whole(self, first: datetime, last: datetime, *, days: int) -> float:
        """Return all events of some days, at the mean traffic of the known hours in between.

        For slices, return as many as fit into the days.
        """
        if self.slices_an_hour is not None:
            return self.slices_an_hour * 24 * days
        known = {hour: n for hour, n in self.total.items() if first <= hour < last and n}
        if not known:
            return 0.0
        span = max(known) + timedelta(hours=1) - min(known)
        return sum(known.values()) * (timedelta(days=days) / span)

    def days(self, first: datetime, last: datetime) -> Iterator[tuple[datetime, float, float]]:
        """Yield each day from `first` until `last`, with its bad and all events."""
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


def _status(objective: Objective, history: EventHistory) -> ObjectiveStatus:
    target_percent = round(100 * objective.target, 4)
    month, year = timedelta(days=budget.BUDGET_DAYS), timedelta(days=budget.YEAR_DAYS)
    bad, total = history.over(month)
    least = objective.least_bad
    if not total:
        return ObjectiveStatus(
            name=objective.name,
            title=objective.title,
            target_percent=target_percent,
            good_percent=None,
            consumed_percent=None,
            left_percent=None,
            year_consumed_percent=None,
            burn_rate=None,
            days_left=None,
        )

    def used(span: timedelta) -> float:
        return budget.consumed(
            *history.over(span), objective.target, elapsed=history.elapsed(span), least_bad=least
        )

    consumed, of_year = used(month), used(year)
    last_hour = history.over(timedelta(hours=1))
    rate = budget.burn_rate(*last_hour, objective.target, least_bad=least)
    left = budget.days_left(consumed, rate)
    return ObjectiveStatus(
        name=objective.name,
        title=objective.title,
        target_percent=target_percent,
        good_percent=round(100 - 100 * bad / total, 4),
        consumed_percent=round(consumed, 2),
        left_percent=round(100 - consumed, 2),
        year_consumed_percent=round(of_year, 2),
        burn_rate=round(rate, 2),
        days_left=None if left == float("inf") else round(left, 2),
    )
