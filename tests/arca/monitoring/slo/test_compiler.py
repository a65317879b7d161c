"""The compiled alarms keep the SRE workbook's windows and CloudWatch's limits."""

import re
from typing import Any

import pytest

from arca.monitoring.alarm import Alarm, Alarms, Composite, Reading, Severity
from arca.monitoring.catalogue import CATALOGUE
from arca.monitoring.slo.compiler import compile_objective, least_total
from arca.monitoring.slo.duration import seconds, shorthand
from arca.monitoring.slo.objective import (
    BurnRateAlert,
    EventIndicator,
    Objective,
    SliceIndicator,
)
from arca.monitoring.slo.objectives import read_objectives

OBJECTIVES = {objective.name: objective for objective in read_objectives()}
ALL = pytest.mark.parametrize("name", OBJECTIVES)


def compiled(name: str) -> Alarms:
    """Return the alarms of one of the project's objectives, compiled while the test runs."""
    return compile_objective(OBJECTIVES[name])


def alarm(alarms: Alarms, name: str) -> Alarm:
    """Return an alarm by its name."""
    return next(one for one in alarms.alarms if one.name == name)


@pytest.mark.parametrize("name", ["errors", "arca", "latency", "database"])
def test_thresholds_are_the_workbooks(name: str) -> None:
    """Both windows of an alert have the same threshold: 14.4, 6 and 3 times the budget."""
    first = "outage" if name == "errors" else "fast-burn"
    for rate, policy, windows in zip(
        (14.4, 6, 3),
        (first, "slow-burn", "ticket"),
        (("1h", "5m"), ("6h", "30m"), ("1d", "2h")),
        strict=True,
    ):
        for window in windows:
            percent = 100 * rate * (1 - OBJECTIVES[name].target)
            found = alarm(compiled(name), f"{name}-{policy}-{window}")
            assert (found.threshold, found.period) == (pytest.approx(percent), seconds(window))
            assert (found.evaluation_periods, found.datapoints) == (1, 1)


def test_short_windows_are_a_twelfth() -> None:
    """SRE workbook, chapter 5: the short window is a twelfth of the long one."""
    for objective in OBJECTIVES.values():
        assert {policy.long / policy.short for policy in objective.alerts} == {12}


def test_slices_are_counted_by_the_alarm_itself() -> None:
    """The alarm needs one bad minute more than the budget allows in its window."""
    found = {a.name: a for a in compiled("availability").alarms}
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
        found = alarm(compiled(name), f"{name}-slow-ticket-{window}")
        reading = found.readings["burn"]
        assert reading.metric == "slo.burn-rate"
        assert reading.fixed == {"SLO": name, "Window": window}
        assert found.threshold == 1


@ALL
def test_events_are_summed_and_filled(name: str) -> None:
    """The expression divides sums, and no failures count as 0."""
    for found in compiled(name).alarms:
        if found.expression and "slice" not in found.readings:
            assert {r.stat for r in found.readings.values()} <= {"Sum", "SampleCount"}
            used = re.findall(r"\b(good|bad|total|requests|runs)\b", found.expression)
            filled = re.findall(r"FILL\((good|bad|total|requests|runs), 0\)", found.expression)
            assert used == filled


@ALL
def test_a_faster_alert_silences_a_slower_one(name: str) -> None:
    """Severities of pages and tickets go to different topics."""
    composites = compiled(name).composites
    assert [c.severity for c in composites][1:] == ["SEV2", "SEV3", "SEV3"]
    assert composites[0].severity in ("SEV1", "SEV2")
    for number, composite in enumerate(composites):
        assert composite.none_of == tuple(faster.name for faster in composites[:number])
        assert len(composite.all_of) == 2


@ALL
def test_halves_notify_nobody(name: str) -> None:
    """Only composites, budgets, quiet outages and lost telemetry notify."""
    halves = {part for c in compiled(name).composites for part in c.all_of}
    assert all((a.severity is None) == (a.name in halves) for a in compiled(name).alarms)


@ALL
def test_every_metric_is_in_the_catalogue(name: str) -> None:
    """Alarms read the indicator, the load balancer's requests and the publisher's metrics."""
    read = {r.metric for a in compiled(name).alarms for r in a.readings.values()}
    assert read <= set(CATALOGUE)


def test_budgets_alarm_at_half_three_quarters_and_all() -> None:
    """Each objective has three alarms on its budget of 30 days."""
    for name in OBJECTIVES:
        found = [a for a in compiled(name).alarms if "-budget-" in a.name]
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
    assert (seconds("2M"), seconds("1Q"), seconds("1Y")) == (5184000, 7776000, 31536000)
    with pytest.raises(ValueError, match="no whole minutes"):
        shorthand(61)
    with pytest.raises(ValueError, match=r"^a duration such as 5m, 6h, 30d or 1Y$"):
        seconds("soon")


