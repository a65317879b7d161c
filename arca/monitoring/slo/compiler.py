"""From an objective to CloudWatch's alarms: several windows, several burn rates.

Source of the method: SRE workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts". An alert
fires while the budget burns too fast over a long window, so that it matters, and over a short
one, so that it ends soon after the trouble.
"""

import math

from arca.monitoring.slo.cloudwatch import Alarm, Alarms, Comparison, Composite, Reading, Severity
from arca.monitoring.slo.duration import DAY, HOUR, MINUTE, shorthand
from arca.monitoring.slo.goal import BUDGET_DAYS, Events, Goal, Policy, Slices

TRAFFIC = "edge.requests"
"""What customers sent, counted by the load balancer: it tells no traffic from no telemetry."""
BURN_RATE, CONSUMED = "slo.burn-rate", "slo.budget-consumed"
"""Metrics that the budget's publisher computes (arca/monitoring/slo/publisher.py)."""
BUDGET_ALARMS: tuple[tuple[int, Severity], ...] = ((50, "SEV3"), (75, "SEV3"), (100, "SEV2"))
"""Percent of the budget consumed, and how severe."""
BREACH: dict[str, Comparison] = {
    "gte": "LessThanThreshold",
    "gt": "LessThanOrEqualToThreshold",
    "lte": "GreaterThanThreshold",
    "lt": "GreaterThanOrEqualToThreshold",
}
"""What breaks an objective's operator."""


def compile_goal(goal: Goal) -> Alarms:
    """Every alarm of one objective."""
    burns = [_burn(goal, policy) for policy in goal.policies]
    composites: list[Composite] = []
    for policy, pair in zip(goal.policies, burns, strict=True):
        name = f"{goal.name}-{policy.name}"
        composites.append(
            Composite(
                name=name,
                title=f"{goal.title}: {policy.title.lower()}",
                all_of=tuple(alarm.name for alarm in pair),
                # The slower stays quiet while a faster one speaks.
                none_of=tuple(faster.name for faster in composites),
                severity=policy.severity,
                runbook=goal.runbook,
                meaning=f"The error budget burns more than {policy.rate:g} times too fast over "
                f"{shorthand(policy.long)} and over {shorthand(policy.short)}. "
                f"{goal.description}",
            )
        )
    singles = (*_quiet(goal), _lost(goal), *_budgets(goal))
    return Alarms((*(alarm for pair in burns for alarm in pair), *singles), tuple(composites))


def least_total(goal: Goal, rate: float) -> int:
    """Events below which a window counts as if it had this many.

    At 99.95% and a burn rate of 14.4, one failure among 138 requests is a breach; with the
    denominator filled up, `least_bad` failures are needed at any traffic.
    """
    return math.ceil(goal.least_bad / (rate * goal.budget))


def _burn(goal: Goal, policy: Policy) -> tuple[Alarm, Alarm]:
    """The long and the short window of a policy."""
    if policy.long > DAY:
        return (
            _published(goal, policy, policy.long),
            _published(goal, policy, policy.short),
        )
    if isinstance(goal.indicator, Slices):
        return (
            _slices(goal, policy, goal.indicator, policy.long, least=goal.least_bad),
            _slices(goal, policy, goal.indicator, policy.short, least=1),
        )
    return (
        _events(goal, policy, goal.indicator, policy.long),
        _events(goal, policy, goal.indicator, policy.short),
    )


def _events(goal: Goal, policy: Policy, events: Events, window: int) -> Alarm:
    """One datapoint over the whole window: sums divided, never ratios averaged."""
    readings, bad = _bad(events)
    total, least = "FILL(total, 0)", least_total(goal, policy.rate)
    return Alarm(
        name=_name(goal, policy, window),
        title=f"{goal.title}: % bad in {shorthand(window)}",
        readings=readings,
        expression=f"100 * ({bad}) / IF({total} < {least}, {least}, {total})",
        comparison="GreaterThanThreshold",
        threshold=_percent(policy.rate * goal.budget),
        period=window,
        runbook=goal.runbook,
        meaning=_part_of(goal, policy),
    )


def _slices(goal: Goal, policy: Policy, slices: Slices, window: int, *, least: int) -> Alarm:
    """One datapoint a slice, M of N of them bad: an alarm's own counting is the budgeting."""
    number = window // slices.seconds
    allowed = math.floor(round(policy.rate * goal.budget * number, 9))
    return Alarm(
        name=_name(goal, policy, window),
        title=f"{goal.title}: bad slices in {shorthand(window)}",
        readings={"slice": slices.reading},
        comparison=BREACH[slices.op],
        threshold=slices.value,
        period=slices.seconds,
        evaluation_periods=number,
        datapoints=max(allowed + 1, least),
        runbook=goal.runbook,
        meaning=_part_of(goal, policy),
    )


