"""Compile an objective to CloudWatch's alarms: several windows, several burn rates.

Source of the method: SRE workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts". An alert
fires while the budget burns too fast over a long window, which shows that it matters, and over a
short one, which ends the alert soon after the trouble.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from arca.monitoring.alarm import (
    Alarm,
    Alarms,
    Comparison,
    Composite,
    Hold,
    Reading,
)
from arca.monitoring.slo.duration import DAY, HOUR, MINUTE, shorthand
from arca.monitoring.slo.objective import (
    BurnRateAlert,
    EventIndicator,
    Objective,
    SliceIndicator,
)
from arca.monitoring.slo.watches import (
    BURN_RATE,
    budget_used,
    lost,
    uncounted,
    unpublished,
)
from arca.naming import Severity

PAGE, TICKET = "page", "ticket"
PAGING: tuple[Severity, ...] = ("SEV1", "SEV2")
OUTAGE, PAGES = "api-down", "pages"
"""The alarm on an outage of the whole API, and the silent one that any page turns on."""
BEFORE_A_PAGE = Hold(OUTAGE, wait=4 * MINUTE, extension=70 * MINUTE)
"""An outage is known after three minutes, and its page is the only one. An hour and some late data
after it, the longest of the short windows has forgotten it."""
BEFORE_A_TICKET = Hold(PAGES, wait=4 * MINUTE, extension=9 * HOUR)
"""The ticket's short window forgets in six hours, and its figures come once an hour."""
RECENT_BAD = 2
"""Failures in a short window that show that a trouble goes on; one may be chance."""
BREACH: dict[str, Comparison] = {
    "gte": "LessThanThreshold",
    "gt": "LessThanOrEqualToThreshold",
    "lte": "GreaterThanThreshold",
    "lt": "GreaterThanOrEqualToThreshold",
}
"""The comparison that breaks an objective's operator."""


def compile_objective(objective: Objective) -> Alarms:
    """Return every alarm of one objective: one that pages and one that makes a ticket.

    Each is in ALARM while any of its burn rates is exceeded, so that an incident notifies once:
    when the fast windows have forgotten it, the slow ones still hold the same alarm.
    """
    alarms: list[Alarm] = []
    composites: list[Composite] = []
    for kind, hold in ((PAGE, BEFORE_A_PAGE), (TICKET, BEFORE_A_TICKET)):
        alerts = [a for a in objective.alerts if (a.severity in PAGING) == (kind == PAGE)]
        groups = [_burn(objective, alert) for alert in alerts]
        alarms += [alarm for group in groups for alarm in group]
        if alerts:
            composites.append(_composite(objective, kind, alerts, groups, hold))
    if isinstance(objective.indicator, SliceIndicator):
        alarms.append(lost(objective, objective.indicator))
    return Alarms((*alarms, budget_used(objective)), tuple(composites))


def compile_objectives(objectives: Sequence[Objective]) -> Alarms:
    """Return the alarms of all objectives; a page holds back the tickets of all of them.

    The caller declares the alarm OUTAGE before these. Each composite follows what it reads.
    """
    found = Alarms()
    for objective in objectives:
        found += compile_objective(objective)
    pages = [one for one in found.composites if one.hold == BEFORE_A_PAGE]
    tickets = [one for one in found.composites if one.hold == BEFORE_A_TICKET]
    paged = Composite(
        name=PAGES,
        title="Somebody was paged",
        any_of=((OUTAGE,), *((one.name,) for one in pages)),
        meaning="Holds back the tickets of the objectives: a page says more.",
    )
    watches = (uncounted(objectives), unpublished(objectives[0])) if objectives else ()
    return Alarms((*found.alarms, *watches), (*pages, paged, *tickets))


def _composite(
    objective: Objective,
    kind: str,
    alerts: Sequence[BurnRateAlert],
    groups: Sequence[tuple[Alarm, ...]],
    hold: Hold,
) -> Composite:
    rates = " or ".join(
        f"{alert.rate:g} times too fast over {shorthand(alert.long)} and {shorthand(alert.short)}"
        for alert in alerts
    )
    return Composite(
        name=f"{objective.name}-{kind}",
        title=f"{objective.title}: {alerts[0].title.lower()}",
        any_of=tuple(tuple(alarm.name for alarm in group) for group in groups),
        severity=min(alerts, key=lambda alert: alert.severity).severity,
        runbook=objective.runbook,
        meaning=f"The error budget burns {rates}. {objective.description}",
        hold=hold,
    )


