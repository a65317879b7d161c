"""The compiled alarms keep the SRE workbook's windows and CloudWatch's limits."""

import math
import re
from typing import Any

import numpy as np
import pytest

from arca.monitoring.alarm import Alarm, Alarms, Composite, Hold, Reading
from arca.monitoring.catalogue import CATALOGUE
from arca.monitoring.slo.compiler import (
    BEFORE_A_PAGE,
    BEFORE_A_TICKET,
    compile_objective,
    compile_objectives,
    least_total,
)
from arca.monitoring.slo.duration import seconds, shorthand
from arca.monitoring.slo.metric_math import evaluate
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
    """Both windows of an alert have the same threshold: 14.4 and 6 times the budget.

    A single long window must burn; of the short ones within half an hour, and of two at least, one.
    """
    for rate, policy, windows in (
        (14.4, "fast-burn", (("1h", 1), ("5m", 6))),
        (6, "slow-burn", (("6h", 1), ("30m", 2))),
    ):
        for window, remembered in windows:
            percent = 100 * rate * (1 - OBJECTIVES[name].target)
            found = alarm(compiled(name), f"{name}-{policy}-{window}")
            assert (found.threshold, found.period) == (pytest.approx(percent), seconds(window))
            assert (found.evaluation_periods, found.datapoints) == (remembered, 1)


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
        "availability-fast-burn-1h": (2, 60, 60),
        "availability-fast-burn-5m": (1, 30, 60),
        "availability-slow-burn-6h": (2, 360, 60),
        "availability-slow-burn-30m": (1, 60, 60),
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
            used = re.findall(r"\b(good|bad|total|runs)\b", found.expression)
            filled = re.findall(r"FILL\((good|bad|total|runs), 0\)", found.expression)
            assert used == filled


@ALL
def test_one_alarm_pages_and_one_makes_a_ticket(name: str) -> None:
    """Each is over all alerts of its kind, so that a slower one cannot notify anew."""
    page, ticket = compiled(name).composites
    assert (page.name, page.severity, page.hold) == (f"{name}-page", "SEV2", BEFORE_A_PAGE)
    assert (ticket.name, ticket.severity, ticket.hold) == (
        f"{name}-ticket",
        "SEV3",
        BEFORE_A_TICKET,
    )
    assert [len(group) for group in page.any_of] == [2, 2]
    assert [len(group) for group in ticket.any_of] == [2]


@ALL
def test_windows_notify_nobody(name: str) -> None:
    """Only composites, budgets and a silent probe notify."""
    windows = {part for c in compiled(name).composites for part in c.parts}
    assert all((a.severity is None) == (a.name in windows) for a in compiled(name).alarms)


def test_a_page_holds_back_the_tickets_of_all_objectives() -> None:
    """The silent composite is over the outage and every page, and before every ticket."""
    found = compile_objectives(list(OBJECTIVES.values())).composites
    names = [one.name for one in found]
    silent = found[names.index("pages")]
    assert silent.severity is None
    assert silent.any_of == (("api-down",), *((f"{name}-page",) for name in OBJECTIVES))
    assert names.index("pages") > max(names.index(f"{name}-page") for name in OBJECTIVES)
    assert names.index("pages") < min(names.index(f"{name}-ticket") for name in OBJECTIVES)


def test_what_nobody_counts_is_an_alarm_while_invoices_are_made() -> None:
    """Silence of any objective's total, while ten invoices in a quarter of an hour are made."""
    lost = alarm(compile_objectives(list(OBJECTIVES.values())), "telemetry-lost")
    assert (lost.period, lost.evaluation_periods, lost.datapoints) == (900, 2, 2)

    def breaches(invoices: float, **silent: float) -> bool:
        counted = {key: np.array([100.0]) for key in lost.readings}
        read = counted | {"invoices": np.array([invoices])}
        read |= {key: np.array([value]) for key, value in silent.items()}
        return bool(evaluate(lost.expression, read)[0] < lost.threshold)

    assert len(lost.readings) == 4
    assert not breaches(1000)
    for key in set(lost.readings) - {"invoices"}:
        assert breaches(10, **{key: math.nan})
        assert breaches(10, **{key: 0})
        assert not breaches(9, **{key: math.nan}), "a night without work"
        assert not breaches(math.nan, **{key: math.nan})


def test_a_publisher_that_is_silent_is_an_alarm() -> None:
    """It puts values once an hour; alarms on them keep their last state without any."""
    found = compile_objectives(list(OBJECTIVES.values()))
    silent = alarm(found, "publisher-silent")
    reading = silent.readings["burn"]
    assert (reading.stat, reading.fixed["Window"]) == ("SampleCount", "1h")
    assert (silent.comparison, silent.threshold) == ("LessThanThreshold", 1)
    assert (silent.period, silent.missing, silent.severity) == (3 * 3600, "breaching", "SEV3")
    held = [a for a in found.alarms if a.missing == "ignore"]
    assert {r.metric for a in held for r in a.readings.values()} == {
        "slo.burn-rate",
        "slo.budget-consumed",
    }


