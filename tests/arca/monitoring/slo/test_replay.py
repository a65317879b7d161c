"""The replay against the SRE workbook's figures, CloudWatch's rules and random traffic."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arca.errors import ArcaError
from arca.monitoring.alarm import Alarm, Reading
from arca.monitoring.slo import budget
from arca.monitoring.slo.compiler import compile_objective
from arca.monitoring.slo.metric_math import Series, evaluate
from arca.monitoring.slo.objective import Objective, SliceIndicator
from arca.monitoring.slo.objectives import read_objectives
from arca.monitoring.slo.replay import (
    EventSeries,
    Firing,
    consumed_at,
    evaluate_alarm,
    replay,
    rolling,
)

OBJECTIVES = {objective.name: objective for objective in read_objectives()}
DAY = 24 * 60
TRAFFIC = 1000.0
"""Requests a minute: enough for every window's least total."""


def constant(rate: float, *, quiet_days: float = 3, minutes: int = DAY) -> tuple[EventSeries, int]:
    """Return good days followed by an error rate, and the minute when it begins."""
    start = int(quiet_days * DAY)
    total = np.full(start + minutes, TRAFFIC)
    bad = np.zeros(start + minutes)
    bad[start:] = TRAFFIC * rate
    return EventSeries(total - bad, total), start


def fired(objective: Objective, recorded: EventSeries) -> dict[str, list[Firing]]:
    """Return the firings of all alarms that notify."""
    alarms = compile_objective(objective)
    heard = {alarm.name for alarm in alarms.notifying()}
    found = replay(objective, alarms, recorded)
    return {name: firings for name, firings in found.items() if firings and name in heard}


@pytest.mark.parametrize(
    ("rate", "policy", "factor", "window_minutes"),
    [
        (1.0, "outage", 14.4, 60),
        (0.1, "outage", 14.4, 60),
        (0.02, "outage", 14.4, 60),
        (0.01, "slow-burn", 6, 360),
        (0.005, "ticket", 3, 1440),
        (0.004, "ticket", 3, 1440),
    ],
)
def test_detection_time_is_the_workbooks(
    rate: float, policy: str, factor: float, window_minutes: int
) -> None:
    """An alert fires after (1 - SLO) / error rate x factor x window.

    The budget used by then is the alert's share: 2%, 5%, 10% of 30 days (SRE workbook, chapter
    5, "5: Multiple burn rate").
    """
    objective = OBJECTIVES["errors"]
    recorded, start = constant(rate)
    found = fired(objective, recorded)[f"errors-{policy}"]
    expected = (1 - objective.target) / rate * factor * window_minutes
    detected = found[0].fired - start + 1
    assert detected == math.floor(expected + 1e-9) + 1
    used = consumed_at(objective, recorded, found[0].fired, days=30)
    share = 100 * factor * window_minutes / (30 * DAY)
    assert share <= used <= share + 100 * rate / objective.budget / (30 * DAY) + 1e-6


def test_the_workbooks_table_of_error_rates() -> None:
    """At 99.9%, 100% is seen in a minute, 10% in nine and 1% in hours; 0.1% never pages."""
    objective = OBJECTIVES["errors"]
    first = {}
    for rate in (1.0, 0.1, 0.01, 0.001):
        recorded, start = constant(rate, minutes=2 * DAY)
        pages = [
            f
            for name, f in fired(objective, recorded).items()
            if name in ("errors-outage", "errors-slow-burn")
        ]
        first[rate] = min((f[0].fired - start + 1 for f in pages), default=None)
    assert first == {1.0: 1, 0.1: 9, 0.01: 217, 0.001: None}


def test_what_burns_slowly_is_a_ticket_in_time() -> None:
    """1.5 times the budget for four days makes a ticket by the published burn rate, and no page."""
    recorded, start = constant(0.0015, quiet_days=4, minutes=4 * DAY)
    found = fired(OBJECTIVES["errors"], recorded)
    assert set(found) == {"errors-slow-ticket"}
    used = consumed_at(
        OBJECTIVES["errors"], recorded, found["errors-slow-ticket"][0].fired, days=30
    )
    assert used < 15
    assert found["errors-slow-ticket"][0].fired > start


