"""Replay a series of events through the alarms that the compiler makes.

CloudWatch's rules (Amazon CloudWatch User Guide, "Alarm evaluation", "Configuring how CloudWatch
alarms treat missing data"): an alarm looks once a minute at sliding windows; M of N datapoints must
breach; missing data counts as the alarm says. Every minute ends a window. Unlike CloudWatch, data
arrives without delay.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arca.monitoring.alarm import Alarm, Alarms, Composite, Hold, Reading
from arca.monitoring.slo import budget
from arca.monitoring.slo.duration import HOUR, MINUTE, seconds
from arca.monitoring.slo.metric_math import Series, evaluate
from arca.monitoring.slo.objective import EventIndicator, Objective, SliceIndicator
from arca.monitoring.slo.watches import BURN_RATE, CONSUMED

BREACHES = {
    "GreaterThanThreshold": np.greater,
    "GreaterThanOrEqualToThreshold": np.greater_equal,
    "LessThanThreshold": np.less,
    "LessThanOrEqualToThreshold": np.less_equal,
}


@dataclass(frozen=True)
class EventSeries:
    """Good and total events of each minute; NaN for a minute without data."""

    good: Series
    total: Series

    @property
    def minutes(self) -> int:
        """The number of minutes."""
        return len(self.total)


@dataclass(frozen=True)
class Firing:
    """A time for which an alarm was in ALARM."""

    alarm: str
    fired: int
    """Minutes since the beginning."""
    cleared: int | None
    """None where it still fires at the end."""


def replay(objective: Objective, alarms: Alarms, events: EventSeries) -> dict[str, list[Firing]]:
    """Return when each alarm of the objective fired and cleared, by its name."""
    return {
        name: list(_firings(name, state))
        for name, state in states(objective, alarms, events).items()
    }


def states(objective: Objective, alarms: Alarms, events: EventSeries) -> dict[str, Series]:
    """Return 1 for each minute in which an alarm of the objective is in ALARM, by its name."""
    metrics = _Metrics(objective, events)
    found = {alarm.name: evaluate_alarm(alarm, metrics.of(alarm)) for alarm in alarms.alarms}
    for composite in alarms.composites:
        found[composite.name] = _combined(composite, found, events.minutes)
    return found


def evaluate_alarm(alarm: Alarm, values: Series) -> Series:
    """Return 1 for each minute in ALARM, and 0 for the others."""
    stride = alarm.period // MINUTE
    known = ~np.isnan(values)
    breach = BREACHES[alarm.comparison](np.nan_to_num(values), alarm.threshold) & known
    if alarm.missing == "breaching":
        breach |= ~known
    number = _of_periods(breach.astype(float), stride, alarm.evaluation_periods)
    firing = (number >= alarm.datapoints).astype(float)
    if alarm.missing in ("ignore", "missing"):
        seen = _of_periods(known.astype(float), stride, alarm.evaluation_periods)
        firing = _held(firing, seen == 0)
    return firing


def _held(firing: Series, unseen: Series) -> Series:
    """Return the states, with the previous one kept where no datapoint was seen."""
    where = np.where(unseen, 0, np.arange(len(firing)))
    return firing[np.maximum.accumulate(where)]


def _of_periods(flags: Series, stride: int, number: int) -> Series:
    """Return how many of the last periods have the flag, for each minute."""
    if stride == 1:
        return rolling(flags, number)
    found = np.zeros(len(flags))
    for shift in range(0, min(stride * number, len(flags)), stride):
        found[shift:] += flags[: len(flags) - shift]
    return found


def rolling(values: Series, window: int) -> Series:
    """Return the sum over the last `window` minutes, for each minute."""
    sums = np.concatenate(([0.0], np.cumsum(values)))
    ends = np.arange(1, len(values) + 1)
    return sums[ends] - sums[np.maximum(0, ends - window)]


class _Metrics:
    """The metrics of the catalogue that an objective's series determines."""

    def __init__(self, objective: Objective, events: EventSeries) -> None:
        self._objective, self._events = objective, events
        bad = events.total - events.good
        self._series: dict[str, Series] = {}
        if isinstance(objective.indicator, EventIndicator):
            counted = events.good if objective.indicator.counts == "good" else bad
            self._series = _of_indicator(objective.indicator, counted, events.total)
            self._bad, self._total = np.nan_to_num(bad), np.nan_to_num(events.total)
        else:
            share = slice_values(events)
            self._series[objective.indicator.reading.metric] = share
            self._bad = _bad_slices(objective.indicator, share)
            self._total = np.ones(events.minutes)

    def of(self, alarm: Alarm) -> Series:
        """Return the values that the alarm compares with its threshold."""
        read = {key: self._read(item, alarm.period) for key, item in alarm.readings.items()}
        return evaluate(alarm.expression, read) if alarm.expression else next(iter(read.values()))

    def _read(self, reading: Reading, period: int) -> Series:
        if reading.metric in (BURN_RATE, CONSUMED):
            return self._published(reading, period)
        values = self._series.get(reading.metric)
        if values is None:
            # The load balancer counts the same requests as the service.
            values = self._events.total
        window = period // MINUTE
        known = rolling((~np.isnan(values)).astype(float), window)
        sums = rolling(np.nan_to_num(values), window)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = {"Sum": sums, "Average": sums / known, "SampleCount": known}[reading.stat]
        return np.where(known > 0, found, np.nan)

    def _published(self, reading: Reading, period: int) -> Series:
        """Return the values that the publisher puts once an hour, where a period holds one."""
        window = seconds(reading.fixed["Window"]) // MINUTE
        bad, total = rolling(self._bad, window), rolling(self._total, window)
        if isinstance(self._objective.indicator, SliceIndicator):
            total = np.full(len(total), float(window))
        minutes = np.arange(len(total))
        counted = not isinstance(self._objective.indicator, SliceIndicator)
        if reading.metric == CONSUMED and counted:
            total = total / np.minimum(1.0, (minutes + 1) / window)
        rate = bad / np.maximum(total * self._objective.budget, self._objective.least_bad)
        value = 100 * rate if reading.metric == CONSUMED else rate
        latest = (minutes + 1) // (HOUR // MINUTE) * (HOUR // MINUTE) - 1
        age = minutes - latest
        return np.where((latest >= 0) & (age < period // MINUTE), value[latest], np.nan)


def slice_values(events: EventSeries) -> Series:
    """Return the percentage of each minute's events that are good, as a probe publishes it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 100 * events.good / events.total


def _of_indicator(indicator: EventIndicator, counted: Series, total: Series) -> dict[str, Series]:
    """Return the series of an indicator's metrics, whose sums are the counted and all events.

    The first metric of each sum carries it, and the others count nothing.
    """
    carrier, rest = indicator.counted[0].metric, indicator.uncounted()[0].metric
    series = {reading.metric: np.zeros(len(total)) for reading in indicator.sums()[0].values()}
    within = any(reading.metric == carrier for reading in indicator.total)
    return series | {carrier: counted, rest: total - counted if within else total}


def _bad_slices(slices: SliceIndicator, share: Series) -> Series:
    good = {"gte": np.greater_equal, "gt": np.greater, "lte": np.less_equal, "lt": np.less}
    known = ~np.isnan(share)
    return (known & ~good[slices.op](np.nan_to_num(share), slices.value)).astype(float)


def _combined(composite: Composite, states: Mapping[str, Series], minutes: int) -> Series:
    """Return 1 where all alarms of a group are in ALARM, for any group."""
    firing = np.zeros(minutes)
    for group in composite.any_of:
        firing = np.maximum(firing, np.prod([states[name] for name in group], axis=0))
    return firing


def notified(firing: Series, holding: Series | None, hold: Hold | None) -> list[int]:
    """Return the minutes in which an alarm notifies: at most once each time that it fires.

    Source: as for `Hold`. `holding` is the state of the alarm that holds this one back, or None
    where that one is never in ALARM.
    """
    quiet = np.zeros(len(firing)) if holding is None else holding
    found: list[int] = []
    for start, end in zip(*_edges(firing), strict=True):
        moment = int(start)
        if hold is not None:
            wait, after = hold.wait // MINUTE, hold.extension // MINUTE
            moment = _free(quiet, moment, wait=wait, after=after)
        if moment < end:
            found.append(moment)
    return found


def _free(holding: Series, start: int, *, wait: int, after: int) -> int:
    """Return the first minute, from `start` on, in which nothing is held back."""
    since = max(0, start - after)
    active = np.flatnonzero(holding[since : start + wait + 1])
    if not len(active):
        return start + wait
    last = since + int(active[-1])
    while True:
        later = np.flatnonzero(holding[last + 1 : last + after + 1])
        if not len(later):
            return max(last + 1 + after, start)
        last += 1 + int(later[-1])


def _edges(state: Series) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    edges = np.diff(np.concatenate(([0.0], state, [0.0])))
    return np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)


def _firings(name: str, state: Series) -> list[Firing]:
    starts, ends = _edges(state)
    return [
        Firing(name, int(start), int(end) if end < len(state) else None)
        for start, end in zip(starts, ends, strict=True)
    ]


def consumed_at(objective: Objective, events: EventSeries, minute: int, *, days: int) -> float:
    """Return the percentage of the budget of `days` that was used up to a minute.

    The budget is that of the series' mean traffic (SRE workbook, chapter 5).
    """
    total = np.nan_to_num(events.total)
    bad = np.nan_to_num(events.total - events.good)[: minute + 1].sum()
    whole = total.mean() * days * 24 * 60
    return budget.consumed(float(bad), float(whole), objective.target)
