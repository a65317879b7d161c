"""The replay against the SRE workbook's figures, CloudWatch's rules and random traffic."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arca.errors import ArcaError
from arca.monitoring.alarm import Alarm, Hold, Reading
from arca.monitoring.slo import budget
from arca.monitoring.slo.compiler import compile_objective, remembered
from arca.monitoring.slo.metric_math import Series, evaluate
from arca.monitoring.slo.objective import Objective, SliceIndicator
from arca.monitoring.slo.objectives import read_objectives
from arca.monitoring.slo.replay import (
    EventSeries,
    Firing,
    consumed_at,
    evaluate_alarm,
    notified,
    replay,
    rolling,
    states,
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
    ("rate", "factor", "window_minutes"),
    [(1.0, 14.4, 60), (0.1, 14.4, 60), (0.02, 14.4, 60), (0.01, 6, 360), (0.007, 6, 360)],
)
def test_detection_time_is_the_workbooks(rate: float, factor: float, window_minutes: int) -> None:
    """An alert fires after (1 - SLO) / error rate x factor x window.

    The budget used by then is the alert's share: 2% and 5% of 30 days (SRE workbook, chapter 5,
    "5: Multiple burn rate").
    """
    objective = OBJECTIVES["errors"]
    recorded, start = constant(rate)
    found = fired(objective, recorded)["errors-page"]
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
        pages = fired(objective, recorded).get("errors-page", [])
        first[rate] = min((f.fired - start + 1 for f in pages), default=None)
    assert first == {1.0: 1, 0.1: 9, 0.01: 217, 0.001: None}


def test_what_burns_slowly_is_a_ticket_in_time() -> None:
    """1.5 times the budget for four days makes a ticket by the published burn rate, and no page."""
    recorded, start = constant(0.0015, quiet_days=4, minutes=4 * DAY)
    found = fired(OBJECTIVES["errors"], recorded)
    assert set(found) == {"errors-ticket"}
    used = consumed_at(OBJECTIVES["errors"], recorded, found["errors-ticket"][0].fired, days=30)
    assert used < 15
    assert found["errors-ticket"][0].fired > start


def test_an_alert_ends_soon_after_the_trouble() -> None:
    """The short windows clear it: ten minutes of errors are over an hour and a half later."""
    recorded, start = constant(0.0, minutes=DAY)
    recorded.good[start : start + 20] = TRAFFIC * 0.5
    page = fired(OBJECTIVES["errors"], recorded)["errors-page"]
    assert len(page) == 1
    assert page[0].cleared is not None
    # The slow burn's short window of 30 minutes is remembered once.
    assert page[0].cleared == start + 20 + 59


def test_an_incident_pages_once() -> None:
    """A whole outage of ten minutes turned four alarms on and off; now one notifies, once."""
    recorded, start = constant(0.0, minutes=3 * DAY)
    recorded.good[start : start + 10] = 0
    objective = OBJECTIVES["errors"]
    alarms = compile_objective(objective)
    found = states(objective, alarms, recorded)
    page, ticket = alarms.composites
    assert notified(found[page.name], None, page.hold) == [start + 4]
    assert notified(found[ticket.name], found[page.name], ticket.hold) == []


def test_a_handful_of_failures_at_night_is_nothing() -> None:
    """Nine failures in a night page nobody, and ten in an hour do, however few the requests."""
    total = np.zeros(3 * DAY)
    total[::30] = 1
    good = total.copy()
    good[DAY : DAY + 270 : 30] = 0
    assert "errors-page" not in fired(OBJECTIVES["errors"], EventSeries(good, total))
    total[::5] = 1
    good = total.copy()
    good[DAY:] = 0
    outage = fired(OBJECTIVES["errors"], EventSeries(good, total))["errors-page"]
    assert [firing.fired for firing in outage] == [DAY + 45]


def test_700_requests_an_hour_page_too() -> None:
    """2.9% of them failing burn 29 times too fast, which paged nobody for a day."""
    minutes = np.arange(2 * DAY)
    total = np.where(minutes % 6 == 0, 70.0, 0.0)
    good = total - np.where((minutes % 6 == 0) & (minutes >= DAY), 2.0, 0.0)
    page = fired(OBJECTIVES["errors"], EventSeries(good, total))["errors-page"]
    assert DAY < page[0].fired <= DAY + 60
    assert page[0].cleared is None


def probe(bad: dict[int, int], *, minutes: int) -> EventSeries:
    """Return a probe's minutes, with bad ones from a minute on."""
    total = np.ones(minutes)
    good = total.copy()
    for start, length in bad.items():
        good[start : start + length] = 0
    return EventSeries(good, total)