def test_an_alert_ends_soon_after_the_trouble() -> None:
    """The short window clears it: ten minutes of errors do not page for an hour."""
    recorded, start = constant(0.0, minutes=DAY)
    recorded.good[start : start + 20] = TRAFFIC * 0.5
    outage = fired(OBJECTIVES["errors"], recorded)["errors-outage"]
    assert len(outage) == 1
    assert outage[0].cleared is not None
    assert start + 20 <= outage[0].cleared <= start + 26


def test_the_faster_alarm_silences_the_slower() -> None:
    """While everything fails, only the outage notifies."""
    recorded, _ = constant(1.0, minutes=DAY)
    found = fired(OBJECTIVES["errors"], recorded)
    assert not {"errors-slow-burn", "errors-ticket", "errors-slow-ticket"} & set(found)


def test_a_few_failures_at_night_are_nothing() -> None:
    """Nine failures in a night page nobody; a quiet outage does."""
    total = np.zeros(3 * DAY)
    total[::30] = 1
    good = total.copy()
    good[DAY : DAY + 270 : 30] = 0
    tickets = {"errors-budget-50", "errors-budget-75"}
    assert set(fired(OBJECTIVES["errors"], EventSeries(good, total))) == tickets
    total[::5] = 1
    good = total.copy()
    good[DAY:] = 0
    outage = fired(OBJECTIVES["errors"], EventSeries(good, total))["errors-quiet"]
    assert DAY + 45 <= outage[0].fired <= DAY + 60


def test_lost_telemetry_is_said_and_is_no_outage() -> None:
    """The load balancer still counts, and the service's counters stop."""
    objective = OBJECTIVES["latency"]
    alarms = compile_objective(objective)
    lost = next(alarm for alarm in alarms.alarms if alarm.name == "latency-lost-telemetry")
    requests, total = np.full(DAY, 100.0), np.full(DAY, 100.0)
    total[600:700] = np.nan
    read = {"requests": rolling(requests, 15), "total": rolling(np.nan_to_num(total), 15)}
    state = evaluate_alarm(lost, evaluate(lost.expression, read))
    assert state[:600].sum() == 0
    assert 620 < int(np.argmax(state)) <= 630
    assert state[-1] == 0


def probe(bad: dict[int, int], *, minutes: int) -> EventSeries:
    """Return a probe's minutes, with bad ones from a minute on."""
    total = np.ones(minutes)
    good = total.copy()
    for start, length in bad.items():
        good[start : start + length] = 0
    return EventSeries(good, total)


def test_slices_page_for_an_outage_and_not_for_a_blip() -> None:
    """One bad minute is noise; the second within the hour is an outage of the API."""
    objective = OBJECTIVES["availability"]
    assert isinstance(objective.indicator, SliceIndicator)
    assert fired(objective, probe({100: 1}, minutes=DAY)) == {}
    outage = fired(objective, probe({100: 10}, minutes=DAY))["availability-outage"]
    assert [(f.fired, f.cleared) for f in outage] == [(101, 114)]
    budgets = fired(objective, probe({100: 22}, minutes=DAY))
    assert "availability-budget-100" in budgets
    assert "availability-budget-100" not in fired(objective, probe({100: 21}, minutes=DAY))


def test_a_probe_that_falls_silent_is_said() -> None:
    """Missing runs are no bad slices, but they raise an alarm of their own."""
    objective = OBJECTIVES["availability"]
    recorded = probe({}, minutes=DAY)
    recorded.total[600:] = np.nan
    found = fired(objective, recorded)
    assert set(found) == {"availability-lost-telemetry"}
    assert found["availability-lost-telemetry"][0].fired in range(613, 616)


