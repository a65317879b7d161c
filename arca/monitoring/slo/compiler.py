"""Compile an objective to CloudWatch's alarms: several windows, several burn rates.

Source of the method: SRE workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts". An alert
fires while the budget burns too fast over a long window, which shows that it matters, and over a
short one, which ends the alert soon after the trouble.
"""

import math

from arca.monitoring.alarm import Alarm, Alarms, Comparison, Composite, Reading
from arca.monitoring.slo.budget import BUDGET_DAYS
from arca.monitoring.slo.duration import DAY, HOUR, MINUTE, shorthand
from arca.monitoring.slo.objective import BurnRateAlert, EventIndicator, Objective, SliceIndicator
from arca.naming import Severity

TRAFFIC_METRIC = "edge.requests"
"""Requests counted by the load balancer: they tell no traffic from no telemetry."""
BURN_RATE, CONSUMED = "slo.burn-rate", "slo.budget-consumed"
"""Metrics that the budget's publisher computes (arca/monitoring/slo/publisher.py)."""
BUDGET_ALARMS: tuple[tuple[int, Severity], ...] = ((50, "SEV3"), (75, "SEV3"), (100, "SEV2"))
"""Percent of the budget consumed, and the severity of its alarm."""
BREACH: dict[str, Comparison] = {
    "gte": "LessThanThreshold",
    "gt": "LessThanOrEqualToThreshold",
    "lte": "GreaterThanThreshold",
    "lt": "GreaterThanOrEqualToThreshold",
}
"""The comparison that breaks an objective's operator."""


def compile_objective(objective: Objective) -> Alarms:
    """Return every alarm of one objective."""
    burns = [_burn(objective, alert) for alert in objective.alerts]
    composites: list[Composite] = []
    for alert, pair in zip(objective.alerts, burns, strict=True):
        name = f"{objective.name}-{alert.name}"
        composites.append(
            Composite(
                name=name,
                title=f"{objective.title}: {alert.title.lower()}",
                all_of=tuple(alarm.name for alarm in pair),
                # The slower alert stays quiet while a faster one fires.
                none_of=tuple(faster.name for faster in composites),
                severity=alert.severity,
                runbook=objective.runbook,
                meaning=f"The error budget burns more than {alert.rate:g} times too fast over "
                f"{shorthand(alert.long)} and over {shorthand(alert.short)}. "
                f"{objective.description}",
            )
        )
    singles = (*_quiet(objective), _lost(objective), *_budgets(objective))
    return Alarms((*(alarm for pair in burns for alarm in pair), *singles), tuple(composites))


def least_total(objective: Objective, rate: float) -> int:
    """Return the least number of events that a window counts; with fewer, it counts this many.

    At 99.95% and a burn rate of 14.4, one failure among 138 requests is a breach; with the
    denominator filled up, `least_bad` failures are needed at any traffic.
    """
    return math.ceil(objective.least_bad / (rate * objective.budget))


def _burn(objective: Objective, alert: BurnRateAlert) -> tuple[Alarm, Alarm]:
    """Return the alarms on the long and on the short window of an alert."""
    if alert.long > DAY:
        return (
            _published(objective, alert, alert.long),
            _published(objective, alert, alert.short),
        )
    if isinstance(objective.indicator, SliceIndicator):
        return (
            _slices(objective, alert, objective.indicator, alert.long, least=objective.least_bad),
            _slices(objective, alert, objective.indicator, alert.short, least=1),
        )
    return (
        _events(objective, alert, objective.indicator, alert.long),
        _events(objective, alert, objective.indicator, alert.short),
    )


def _events(
    objective: Objective, alert: BurnRateAlert, events: EventIndicator, window: int
) -> Alarm:
    """Return an alarm with one datapoint over the whole window: it divides sums.

    An average of ratios would weigh a quiet minute like a busy one.
    """
    readings, bad = _bad(events)
    total, least = "FILL(total, 0)", least_total(objective, alert.rate)
    return Alarm(
        name=_name(objective, alert, window),
        title=f"{objective.title}: % bad in {shorthand(window)}",
        readings=readings,
        expression=f"100 * ({bad}) / IF({total} < {least}, {least}, {total})",
        comparison="GreaterThanThreshold",
        threshold=_percent(alert.rate * objective.budget),
        period=window,
        runbook=objective.runbook,
        meaning=_part_of(objective, alert),
    )


def _slices(
    objective: Objective, alert: BurnRateAlert, slices: SliceIndicator, window: int, *, least: int
) -> Alarm:
    """Return an alarm with one datapoint a slice: M of N bad ones are the budget's share."""
    number = window // slices.seconds
    allowed = math.floor(round(alert.rate * objective.budget * number, 9))
    return Alarm(
        name=_name(objective, alert, window),
        title=f"{objective.title}: bad slices in {shorthand(window)}",
        readings={"slice": slices.reading},
        comparison=BREACH[slices.op],
        threshold=slices.value,
        period=slices.seconds,
        evaluation_periods=number,
        datapoints=max(allowed + 1, least),
        runbook=objective.runbook,
        meaning=_part_of(objective, alert),
    )