def test_the_years_budget() -> None:
    """99.95% allows 21.6 minutes in 30 days and 4.38 hours a year."""
    from arca.monitoring.slo import budget

    availability = OBJECTIVES["availability"]
    assert budget.allowed_minutes(availability.target) == pytest.approx(21.6)
    year = budget.allowed_minutes(availability.target, window_days=365)
    assert year / 60 == pytest.approx(4.38)


INDICATORS: dict[str, EventIndicator | SliceIndicator] = {
    "good": EventIndicator("good", (Reading("shop.good", "Sum"),), (Reading("shop.pages", "Sum"),)),
    "bad": EventIndicator("bad", (Reading("shop.bad", "Sum"),), (Reading("shop.pages", "Sum"),)),
    "slices": SliceIndicator(Reading("shop.up", "Average"), "gte", 100, seconds("5m")),
}


def shop(indicator: EventIndicator | SliceIndicator, *alerts: BurnRateAlert) -> Objective:
    """Return an objective that is none of the project's own; its target is its own too."""
    return Objective(
        name="pages",
        title="Pages",
        description="95% of the pages are served.",
        service="shop",
        target=0.95,
        indicator=indicator,
        alerts=alerts,
        runbook="shop-down",
        least_bad=3,
        lost_after=50,
        trace_filter="",
    )


ALERTS = (
    BurnRateAlert("fast", "Fast burn", "SEV1", 14.4, seconds("1h"), seconds("5m")),
    BurnRateAlert("slow", "Slow burn", "SEV2", 6, seconds("1d"), seconds("2h")),
    BurnRateAlert("ticket", "Ticket", "SEV3", 1, seconds("3d"), seconds("6h")),
)
FAST, SLOW, TICKET = (f"Half of pages-{a.name}; notifies nobody by itself." for a in ALERTS)


def declared(name: str, title: str, meaning: str, **others: Any) -> Alarm:
    """Return an alarm of the shop's objective."""
    others.setdefault("comparison", "GreaterThanThreshold")
    return Alarm(
        name=f"pages-{name}",
        title=f"Pages: {title}",
        meaning=meaning,
        runbook="shop-down",
        **others,
    )


def published(window: str) -> Alarm:
    """Return an alarm on the burn rate that the publisher computes for a window."""
    return declared(
        f"ticket-{window}",
        f"burn rate over {window}",
        TICKET,
        readings={"burn": Reading("slo.burn-rate", "Maximum", {"SLO": "pages", "Window": window})},
        threshold=1,
        period=3600,
        evaluation_periods=2,
        missing="ignore",
    )


BUDGETS = tuple(
    declared(
        f"budget-{percent}",
        f"{percent}% of the error budget consumed",
        f"{percent}% of what 95% allows in 30 days is used up; docs/monitoring.md says what "
        "follows.",
        readings={
            "consumed": Reading("slo.budget-consumed", "Maximum", {"SLO": "pages", "Window": "30d"})
        },
        comparison="GreaterThanOrEqualToThreshold",
        threshold=percent,
        period=3600,
        evaluation_periods=2,
        missing="ignore",
        severity=severity,
    )
    for percent, severity in ((50, "SEV3"), (75, "SEV3"), (100, "SEV2"))
)
NOTIFYING: tuple[tuple[str, str, str, str, tuple[str, ...], Severity, str], ...] = (
    ("fast", "fast burn", "1h", "5m", (), "SEV1", "14.4"),
    ("slow", "slow burn", "1d", "2h", ("pages-fast",), "SEV2", "6"),
    ("ticket", "ticket", "3d", "6h", ("pages-fast", "pages-slow"), "SEV3", "1"),
)
"""Name, title, long and short window, what silences it, severity and burn rate."""
COMPOSITES = tuple(
    Composite(
        name=f"pages-{name}",
        title=f"Pages: {title}",
        all_of=(f"pages-{name}-{long}", f"pages-{name}-{short}"),
        none_of=none_of,
        severity=severity,
        runbook="shop-down",
        meaning=f"The error budget burns more than {rate} times too fast over {long} and over "
        f"{short}. 95% of the pages are served.",
    )
    for name, title, long, short, none_of, severity, rate in NOTIFYING
)
LOST = "The indicator has no data, so none of its alarms can fire."