@st.composite
def series(draw: st.DrawFn) -> EventSeries:
    """Return a week of random traffic with random errors."""
    minutes = 4 * DAY
    level = draw(st.sampled_from([0.5, 3, 40, 2000]))
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    total = chance.poisson(level, minutes).astype(float)
    rate = np.zeros(minutes)
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, minutes - 1))
        length = draw(st.sampled_from([1, 5, 30, 120, 700, 3000]))
        rate[start : start + length] = draw(st.sampled_from([0.0005, 0.002, 0.01, 0.05, 0.4, 1]))
    bad = chance.binomial(total.astype(int), rate).astype(float)
    return EventSeries(total - bad, total)


@given(series(), st.sampled_from(["errors", "arca", "latency"]))
@settings(max_examples=60)
def test_a_page_means_that_the_share_was_burned(recorded: EventSeries, name: str) -> None:
    """Both windows burn above the rate at each moment of a page, whatever the traffic.

    At least `least_bad` events were bad, so a handful of failures never pages.
    """
    objective = OBJECTIVES[name]
    found = fired(objective, recorded)
    bad, total = recorded.total - recorded.good, recorded.total
    for policy in objective.alerts[:3]:
        for firing in found.get(f"{objective.name}-{policy.name}", []):
            for window in (policy.long // 60, policy.short // 60):
                failed = float(rolling(bad, window)[firing.fired])
                counted = float(rolling(total, window)[firing.fired])
                assert budget.burn_rate(failed, counted, objective.target) > policy.rate
                assert failed >= objective.least_bad


@given(series())
@settings(max_examples=30)
def test_no_burn_is_missed(recorded: EventSeries) -> None:
    """An alarm notifies wherever both windows burn above the rate at full traffic."""
    objective = OBJECTIVES["errors"]
    states = replay(objective, compile_objective(objective), recorded)
    bad, total = recorded.total - recorded.good, recorded.total
    for number, policy in enumerate(objective.alerts[:3]):
        burns = np.ones(recorded.minutes, dtype=bool)
        for window in (policy.long // 60, policy.short // 60):
            counted = rolling(total, window)
            enough = counted >= objective.least_bad / (policy.rate * objective.budget) + 1
            burns &= enough & (
                rolling(bad, window) > policy.rate * objective.budget * counted * 1.0001
            )
        heard = np.zeros(recorded.minutes, dtype=bool)
        for faster in objective.alerts[: number + 1]:
            for firing in states[f"errors-{faster.name}"]:
                heard[firing.fired : firing.cleared] = True
        assert not (burns & ~heard).any()


def single(values: list[float], **changes: Any) -> list[int]:
    """Return the states of a plain alarm over single minutes."""
    alarm = Alarm(
        name="a",
        title="a",
        readings={"m": Reading("x", "Sum")},
        comparison="GreaterThanThreshold",
        threshold=1,
        meaning="m",
        **changes,
    )
    return [int(state) for state in evaluate_alarm(alarm, np.array(values))]


def test_m_of_n_and_missing_data() -> None:
    """The replay follows CloudWatch's rules for missing data and M of N."""
    nan = math.nan
    assert single([0, 2, 2, 0, 0], evaluation_periods=3, datapoints=2) == [0, 0, 1, 1, 0]
    assert single([2, nan, nan]) == [1, 0, 0]
    assert single([0, nan, 0], missing="breaching") == [0, 1, 0]
    assert single([2, nan, 0, nan], missing="ignore") == [1, 1, 0, 0]
    assert single([2, nan, nan, nan], missing="ignore", evaluation_periods=2) == [1, 1, 1, 1]


def test_metric_math_as_cloudwatch_does_it() -> None:
    """FILL, IF and division by zero work as in CloudWatch; other functions are refused."""
    nan = math.nan
    read: dict[str, Series] = {"a": np.array([1.0, nan, 0.0]), "b": np.array([2.0, 4.0, 0.0])}
    assert evaluate("FILL(a, 0) + b", read).tolist() == [3, 4, 0]
    assert evaluate("IF(b > 1, 10, 20)", read).tolist() == [10, 10, 20]
    assert np.isnan(evaluate("a / b", read)).tolist() == [False, True, True]
    for wrong in ("c + 1", "FILL(a)", "a +", "METRICS()", "a if b else a"):
        with pytest.raises(ArcaError):
            evaluate(wrong, read)