@ALL
def test_every_metric_is_in_the_catalogue(name: str) -> None:
    """Alarms read the indicator, the load balancer's requests and the publisher's metrics."""
    read = {r.metric for a in compiled(name).alarms for r in a.readings.values()}
    assert read <= set(CATALOGUE)


def test_a_budget_alarms_at_three_quarters() -> None:
    """Each objective has one alarm on its budget of 30 days, a ticket."""
    for name in OBJECTIVES:
        found = [a for a in compiled(name).alarms if a.name.endswith("-budget")]
        assert [(a.threshold, a.severity) for a in found] == [(75, "SEV3")]
        assert {r.fixed["Window"] for a in found for r in a.readings.values()} == {"30d"}


def test_one_failure_never_pages() -> None:
    """One failure at 99.95% and 14.4 would breach below 139 requests without a least total."""
    assert 1 / 138 > 14.4 * 0.0005 > 1 / 139
    for objective in OBJECTIVES.values():
        for policy in objective.alerts:
            least = least_total(objective, policy.rate, objective.least_bad)
            assert (objective.least_bad - 1) / least < policy.rate * objective.budget
            burn = policy.rate * objective.budget
            assert objective.least_bad / least >= burn - 1e-9


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
        trace_filter="",
    )


ALERTS = (
    BurnRateAlert("fast", "Fast burn", "SEV1", 14.4, seconds("1h"), seconds("5m")),
    BurnRateAlert("slow", "Slow burn", "SEV2", 6, seconds("1d"), seconds("2h")),
    BurnRateAlert("ticket", "Ticket", "SEV3", 1, seconds("3d"), seconds("6h")),
)
PART, TICKET = (
    f"A part of pages-{kind}; notifies nobody by itself." for kind in ("page", "ticket")
)


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


BUDGET = declared(
    "budget",
    "75% of the error budget consumed",
    "75% of what 95% allows in 30 days is used up; docs/monitoring.md says what follows.",
    readings={
        "consumed": Reading("slo.budget-consumed", "Maximum", {"SLO": "pages", "Window": "30d"})
    },
    comparison="GreaterThanOrEqualToThreshold",
    threshold=75,
    period=3600,
    evaluation_periods=2,
    missing="ignore",
    severity="SEV3",
)
COMPOSITES = (
    Composite(
        name="pages-page",
        title="Pages: fast burn",
        any_of=(("pages-fast-1h", "pages-fast-5m"), ("pages-slow-1d", "pages-slow-2h")),
        severity="SEV1",
        runbook="shop-down",
        meaning="The error budget burns 14.4 times too fast over 1h and 5m or 6 times too fast "
        "over 1d and 2h. 95% of the pages are served.",
        hold=Hold("api-down", wait=240, extension=4200),
    ),
    Composite(
        name="pages-ticket",
        title="Pages: ticket",
        any_of=(("pages-ticket-3d", "pages-ticket-6h"),),
        severity="SEV3",
        runbook="shop-down",
        meaning="The error budget burns 1 times too fast over 3d and 6h. 95% of the pages are "
        "served.",
        hold=Hold("pages", wait=240, extension=9 * 3600),
    ),
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
                PART,
                readings=readings,
                expression=f"100 * ({failed}) / "
                f"IF(FILL(total, 0) < {least}, {least}, FILL(total, 0))",
                threshold=threshold,
                period=seconds(window),
                evaluation_periods=remembered,
            )
            # Three failures of 72% are among 4.17 events, and two among 2.8.
            for name, window, least, threshold, remembered in (
                ("fast", "1h", 4, 72, 1),
                ("fast", "5m", 2, 72, 6),
                ("slow", "1d", 10, 30, 1),
                ("slow", "2h", 6, 30, 2),
            )
        ),
        published("3d"),
        published("6h"),
        BUDGET,
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
                PART,
                readings={"slice": Reading("shop.up", "Average")},
                comparison="LessThanThreshold",
                threshold=100,
                period=300,
                evaluation_periods=slices,
                datapoints=bad,
            )
            for name, window, bad, slices in (
                # 14.4 times 5% of 12 slices allow 8.6, and 6 times 5% of 288 allow 86.4. A short
                # window is remembered, and wants as many as it allows in one.
                ("fast", "1h", 9, 12),
                ("fast", "5m", 1, 6),
                ("slow", "1d", 87, 288),
                ("slow", "2h", 8, 48),
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
        BUDGET,
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


def test_an_objective_without_alerts_keeps_its_budget() -> None:
    """Nothing burns too fast for it."""
    found = compile_objective(shop(INDICATORS["bad"]))
    assert found == Alarms((BUDGET,), ())