@pytest.mark.parametrize(
    ("counts", "failed"), [("good", "FILL(total, 0) - FILL(good, 0)"), ("bad", "FILL(bad, 0)")]
)
def test_the_whole_of_an_objective_of_events(counts: str, failed: str) -> None:
    """Every field of every alarm is this; with fewer events than fill a window, it is filled."""
    found = compile_objective(shop(INDICATORS[counts], *ALERTS))
    total = Reading("shop.pages", "Sum")
    readings = {counts: Reading(f"shop.{counts}", "Sum"), "total": total}
    assert found.composites == COMPOSITES
    assert found.alarms == (
        *(
            declared(
                f"{name}-{window}",
                f"% bad in {window}",
                meaning,
                readings=readings,
                expression=f"100 * ({failed}) / "
                f"IF(FILL(total, 0) < {least}, {least}, FILL(total, 0))",
                threshold=threshold,
                period=seconds(window),
            )
            for name, window, meaning, least, threshold in (
                ("fast", "1h", FAST, 5, 72),
                ("fast", "5m", FAST, 5, 72),
                ("slow", "1d", SLOW, 10, 30),
                ("slow", "2h", SLOW, 10, 30),
            )
        ),
        published("3d"),
        published("6h"),
        declared(
            "quiet",
            "failures at low traffic",
            "3 bad events in an hour with fewer than 5 in all: too few for a burn rate, and still "
            "an outage for those who came.",
            readings=readings,
            expression=f"IF(FILL(total, 0) < 5, {failed}, 0)",
            comparison="GreaterThanOrEqualToThreshold",
            threshold=3,
            period=3600,
            severity="SEV2",
        ),
        declared(
            "lost-telemetry",
            "no data",
            LOST,
            readings={"requests": Reading("edge.requests", "Sum"), "total": total},
            expression="IF(FILL(requests, 0) < 50, 0, IF(FILL(total, 0) < 1, 1, 0))",
            comparison="GreaterThanOrEqualToThreshold",
            threshold=1,
            period=900,
            evaluation_periods=2,
            datapoints=2,
            severity="SEV3",
        ),
        *BUDGETS,
    )


def test_the_whole_of_an_objective_of_slices() -> None:
    """Every field of every alarm is this, with slices that are five minutes long."""
    found = compile_objective(shop(INDICATORS["slices"], *ALERTS))
    assert found.composites == COMPOSITES
    assert found.alarms == (
        *(
            declared(
                f"{name}-{window}",
                f"bad slices in {window}",
                meaning,
                readings={"slice": Reading("shop.up", "Average")},
                comparison="LessThanThreshold",
                threshold=100,
                period=300,
                evaluation_periods=slices,
                datapoints=bad,
            )
            for name, window, meaning, bad, slices in (
                # 14.4 times 5% of 12 slices allow 8.6, and 6 times 5% of 288 allow 86.4.
                ("fast", "1h", FAST, 9, 12),
                ("fast", "5m", FAST, 1, 1),
                ("slow", "1d", SLOW, 87, 288),
                ("slow", "2h", SLOW, 8, 24),
            )
        ),
        published("3d"),
        published("6h"),
        declared(
            "lost-telemetry",
            "no data",
            LOST,
            readings={"runs": Reading("shop.up", "SampleCount")},
            expression="FILL(runs, 0)",
            comparison="LessThanThreshold",
            threshold=1,
            period=300,
            evaluation_periods=3,
            datapoints=3,
            missing="breaching",
            severity="SEV3",
        ),
        *BUDGETS,
    )


@pytest.mark.parametrize(
    ("op", "comparison"),
    [
        ("gte", "LessThanThreshold"),
        ("gt", "LessThanOrEqualToThreshold"),
        ("lte", "GreaterThanThreshold"),
        ("lt", "GreaterThanOrEqualToThreshold"),
    ],
)
def test_a_slice_is_bad_where_its_operator_does_not_hold(op: Any, comparison: str) -> None:
    """The alarm compares the other way around than the objective."""
    slices = SliceIndicator(Reading("shop.up", "Average"), op, 100, 60)
    alert = BurnRateAlert("fast", "Fast burn", "SEV1", 2, seconds("1h"), seconds("5m"))
    found = compile_objective(shop(slices, alert))
    assert alarm(found, "pages-fast-1h").comparison == comparison


def test_an_objective_without_alerts_keeps_its_other_alarms() -> None:
    """Without a burn rate, a quiet outage is as many failures among as few events."""
    found = compile_objective(shop(INDICATORS["bad"]))
    assert alarm(found, "pages-quiet").expression == "IF(FILL(total, 0) < 3, FILL(bad, 0), 0)"
    assert [one.name for one in found.alarms] == [
        "pages-quiet",
        "pages-lost-telemetry",
        "pages-budget-50",
        "pages-budget-75",
        "pages-budget-100",
    ]
    assert found.composites == ()
