"""Alarms that watch over the objectives: lost data, a silent publisher, a budget used up."""

from collections.abc import Sequence

from arca.monitoring.alarm import Alarm, Reading
from arca.monitoring.slo.budget import BUDGET_DAYS
from arca.monitoring.slo.duration import HOUR, MINUTE
from arca.monitoring.slo.objective import EventIndicator, Objective, SliceIndicator, sum_of

WORK, LEAST_WORK = "business.invoices", 10
"""What the service is for, and how much of it in a quarter of an hour shows that it works."""
BURN_RATE, CONSUMED = "slo.burn-rate", "slo.budget-consumed"
"""Metrics that the budget's publisher computes (arca/monitoring/slo/publisher.py)."""
BUDGET_PERCENT = 75
"""Percent of the budget of 30 days whose use makes a ticket."""


def lost(objective: Objective, slices: SliceIndicator) -> Alarm:
    """Return an alarm on missing slices: the probe itself is silent."""
    return Alarm(
        name=f"{objective.name}-lost-telemetry",
        title=f"{objective.title}: no data",
        readings={"runs": Reading(slices.reading.metric, "SampleCount")},
        expression="FILL(runs, 0)",
        comparison="LessThanThreshold",
        threshold=1,
        period=5 * MINUTE,
        evaluation_periods=3,
        datapoints=3,
        missing="breaching",
        severity="SEV3",
        runbook=objective.runbook,
        meaning="The indicator has no data, so none of its alarms can fire.",
    )


def uncounted(objectives: Sequence[Objective]) -> Alarm:
    """Return an alarm on invoices that are counted while what an objective counts is not.

    Requests at the load balancer would not do: most of them at night are health checks, which the
    service does not count. A metric that is among the bad or good events as well would not do
    either: the load balancer still counts its own errors.
    """
    groups = [
        one.indicator.uncounted() for one in objectives if isinstance(one.indicator, EventIndicator)
    ]
    totals = {reading.metric: reading for group in groups for reading in group}
    ids = {metric: f"total{number}" for number, metric in enumerate(totals)}
    sums = [sum_of([ids[reading.metric] for reading in group]) for group in groups]
    least = "1"
    for total in reversed(dict.fromkeys(sums)):
        least = f"IF({total} < 1, 0, {least})"
    return Alarm(
        name="telemetry-lost",
        title="Nothing counted while invoices are made",
        readings={
            "invoices": Reading(WORK, "Sum"),
            **{ids[metric]: reading for metric, reading in totals.items()},
        },
        expression=f"IF(FILL(invoices, 0) < {LEAST_WORK}, 1, {least})",
        comparison="LessThanThreshold",
        threshold=1,
        period=15 * MINUTE,
        evaluation_periods=2,
        datapoints=2,
        severity="SEV3",
        runbook=objectives[0].runbook,
        meaning="An indicator has no data, so none of its alarms can fire: `arca contract check` "
        "on the service's log says what it no longer emits.",
    )


def unpublished(objective: Objective) -> Alarm:
    """Return an alarm on the publisher, whose alarms keep their last state without data."""
    return Alarm(
        name="publisher-silent",
        title="No error budget was published",
        readings={
            "burn": Reading(BURN_RATE, "SampleCount", {"SLO": objective.name, "Window": "1h"})
        },
        comparison="LessThanThreshold",
        threshold=1,
        period=3 * HOUR,
        missing="breaching",
        severity="SEV3",
        runbook=objective.runbook,
        meaning="The function that computes the error budgets has put nothing for three hours: "
        "budgets and tickets stand still. Its log says why; `arca slo publish` makes up for it.",
    )


def budget_used(objective: Objective) -> Alarm:
    """Return the alarm on the budget of 30 days, which the publisher computes hourly."""
    reading = Reading(CONSUMED, "Maximum", {"SLO": objective.name, "Window": f"{BUDGET_DAYS}d"})
    return Alarm(
        name=f"{objective.name}-budget",
        title=f"{objective.title}: {BUDGET_PERCENT}% of the error budget consumed",
        readings={"consumed": reading},
        comparison="GreaterThanOrEqualToThreshold",
        threshold=BUDGET_PERCENT,
        period=HOUR,
        evaluation_periods=2,
        missing="ignore",
        severity="SEV3",
        runbook=objective.runbook,
        meaning=f"{BUDGET_PERCENT}% of what {100 * objective.target:g}% allows in {BUDGET_DAYS} "
        "days is used up; docs/monitoring.md says what follows.",
    )
