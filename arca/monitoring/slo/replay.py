"""Run recorded series through the very alarms that the compiler emits.

CloudWatch's rules (Amazon CloudWatch User Guide, "Alarm evaluation", "Configuring how CloudWatch
alarms treat missing data"): an alarm looks once a minute at windows that slide; M of N datapoints
must breach; what is missing counts as the alarm says. Every minute here is the end of a window.
Ideal in one way: data arrives without delay.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from arca.monitoring.slo import budget
from arca.monitoring.slo.cloudwatch import Alarm, Alarms, Composite, Reading
from arca.monitoring.slo.compiler import BURN_RATE, CONSUMED
from arca.monitoring.slo.duration import HOUR, MINUTE, seconds
from arca.monitoring.slo.goal import Events, Goal, Slices
from arca.monitoring.slo.metric_math import Series, evaluate

BREACHES = {
    "GreaterThanThreshold": np.greater,
    "GreaterThanOrEqualToThreshold": np.greater_equal,
    "LessThanThreshold": np.less,
    "LessThanOrEqualToThreshold": np.less_equal,
}


@dataclass(frozen=True)
class Recorded:
    """What happened: good and total events, a minute each; NaN where nothing was published."""

    good: Series
    total: Series

    @property
    def minutes(self) -> int:
        """How long it is."""
        return len(self.total)


@dataclass(frozen=True)
class Firing:
    """An alarm's state ALARM, from one minute on until another."""

    alarm: str
    fired: int
    """Minutes since the beginning."""
    cleared: int | None
    """None where it still fires at the end."""


def replay(goal: Goal, alarms: Alarms, recorded: Recorded) -> dict[str, list[Firing]]:
    """When each alarm of the goal fired and cleared, by its name."""
    metrics = _Metrics(goal, recorded)
    states = {alarm.name: evaluate_alarm(alarm, metrics.of(alarm)) for alarm in alarms.alarms}
    for composite in alarms.composites:
        states[composite.name] = _combined(composite, states, recorded.minutes)
    return {name: list(_firings(name, state)) for name, state in states.items()}


def evaluate_alarm(alarm: Alarm, values: Series) -> Series:
    """1 for each minute in ALARM, else 0."""
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
    """The state of before where nothing at all was seen."""
    where = np.where(unseen, 0, np.arange(len(firing)))
    return firing[np.maximum.accumulate(where)]


def _of_periods(flags: Series, stride: int, number: int) -> Series:
    """How many of the last periods have the flag, for each minute."""
    if stride == 1:
        return rolling(flags, number)
    found = np.zeros(len(flags))
    for shift in range(0, min(stride * number, len(flags)), stride):
        found[shift:] += flags[: len(flags) - shift]
    return found


def rolling(values: Series, window: int) -> Series:
    """The sum over the last `window` minutes, for each minute."""
    sums = np.concatenate(([0.0], np.cumsum(values)))
    ends = np.arange(1, len(values) + 1)
    return sums[ends] - sums[np.maximum(0, ends - window)]


class _Metrics:
    """The catalogue's metrics as far as a goal's record tells them."""

    def __init__(self, goal: Goal, recorded: Recorded) -> None:
        self._goal, self._recorded = goal, recorded
        bad = recorded.total - recorded.good
        self._series: dict[str, Series] = {}
        if isinstance(goal.indicator, Events):
            for reading, values in (
                (goal.indicator.good, recorded.good),
                (goal.indicator.bad, bad),
                (goal.indicator.total, recorded.total),
            ):
                if reading is not None:
                    self._series[reading.metric] = values
            self._bad, self._total = np.nan_to_num(bad), np.nan_to_num(recorded.total)
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                share = 100 * recorded.good / recorded.total
            self._series[goal.indicator.reading.metric] = share
            self._bad = _bad_slices(goal.indicator, share)
            self._total = np.ones(recorded.minutes)

    def of(self, alarm: Alarm) -> Series:
        """What the alarm compares with its threshold."""
        read = {key: self._read(item, alarm.period) for key, item in alarm.readings.items()}
        return evaluate(alarm.expression, read) if alarm.expression else next(iter(read.values()))

    def _read(self, reading: Reading, period: int) -> Series:
        if reading.metric in (BURN_RATE, CONSUMED):
            return self._published(reading, period)
        values = self._series.get(reading.metric)
        if values is None:
            # The load balancer counts what the service counts, unless the record is about that.
            values = self._recorded.total
        window = period // MINUTE
        known = rolling((~np.isnan(values)).astype(float), window)
        sums = rolling(np.nan_to_num(values), window)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = {"Sum": sums, "Average": sums / known, "SampleCount": known}[reading.stat]
        return np.where(known > 0, found, np.nan)

    def _published(self, reading: Reading, period: int) -> Series:
        """What the publisher puts once an hour: seen by windows that hold such a minute."""
        window = seconds(reading.fixed["Window"]) // MINUTE
        bad, total = rolling(self._bad, window), rolling(self._total, window)
        if isinstance(self._goal.indicator, Slices):
            total = np.full(len(total), float(window))
        minutes = np.arange(len(total))
        events = not isinstance(self._goal.indicator, Slices)
        if reading.metric == CONSUMED and events:
            total = total / np.minimum(1.0, (minutes + 1) / window)
        rate = bad / np.maximum(total * self._goal.budget, self._goal.least_bad)
        value = 100 * rate if reading.metric == CONSUMED else rate
        latest = (minutes + 1) // (HOUR // MINUTE) * (HOUR // MINUTE) - 1
        age = minutes - latest
        return np.where((latest >= 0) & (age < period // MINUTE), value[latest], np.nan)


def _bad_slices(slices: Slices, share: Series) -> Series:
    good = {"gte": np.greater_equal, "gt": np.greater, "lte": np.less_equal, "lt": np.less}
    known = ~np.isnan(share)
    return (known & ~good[slices.op](np.nan_to_num(share), slices.value)).astype(float)


def _combined(composite: Composite, states: Mapping[str, Series], minutes: int) -> Series:
    firing = np.ones(minutes)
    for name in composite.all_of:
        firing *= states[name]
    for name in composite.none_of:
        firing *= 1 - states[name]
    return firing


def _firings(name: str, state: Series) -> list[Firing]:
    edges = np.diff(np.concatenate(([0.0], state, [0.0])))
    starts, ends = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
    return [
        Firing(name, int(start), int(end) if end < len(state) else None)
        for start, end in zip(starts, ends, strict=True)
    ]


def consumed_at(goal: Goal, recorded: Recorded, minute: int, *, days: int) -> float:
    """Percent of the budget of some days that was used up to a minute, from the beginning on.

    The budget is that of `days` at the record's mean traffic, as SRE workbook's chapter 5 counts.
    """
    total = np.nan_to_num(recorded.total)
    bad = np.nan_to_num(recorded.total - recorded.good)[: minute + 1].sum()
    whole = total.mean() * days * 24 * 60
    return budget.consumed(float(bad), float(whole), goal.target)
