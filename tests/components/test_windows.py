"""Daily and weekly windows, which may go past midnight and past the end of a week."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.windows import DAYS, daily_length, overlap, weekly_length


@pytest.mark.parametrize(
    ("window", "minutes"), [("06:00-07:00", 60), ("23:30-00:30", 60), ("05:00-05:00", 0)]
)
def test_the_length_of_a_daily_window(window: str, minutes: int) -> None:
    """A window may go past midnight."""
    assert daily_length(window) == minutes


@pytest.mark.parametrize(
    ("window", "minutes"),
    [("sun:07:30-sun:08:30", 60), ("sun:23:30-mon:00:30", 60), ("mon:00:00-tue:00:00", 1440)],
)
def test_the_length_of_a_weekly_window(window: str, minutes: int) -> None:
    """A window may go past the end of Sunday."""
    assert weekly_length(window) == minutes


@pytest.mark.parametrize(
    ("daily", "weekly", "overlaps"),
    [
        ("06:00-07:00", "sun:07:00-sun:08:00", False),
        ("06:00-07:01", "sun:07:00-sun:08:00", True),
        ("23:30-00:30", "wed:00:00-wed:01:00", True),
        ("23:30-00:30", "sun:23:00-mon:00:10", True),
        ("00:00-00:10", "sun:23:30-mon:00:30", True),
        ("12:00-13:00", "sun:23:30-mon:00:30", False),
    ],
)
def test_windows_that_overlap(daily: str, weekly: str, *, overlaps: bool) -> None:
    """Windows that only touch do not overlap."""
    assert overlap(daily, weekly) is overlaps


def clock(minute: int) -> str:
    """Return a minute of a day as text."""
    return f"{minute // 60:02}:{minute % 60:02}"


@given(
    st.integers(0, 1439),
    st.integers(1, 300),
    st.integers(0, 6),
    st.integers(0, 1439),
    st.integers(1, 300),
)
def test_an_overlap_is_a_common_minute(
    begin: int, length: int, day: int, weekly_begin: int, weekly_length_: int
) -> None:
    """The quick answer is that of counting every minute of the week."""
    daily = {(day_ * 1440 + begin + k) % 10080 for day_ in range(7) for k in range(length)}
    first = day * 1440 + weekly_begin
    weekly = {(first + k) % 10080 for k in range(weekly_length_)}
    last = (first + weekly_length_) % 10080
    window = f"{DAYS[day]}:{clock(weekly_begin)}-{DAYS[last // 1440]}:{clock(last % 1440)}"
    end = clock((begin + length) % 1440)
    assert overlap(f"{clock(begin)}-{end}", window) is bool(daily & weekly)