def least_total(objective: Objective, rate: float, bad: int) -> int:
    """Return the least number of events that a window counts; with fewer, it counts this many.

    At 99.95% and a burn rate of 14.4, one failure among 138 requests is a breach; with the
    denominator filled up, `bad` failures are needed at any traffic, and are enough.
    """
    return max(1, math.floor(round(bad / (rate * objective.budget), 9)))


def _burn(objective: Objective, alert: BurnRateAlert) -> tuple[Alarm, Alarm]:
    """Return the alarms on the long and on the short window of an alert.

    The long one wants `least_bad` failures: the trouble matters. The short one wants two, and
    remembers them for half an hour at least: the trouble is not over, and a pause in it, as at
    low traffic, is not its end.
    """
    if alert.long > DAY:
        return (
            _published(objective, alert, alert.long),
            _published(objective, alert, alert.short),
        )
    long = _Window(alert.long, objective.least_bad, 1)
    if isinstance(objective.indicator, SliceIndicator):
        slices, short = objective.indicator, _Window(alert.short, 1, remembered(alert.short))
        return _slices(objective, alert, slices, long), _slices(objective, alert, slices, short)
    events, short = objective.indicator, _Window(alert.short, RECENT_BAD, remembered(alert.short))
    return _events(objective, alert, events, long), _events(objective, alert, events, short)


@dataclass(frozen=True)
class _Window:
    """A window of an alert as an alarm reads it."""

    length: int
    """In seconds."""
    least_bad: int
    number: int
    """How many of them, one after the other, the alarm looks back."""


def remembered(short: int) -> int:
    """Return how many short windows, one after the other, an alert looks back."""
    return max(2, 30 * MINUTE // short)


def _events(
    objective: Objective,
    alert: BurnRateAlert,
    events: EventIndicator,
    window: _Window,
) -> Alarm:
    """Return an alarm in which one of the windows must burn: it divides sums.

    An average of ratios would weigh a quiet minute like a busy one.
    """
    readings, bad, total = _sums(events)
    least = least_total(objective, alert.rate, window.least_bad)
    return Alarm(
        name=_name(objective, alert, window.length),
        title=f"{objective.title}: % bad in {shorthand(window.length)}",
        readings=readings,
        expression=f"100 * ({bad}) / IF({total} < {least}, {least}, {total})",
        comparison="GreaterThanThreshold",
        threshold=_percent(alert.rate * objective.budget),
        period=window.length,
        evaluation_periods=window.number,
        runbook=objective.runbook,
        meaning=_part_of(objective, alert),
    )


def _slices(
    objective: Objective,
    alert: BurnRateAlert,
    slices: SliceIndicator,
    window: _Window,
) -> Alarm:
    """Return an alarm with one datapoint a slice: M of N bad ones are the budget's share.

    One that remembers several windows wants one bad slice in any of them.
    """
    of_window = window.length // slices.seconds
    allowed = math.floor(round(alert.rate * objective.budget * of_window, 9))
    return Alarm(
        name=_name(objective, alert, window.length),
        title=f"{objective.title}: bad slices in {shorthand(window.length)}",
        readings={"slice": slices.reading},
        comparison=BREACH[slices.op],
        threshold=slices.value,
        period=slices.seconds,
        evaluation_periods=of_window * window.number,
        datapoints=max(allowed + 1, window.least_bad),
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


def _sums(events: EventIndicator) -> tuple[dict[str, Reading], str, str]:
    """Return the readings, and the bad and all events as expressions over them."""
    readings, counted, total = events.sums()
    return readings, counted if events.counts == "bad" else f"{total} - {counted}", total


def _name(objective: Objective, alert: BurnRateAlert, window: int) -> str:
    return f"{objective.name}-{alert.name}-{shorthand(window)}"


def _part_of(objective: Objective, alert: BurnRateAlert) -> str:
    kind = PAGE if alert.severity in PAGING else TICKET
    return f"A part of {objective.name}-{kind}; notifies nobody by itself."


def _percent(share: float) -> float:
    """Return a percentage rounded to ten digits: binary fractions would show in every preview."""
    return float(f"{100 * share:.10g}")
