"""What an objective's alarms did in a scenario, against what truly happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from arca.monitoring.alarm import Alarm, Alarms, Composite
from arca.monitoring.slo.budget import BUDGET_DAYS
from arca.monitoring.slo.compiler import OUTAGE, PAGES, PAGING
from arca.monitoring.slo.duration import MINUTE
from arca.monitoring.slo.metric_math import Series, evaluate
from arca.monitoring.slo.objective import Objective, SliceIndicator
from arca.monitoring.slo.proof.scenario import DAY, DAYS, Scenario
from arca.monitoring.slo.replay import (
    EventSeries,
    evaluate_alarm,
    notified,
    rolling,
    slice_values,
    states,
)

FORGOTTEN = 60
"""Minutes after a trouble in which a page still belongs to it."""


@dataclass(frozen=True)
class Judged:
    """A scenario's figures."""

    scenario: Scenario
    pages: tuple[int, ...]
    """Minutes of the pages, an outage's included."""
    tickets: tuple[int, ...]
    must_page: bool
    """Whether the budget truly burned as fast as a page's alert says, with enough failures."""
    spent: float
    """Percent of 30 days' budget that the trouble spent."""
    unpaged: float
    """Percent that it had spent when the first page went out; all of it without a page."""
    unpaged_bad: int
    """As many failures."""
    after_recovery: int
    """Minutes from the end of the trouble to the last page; 0 where none came after it."""
    needless: int
    """Pages apart from the trouble without a budget that burned so fast within the last hour, or
    before as many failures as the objective wants for a page."""


def judge(
    objective: Objective, alarms: Alarms, scenario: Scenario, outages: Sequence[Alarm] = ()
) -> Judged:
    """Run the alarms over a scenario.

    `outages` are the signs of an outage: those that read what the objective counts as bad see the
    same events, and their page holds the objective's own back.
    """
    seen_bad = _seen(scenario.bad, scenario.late_bad, scenario.gaps)
    seen_total = _seen(scenario.total, scenario.late_total, scenario.gaps)
    events = EventSeries(seen_total - seen_bad, seen_total)
    state = states(objective, alarms, events)
    down = np.zeros(events.minutes)
    for sign in outages:
        if _sees(sign, objective):
            down = np.maximum(down, evaluate_alarm(sign, read_by(sign, objective, events)))
    paging = [one for one in alarms.composites if one.severity in PAGING]
    others = [one for one in alarms.composites if one.severity and one not in paging]
    paged = np.max([down, *(state[one.name] for one in paging)], axis=0)
    state |= {OUTAGE: down, PAGES: paged}
    pages, tickets = (
        [minute for one in composites for minute in _notified(one, state)]
        for composites in (paging, others)
    )
    pages += notified(down, None, None)
    return _figures(objective, scenario, sorted(pages), sorted(tickets))


def _notified(composite: Composite, state: Mapping[str, Series]) -> list[int]:
    hold = composite.hold
    return notified(state[composite.name], state[hold.alarm] if hold else None, hold)


def _sees(sign: Alarm, objective: Objective) -> bool:
    """Return whether an alarm reads what the objective counts as bad."""
    indicator = objective.indicator
    if isinstance(indicator, SliceIndicator):
        return any(one.metric == indicator.reading.metric for one in sign.readings.values())
    counts_bad = indicator.counts == "bad"
    return counts_bad and any(objective.counts(one.metric) for one in sign.readings.values())


def read_by(sign: Alarm, objective: Objective, events: EventSeries) -> Series:
    """Return what the sign compares, minute by minute; what nobody counts here is 0."""
    if isinstance(objective.indicator, SliceIndicator):
        return slice_values(events)
    values = {"bad": events.total - events.good, "total": events.total}
    read: dict[str, Series] = {}
    known = {one.metric for one in objective.readings()}
    for key, reading in sign.readings.items():
        kind = "bad" if objective.counts(reading.metric) else "total"
        taken = values.pop(kind, None) if reading.metric in known else None
        read[key] = np.zeros(events.minutes) if taken is None else taken
    return evaluate(sign.expression, read)


def _seen(values: Series, late: int, gaps: Series) -> Series:
    """Return what CloudWatch shows in each minute: values arrive late, or never."""
    arrived = np.concatenate((np.zeros(late), values[: len(values) - late]))
    return np.where(gaps > 0, np.nan, arrived)


def _figures(
    objective: Objective, scenario: Scenario, pages: list[int], tickets: list[int]
) -> Judged:
    budget = scenario.total.sum() / DAYS * BUDGET_DAYS * objective.budget
    begin, end = scenario.begin, scenario.end
    burning = _burning(objective, scenario)
    spent = 100 * scenario.bad[begin:end].sum() / budget
    own = [minute for minute in pages if begin <= minute < end + FORGOTTEN] if end else []
    until = min(own[0], end) if own else end
    failures = [scenario.bad[max(begin - DAY, 0) : minute + 1].sum() for minute in own]
    early = sum(1 for count in failures if count < objective.least_bad)
    apart = [minute for minute in pages if not end or minute < begin]
    return Judged(
        scenario,
        tuple(pages),
        tuple(tickets),
        must_page=bool(end) and bool(burning[: end + FORGOTTEN].any()),
        spent=float(spent),
        unpaged=float(100 * scenario.bad[begin:until].sum() / budget),
        unpaged_bad=int(scenario.bad[begin:until].sum()),
        after_recovery=max([minute - end for minute in pages if end and minute > end], default=0),
        needless=early + sum(1 for minute in apart if not _lately(burning, minute)),
    )


def _burning(objective: Objective, scenario: Scenario) -> Series:
    """Return the minutes in which a paging alert's burn rate was truly exceeded.

    Over its long window, with as many failures as the objective wants for a page.
    """
    found = np.zeros(len(scenario.bad), dtype=bool)
    for alert in objective.alerts:
        if alert.severity in PAGING:
            bad = rolling(scenario.bad, alert.long // MINUTE)
            total = rolling(scenario.total, alert.long // MINUTE)
            fast = bad > alert.rate * objective.budget * total
            found |= fast & (bad >= objective.least_bad)
    return found.astype(float)


def _lately(burning: Series, minute: int) -> bool:
    return bool(burning[max(0, minute - FORGOTTEN) : minute + 1].any())