def _published(goal: Goal, policy: Policy, window: int) -> Alarm:
    """For a window beyond an alarm's day: the burn rate that the publisher computes hourly.

    An alarm's periods may span seven days, but a period is a day at most, and the ratio of three
    days is not that of three ratios (CloudWatch API reference, PutMetricAlarm).
    """
    return Alarm(
        name=_name(goal, policy, window),
        title=f"{goal.title}: burn rate over {shorthand(window)}",
        readings={
            "burn": Reading(BURN_RATE, "Maximum", {"SLO": goal.name, "Window": shorthand(window)})
        },
        comparison="GreaterThanThreshold",
        threshold=policy.rate,
        period=HOUR,
        evaluation_periods=2,
        runbook=goal.runbook,
        # Published once an hour: the value of before holds until the next.
        missing="ignore",
        meaning=_part_of(goal, policy),
    )


def _quiet(goal: Goal) -> tuple[Alarm, ...]:
    """Failures by their number, while there is too little traffic for a ratio.

    A long outage at night never fills the short windows with the failures that they want.
    """
    if not isinstance(goal.indicator, Events):
        return ()
    readings, bad = _bad(goal.indicator)
    least = least_total(goal, goal.policies[0].rate) if goal.policies else goal.least_bad
    return (
        Alarm(
            name=f"{goal.name}-quiet",
            title=f"{goal.title}: failures at low traffic",
            readings=readings,
            expression=f"IF(FILL(total, 0) < {least}, {bad}, 0)",
            comparison="GreaterThanOrEqualToThreshold",
            threshold=goal.least_bad,
            period=HOUR,
            severity="SEV2",
            runbook=goal.runbook,
            meaning=f"{goal.least_bad} bad events in an hour with fewer than {least} in all: too "
            "few for a burn rate, and still an outage for those who came.",
        ),
    )


def _lost(goal: Goal) -> Alarm:
    """No data although customers come: the alarms above would stay silent in an outage."""
    name, title = f"{goal.name}-lost-telemetry", f"{goal.title}: no data"
    meaning = "The indicator has no data, so none of its alarms can fire."
    if isinstance(goal.indicator, Slices):
        reading = goal.indicator.reading
        return Alarm(
            name=name,
            title=title,
            readings={"runs": Reading(reading.metric, "SampleCount")},
            expression="FILL(runs, 0)",
            comparison="LessThanThreshold",
            threshold=1,
            period=5 * MINUTE,
            evaluation_periods=3,
            datapoints=3,
            missing="breaching",
            severity="SEV3",
            runbook=goal.runbook,
            meaning=meaning,
        )
    return Alarm(
        name=name,
        title=title,
        readings={"requests": Reading(TRAFFIC, "Sum"), "total": goal.indicator.total},
        expression=f"IF(FILL(requests, 0) < {goal.lost_after}, 0, IF(FILL(total, 0) < 1, 1, 0))",
        comparison="GreaterThanOrEqualToThreshold",
        threshold=1,
        period=15 * MINUTE,
        evaluation_periods=2,
        datapoints=2,
        severity="SEV3",
        runbook=goal.runbook,
        meaning=meaning,
    )


def _budgets(goal: Goal) -> tuple[Alarm, ...]:
    """The budget of 30 days, as the publisher computes it hourly."""
    reading = Reading(CONSUMED, "Maximum", {"SLO": goal.name, "Window": f"{BUDGET_DAYS}d"})
    return tuple(
        Alarm(
            name=f"{goal.name}-budget-{percent}",
            title=f"{goal.title}: {percent}% of the error budget consumed",
            readings={"consumed": reading},
            comparison="GreaterThanOrEqualToThreshold",
            threshold=percent,
            period=HOUR,
            evaluation_periods=2,
            missing="ignore",
            severity=severity,
            runbook=goal.runbook,
            meaning=f"{percent}% of what {100 * goal.target:g}% allows in {BUDGET_DAYS} days is "
            "used up; docs/monitoring.md says what follows.",
        )
        for percent, severity in BUDGET_ALARMS
    )


def _bad(events: Events) -> tuple[dict[str, Reading], str]:
    """The readings, and the number of bad events as an expression over them."""
    if events.bad is not None:
        return {"bad": events.bad, "total": events.total}, "FILL(bad, 0)"
    if events.good is None:
        message = "an indicator has good or bad events"
        raise AssertionError(message)
    return {"good": events.good, "total": events.total}, "FILL(total, 0) - FILL(good, 0)"


def _name(goal: Goal, policy: Policy, window: int) -> str:
    return f"{goal.name}-{policy.name}-{shorthand(window)}"


def _part_of(goal: Goal, policy: Policy) -> str:
    return f"Half of {goal.name}-{policy.name}; notifies nobody by itself."


def _percent(share: float) -> float:
    """Without the dust of binary fractions, which would show as a change in every preview."""
    return float(f"{100 * share:.10g}")
