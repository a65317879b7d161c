"""The report of a month, at every moment of the month and after it."""

import calendar
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arca.errors import ArcaError
from arca.monitoring.catalogue import Binding
from arca.monitoring.live.report import BudgetCourse, Month, budget_course, read_month
from arca.monitoring.slo.objectives import read_objectives
from arca.monitoring.slo.publisher_input import publisher_input
from tests.arca.monitoring.live.recorded_cloudwatch import RecordedCloudWatch

BINDINGS: dict[Binding, list[str]] = {
    "stage": ["prod"],
    "canary": ["probe"],
    "load_balancer": ["app/arca"],
}
OBJECTIVES = {objective.name: objective for objective in read_objectives(BINDINGS)}
DESCRIBED = publisher_input(OBJECTIVES.values(), BINDINGS, stage="prod")
ENTRIES = {entry["name"]: entry for entry in DESCRIBED["objectives"]}

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2033, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds the zone
AWKWARD = [
    datetime(2026, 11, 1, 0, 0, 0, tzinfo=UTC),
    datetime(2026, 11, 1, 0, 3, 30, tzinfo=UTC),
    datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2028, 2, 29, 0, 30, tzinfo=UTC),
    datetime(2028, 2, 29, 23, 59, tzinfo=UTC),
    datetime(2028, 3, 1, 0, 0, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 1, 59, tzinfo=UTC),
    datetime(2026, 10, 31, 1, 0, tzinfo=UTC),
]
"""The first minutes of a month and of a year, 29 February, the hours after midnight."""


def full_hour(moment: datetime) -> datetime:
    """Return the beginning of a moment's hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def course(cloudwatch: RecordedCloudWatch, name: str, month: Month) -> BudgetCourse:
    """Return the course of an objective's budget, as the report reads it."""
    history = read_month(cloudwatch, DESCRIBED, ENTRIES[name], month)
    return budget_course(OBJECTIVES[name], history, month)


def month_of(now: datetime) -> Month:
    """Return the running month of a moment."""
    return Month.parse(f"{now:%Y-%m}", now=now)


@pytest.mark.parametrize("now", AWKWARD, ids=str)
def test_the_running_month_ends_with_the_running_hour(now: datetime) -> None:
    """Hours in the future have no data; the page shows whole days."""
    month = month_of(now)
    assert month.first == datetime(now.year, now.month, 1, tzinfo=UTC)
    assert month.known_until == full_hour(now) + HOUR
    assert month.last == full_hour(now).replace(hour=0) + DAY
    assert month.days == calendar.monthrange(now.year, now.month)[1]


@given(now=MOMENTS)
def test_a_month_that_is_over_is_known_to_its_end(now: datetime) -> None:
    """The previous month is complete at every moment of this one."""
    end = datetime(now.year, now.month, 1, tzinfo=UTC)
    month = Month.parse(f"{end - DAY:%Y-%m}", now=now)
    assert month.last == month.known_until == end
    assert month.first + timedelta(days=month.days) == end


@given(now=MOMENTS)
def test_a_month_that_has_not_begun_is_refused(now: datetime) -> None:
    """The next month is refused until it begins."""
    following = datetime(now.year, now.month, 1, tzinfo=UTC) + timedelta(days=32)
    with pytest.raises(ArcaError, match="There is no report"):
        Month.parse(f"{following:%Y-%m}", now=now)


def check_slices(now: datetime, ago: int) -> None:
    """Check that a bad minute `ago` minutes before a moment is counted."""
    month = month_of(now)
    bad = now.replace(second=0, microsecond=0) - ago * MINUTE
    cloudwatch = RecordedCloudWatch()
    cloudwatch.put("SuccessPercent", {bad - MINUTE: 100.0, bad: 0.0, bad + MINUTE: 100.0})
    before = month.first + 30 * MINUTE
    published = before < full_hour(now) - DAY
    if published:
        cloudwatch.put("BadSlices", {full_hour(before): 7.0})
    found = course(cloudwatch, "availability", month)
    counted = (7 if published else 0) + (1 if bad >= month.first else 0)
    # Two bad slices are allowed in any window, however short its budget.
    allowed = max(0.0005 * month.days * 24 * 60, OBJECTIVES["availability"].least_bad)
    assert found.bad == counted
    assert found.consumed[-1] == pytest.approx(100 * counted / allowed, abs=0.01)
    assert cloudwatch.asked_until <= full_hour(now) + HOUR


@given(now=MOMENTS, ago=st.integers(0, 22 * 60))
@settings(max_examples=200)
def test_a_bad_minute_is_counted_at_every_moment(now: datetime, ago: int) -> None:
    """Between midnight and two o'clock, the report used to read past that minute."""
    check_slices(now, ago)


@pytest.mark.parametrize("now", AWKWARD, ids=str)
@pytest.mark.parametrize("ago", [0, 1, 40, 119])
def test_a_bad_minute_is_counted_at_awkward_moments(now: datetime, ago: int) -> None:
    """The same holds at moments that random choice may miss."""
    check_slices(now, ago)


def check_events(month: Month, now: datetime, born: int, bad_at: int) -> None:
    """Check that failures use their share of the month's budget at even traffic."""
    first = month.first + born * HOUR
    hours = [first + number * HOUR for number in range(24 * month.days - born)]
    hours = [hour for hour in hours if hour <= now]
    cloudwatch = RecordedCloudWatch()
    cloudwatch.put("Requests", dict.fromkeys(hours, 1000.0))
    if hours:
        cloudwatch.put("RequestsFailed", {hours[bad_at % len(hours)]: 60.0})
    found = course(cloudwatch, "errors", month)
    expected = 100 * 60 / (0.001 * 1000 * 24 * month.days) if hours else 0
    assert found.total == 1000 * len(hours)
    assert found.consumed[-1] == pytest.approx(expected, abs=0.01)
    assert cloudwatch.asked_until <= full_hour(now) + HOUR


@given(now=MOMENTS, born=st.integers(0, 40), bad_at=st.integers(0, 743))
@settings(max_examples=80)
def test_failures_of_the_running_month(now: datetime, born: int, bad_at: int) -> None:
    """The running hour counts at every moment."""
    check_events(month_of(now), now, born, bad_at)


@pytest.mark.parametrize("now", AWKWARD, ids=str)
def test_failures_at_awkward_moments(now: datetime) -> None:
    """The same holds at moments that random choice may miss."""
    check_events(month_of(now), now, 0, 0)
    check_events(month_of(now), now, 5, 743)


@given(now=MOMENTS, born=st.integers(0, 40), bad_at=st.integers(0, 743))
@settings(max_examples=80)
def test_failures_of_the_month_before(now: datetime, born: int, bad_at: int) -> None:
    """The report reads a month of 31 days by the hour, its first day included."""
    end = datetime(now.year, now.month, 1, tzinfo=UTC)
    check_events(Month.parse(f"{end - DAY:%Y-%m}", now=now), now, born, bad_at)