def _published(objective: Objective, alert: BurnRateAlert, window: int) -> Alarm:
    """Return an alarm on the burn rate that the publisher computes, for windows beyond a day.

    An alarm's periods may span seven days, but a period is a day at most, and the ratio of three
    days is not that of three ratios (CloudWatch API reference, PutMetricAlarm).
    """
    return Alarm(
        name=_name(objective, alert, window),
        title=f"{objective.title}: burn rate over {shorthand(window)}",
        readings={
            "burn": Reading(
                BURN_RATE, "Maximum", {"SLO": objective.name, "Window": shorthand(window)}
            )
        },
        comparison="GreaterThanThreshold",
        threshold=alert.rate,
        period=HOUR,
        evaluation_periods=2,
        runbook=objective.runbook,
        # The publisher puts a value once an hour; the last one holds until the next.
        missing="ignore",
        meaning=_part_of(objective, alert),
    )


def _quiet(objective: Objective) -> tuple[Alarm, ...]:
    """Return an alarm on the number of failures, for times with too little traffic for a ratio.

    A long outage at night never brings enough failures for the short windows.
    """
    if not isinstance(objective.indicator, EventIndicator):
        return ()
    readings, bad = _bad(objective.indicator)
    least = (
        least_total(objective, objective.alerts[0].rate)
        if objective.alerts
        else objective.least_bad
    )
    return (
        Alarm(
            name=f"{objective.name}-quiet",
            title=f"{objective.title}: failures at low traffic",
            readings=readings,
            expression=f"IF(FILL(total, 0) < {least}, {bad}, 0)",
            comparison="GreaterThanOrEqualToThreshold",
            threshold=objective.least_bad,
            period=HOUR,
            severity="SEV2",
            runbook=objective.runbook,
            meaning=f"{objective.least_bad} bad events in an hour with fewer than {least} in all: "
            "too few for a burn rate, and still an outage for those who came.",
        ),
    )


def _lost(objective: Objective) -> Alarm:
    """Return an alarm on missing data: without it, an outage of the telemetry stays silent."""
    name, title = f"{objective.name}-lost-telemetry", f"{objective.title}: no data"
    meaning = "The indicator has no data, so none of its alarms can fire."
    if isinstance(objective.indicator, SliceIndicator):
        reading = objective.indicator.reading
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
            runbook=objective.runbook,
            meaning=meaning,
        )
    return Alarm(
        name=name,
        title=title,
        readings={"requests": Reading(TRAFFIC_METRIC, "Sum"), "total": objective.indicator.total},
        expression=f"IF(FILL(requests, 0) < {objective.lost_after}, 0, "
        "IF(FILL(total, 0) < 1, 1, 0))",
        comparison="GreaterThanOrEqualToThreshold",
        threshold=1,
        period=15 * MINUTE,
        evaluation_periods=2,
        datapoints=2,
        severity="SEV3",
        runbook=objective.runbook,
        meaning=meaning,
    )


def _budgets(objective: Objective) -> tuple[Alarm, ...]:
    """Return the alarms on the budget of 30 days, which the publisher computes hourly."""
    reading = Reading(CONSUMED, "Maximum", {"SLO": objective.name, "Window": f"{BUDGET_DAYS}d"})
    return tuple(
        Alarm(
            name=f"{objective.name}-budget-{percent}",
            title=f"{objective.title}: {percent}% of the error budget consumed",
            readings={"consumed": reading},
            comparison="GreaterThanOrEqualToThreshold",
            threshold=percent,
            period=HOUR,
            evaluation_periods=2,
            missing="ignore",
            severity=severity,
            runbook=objective.runbook,
            meaning=f"{percent}% of what {100 * objective.target:g}% allows in {BUDGET_DAYS} days "
            "is used up; docs/monitoring.md says what follows.",
        )
        for percent, severity in BUDGET_ALARMS
    )


def _bad(events: EventIndicator) -> tuple[dict[str, Reading], str]:
    """Return the readings, and the number of bad events as an expression over them."""
    readings = {events.counts: events.counted, "total": events.total}
    if events.counts == "bad":
        return readings, "FILL(bad, 0)"
    return readings, "FILL(total, 0) - FILL(good, 0)"


def _name(objective: Objective, alert: BurnRateAlert, window: int) -> str:
    return f"{objective.name}-{alert.name}-{shorthand(window)}"


def _part_of(objective: Objective, alert: BurnRateAlert) -> str:
    return f"Half of {objective.name}-{alert.name}; notifies nobody by itself."


def _percent(share: float) -> float:
    """Return a percentage rounded to ten digits: binary fractions would show in every preview."""
    return float(f"{100 * share:.10g}")
