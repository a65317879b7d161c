"""The compiled alarms keep the SRE workbook's windows and CloudWatch's limits."""

import re
from typing import Any

import pytest

from arca.monitoring.alarm import Alarm, Alarms, Reading
from arca.monitoring.catalogue import CATALOGUE
from arca.monitoring.slo.compiler import compile_objective, least_total
from arca.monitoring.slo.duration import seconds, shorthand
from arca.monitoring.slo.objectives import read_objectives

OBJECTIVES = {objective.name: objective for objective in read_objectives()}
COMPILED = {name: compile_objective(objective) for name, objective in OBJECTIVES.items()}
ALL = pytest.mark.parametrize("name", OBJECTIVES)


def alarm(alarms: Alarms, name: str) -> Alarm:
    """Return an alarm by its name."""
    return next(one for one in alarms.alarms if one.name == name)


@pytest.mark.parametrize(
    ("name", "percents"),
    [
        ("errors", (1.44, 0.6, 0.3)),
        ("arca", (14.4, 6, 3)),
        ("latency", (72, 30, 15)),
        ("database", (72, 30, 15)),
    ],
)
def test_thresholds_are_the_workbooks(name: str, percents: tuple[float, ...]) -> None:
    """Both windows of an alert have the same threshold: 14.4, 6 and 3 times the budget."""
    first = "outage" if name == "errors" else "fast-burn"
    for percent, policy, windows in zip(
        percents,
        (first, "slow-burn", "ticket"),
        (("1h", "5m"), ("6h", "30m"), ("1d", "2h")),
        strict=True,
    ):
        for window in windows:
            found = alarm(COMPILED[name], f"{name}-{policy}-{window}")
            assert (found.threshold, found.period) == (pytest.approx(percent), seconds(window))
            assert (found.evaluation_periods, found.datapoints) == (1, 1)


def test_short_windows_are_a_twelfth() -> None:
    """SRE workbook, chapter 5: the short window is a twelfth of the long one."""
    for objective in OBJECTIVES.values():
        assert {policy.long / policy.short for policy in objective.alerts} == {12}


def test_slices_are_counted_by_the_alarm_itself() -> None:
    """The alarm needs one bad minute more than the budget allows in its window."""
    found = {a.name: a for a in COMPILED["availability"].alarms}
    counts = {
        name: (a.datapoints, a.evaluation_periods, a.period)
        for name, a in found.items()
        if set(a.readings) == {"slice"}
    }
    assert counts == {
        "availability-outage-1h": (2, 60, 60),
        "availability-outage-5m": (1, 5, 60),
        "availability-slow-burn-6h": (2, 360, 60),
        "availability-slow-burn-30m": (1, 30, 60),
        "availability-ticket-1d": (3, 1440, 60),
        "availability-ticket-2h": (1, 120, 60),
    }


@ALL
def test_a_window_beyond_a_day_reads_the_publisher(name: str) -> None:
    """CloudWatch has no alarm over three days; the published burn rate replaces it."""
    for window in ("3d", "6h"):
        found = alarm(COMPILED[name], f"{name}-slow-ticket-{window}")
        reading = found.readings["burn"]
        assert reading.metric == "slo.burn-rate"
        assert reading.fixed == {"SLO": name, "Window": window}
        assert found.threshold == 1


@ALL
def test_events_are_summed_and_filled(name: str) -> None:
    """The expression divides sums, and no failures count as 0."""
    for found in COMPILED[name].alarms:
        if found.expression and "slice" not in found.readings:
            assert {r.stat for r in found.readings.values()} <= {"Sum", "SampleCount"}
            used = re.findall(r"\b(good|bad|total|requests|runs)\b", found.expression)
            filled = re.findall(r"FILL\((good|bad|total|requests|runs), 0\)", found.expression)
            assert used == filled


@ALL
def test_a_faster_alert_silences_a_slower_one(name: str) -> None:
    """Severities of pages and tickets go to different topics."""
    composites = COMPILED[name].composites
    assert [c.severity for c in composites][1:] == ["SEV2", "SEV3", "SEV3"]
    assert composites[0].severity in ("SEV1", "SEV2")
    for number, composite in enumerate(composites):
        assert composite.none_of == tuple(faster.name for faster in composites[:number])
        assert len(composite.all_of) == 2


@ALL
def test_halves_notify_nobody(name: str) -> None:
    """Only composites, budgets, quiet outages and lost telemetry notify."""
    halves = {part for c in COMPILED[name].composites for part in c.all_of}
    assert all((a.severity is None) == (a.name in halves) for a in COMPILED[name].alarms)


@ALL
def test_every_metric_is_in_the_catalogue(name: str) -> None:
    """Alarms read the indicator, the load balancer's requests and the publisher's metrics."""
    read = {r.metric for a in COMPILED[name].alarms for r in a.readings.values()}
    assert read <= set(CATALOGUE)


def test_budgets_alarm_at_half_three_quarters_and_all() -> None:
    """Each objective has three alarms on its budget of 30 days."""
    for name in OBJECTIVES:
        found = [a for a in COMPILED[name].alarms if "-budget-" in a.name]
        assert [(a.threshold, a.severity) for a in found] == [
            (50, "SEV3"),
            (75, "SEV3"),
            (100, "SEV2"),
        ]
        assert {r.fixed["Window"] for a in found for r in a.readings.values()} == {"30d"}


def test_one_failure_never_pages() -> None:
    """One failure at 99.95% and 14.4 would breach below 139 requests without a least total."""
    assert 1 / 138 > 14.4 * 0.0005 > 1 / 139
    for objective in OBJECTIVES.values():
        for policy in objective.alerts:
            assert (objective.least_bad - 1) / least_total(
                objective, policy.rate
            ) < policy.rate * objective.budget


def test_what_cloudwatch_refuses_is_refused_here() -> None:
    """CloudWatch limits an alarm's span, its datapoints and its number of metrics."""

    def made(**changes: Any) -> Alarm:
        return Alarm(
            name="a",
            title="a",
            readings={"m": Reading("x", "Sum")},
            comparison="LessThanThreshold",
            threshold=1,
            meaning="m",
            **changes,
        )

    for wrong in (
        {"period": 90},
        {"period": 60, "evaluation_periods": 1441},
        {"datapoints": 2},
        {"period": 172800},
        {"period": 3600, "evaluation_periods": 169},
    ):
        with pytest.raises(ValueError, match="a: "):
            made(**wrong)
    assert made(period=3600, evaluation_periods=168)


def test_durations_are_written_as_they_are_read() -> None:
    """The conversion works in both directions."""
    for text in ("5m", "30m", "1h", "6h", "1d", "3d"):
        assert shorthand(seconds(text)) == text
    with pytest.raises(ValueError, match="no whole minutes"):
        shorthand(61)


def test_the_years_budget() -> None:
    """99.95% allows 21.6 minutes in 30 days and 4.38 hours a year."""
    from arca.monitoring.slo import budget

    availability = OBJECTIVES["availability"]
    assert budget.allowed_minutes(availability.target) == pytest.approx(21.6)
    year = budget.allowed_minutes(availability.target, window_days=365)
    assert year / 60 == pytest.approx(4.38)