def test_slices_page_for_an_outage_and_not_for_a_blip() -> None:
    """One bad minute is noise; the second within the hour pages."""
    objective = OBJECTIVES["availability"]
    assert isinstance(objective.indicator, SliceIndicator)
    assert fired(objective, probe({100: 1}, minutes=DAY)) == {}
    page = fired(objective, probe({100: 10}, minutes=DAY))["availability-page"]
    # The slow burn's short window remembers an hour.
    assert [(f.fired, f.cleared) for f in page] == [(101, 169)]
    budgets = fired(objective, probe({100: 17}, minutes=DAY))
    assert "availability-budget" in budgets
    assert "availability-budget" not in fired(objective, probe({100: 16}, minutes=DAY))


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
    """An alert's long window burns above its rate at each moment of a page, whatever the traffic.

    At least `least_bad` events were bad, so a handful of failures never pages; and two of them
    came within the time that its short window remembers.
    """
    objective = OBJECTIVES[name]
    bad, total = recorded.total - recorded.good, recorded.total
    for firing in fired(objective, recorded).get(f"{name}-page", []):
        burns: list[bool] = []
        for alert in objective.alerts[:2]:
            long, short = alert.long // 60, alert.short // 60
            failed = float(rolling(bad, long)[firing.fired])
            counted = float(rolling(total, long)[firing.fired])
            burn = budget.burn_rate(failed, counted, objective.target) if counted else 0
            recent = float(rolling(bad, short * remembered(alert.short))[firing.fired])
            burns.append(burn > alert.rate and failed >= objective.least_bad and recent >= 2)
        assert any(burns)


@given(series(), st.sampled_from(["errors", "arca", "latency"]))
@settings(max_examples=60)
def test_no_fast_burn_is_missed(recorded: EventSeries, name: str) -> None:
    """Any hour with more than 14.4 times the budget and enough failures pages, at any traffic.

    Its last half hour must have two of the failures, at the same rate: the trouble is not over.
    """
    objective = OBJECTIVES[name]
    firings = replay(objective, compile_objective(objective), recorded)
    bad, total = recorded.total - recorded.good, recorded.total
    burning = 14.4 * objective.budget * 1.0001
    hour = (rolling(bad, 60) >= objective.least_bad) & (
        rolling(bad, 60) > burning * rolling(total, 60)
    )
    five = (rolling(bad, 5) >= 2) & (rolling(bad, 5) > burning * rolling(total, 5))
    recent = np.any([np.roll(five, 5 * back) for back in range(6)], axis=0)
    recent[:30] = False
    heard = np.zeros(recorded.minutes, dtype=bool)
    for firing in firings[f"{name}-page"]:
        heard[firing.fired : firing.cleared] = True
    assert not (hour & recent & ~heard).any()


HOLD = Hold("other", wait=4 * 60, extension=10 * 60)
NOTIFIED: list[tuple[str, dict[int, int], dict[int, int], list[int]]] = [
    ("nothing else is on: it waits, and notifies", {10: 30}, {}, [14]),
    ("it is over before the wait", {10: 13}, {}, []),
    ("the other one was on before, and stays", {10: 30}, {5: 60}, []),
    ("the other one comes within the wait, and stays", {10: 30}, {14: 60}, []),
    ("the other one comes after the wait", {10: 30}, {15: 60}, [14]),
    ("the other one ends first: the extension passes", {10: 90}, {12: 20}, [30]),
    ("it is over within the extension", {10: 30}, {12: 20}, []),
    ("the other one has just ended", {25: 90}, {12: 20}, [30]),
    ("the other one ended before the extension", {31: 90}, {12: 20}, [35]),
    ("the other one comes back within its extension", {10: 90}, {12: 20, 28: 40}, [50]),
    ("each time that it turns on", {10: 20, 40: 60}, {}, [14, 44]),
]


@pytest.mark.parametrize(("case", "on", "other", "moments"), NOTIFIED, ids=[n[0] for n in NOTIFIED])
def test_a_hold_is_cloudwatchs(
    case: str, on: dict[int, int], other: dict[int, int], moments: list[int]
) -> None:
    """Wait and extension as the User Guide's "Composite alarm actions suppression" has them."""

    def state(spans: dict[int, int]) -> Series:
        found = np.zeros(120)
        for begin, end in spans.items():
            found[begin:end] = 1
        return found

    assert notified(state(on), state(other), HOLD) == moments, case
    assert notified(state(on), state(other), None) == list(on), "without a hold, at once"


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
