"""Daily and weekly windows of RDS and ElastiCache, in UTC."""

from typing import Annotated

from components.spec import Format

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES

_TIME = r"([01]\d|2[0-3]):[0-5]\d"
_DAY = f"({'|'.join(DAYS)})"

DailyWindow = Annotated[
    str, Format(f"^{_TIME}-{_TIME}$", "a daily window in UTC, such as 06:00-07:00")
]
WeeklyWindow = Annotated[
    str,
    Format(
        f"^{_DAY}:{_TIME}-{_DAY}:{_TIME}$", "a weekly window in UTC, such as sun:07:30-sun:08:30"
    ),
]


def daily_length(window: str) -> int:
    """Return the minutes of a daily window, which may go past midnight."""
    begin, end = (_minute(time) for time in window.split("-"))
    return (end - begin) % DAY_MINUTES


def weekly_length(window: str) -> int:
    """Return the minutes of a weekly window, which may go past the end of Sunday."""
    begin, end = _week(window)
    return (end - begin) % WEEK_MINUTES


def overlap_daily(one: str, other: str, *, before: int = 0) -> bool:
    """Return whether a daily window has a minute in common with another, or `before` it."""
    begin = _minute(one.split("-", maxsplit=1)[0])
    first = _minute(other.split("-", maxsplit=1)[0]) - before
    length = daily_length(other) + before
    # Either window begins within the other; both may go past midnight.
    return (begin - first) % DAY_MINUTES < length or (
        (first - begin) % DAY_MINUTES < daily_length(one)
    )


def overlap(daily: str, weekly: str, *, before: int = 0) -> bool:
    """Return whether a daily window has a minute in common with a weekly one, or `before` it."""
    first, last = _week(weekly)
    length = (last - first) % WEEK_MINUTES + before
    first -= before
    begin = _minute(daily.split("-", maxsplit=1)[0])
    for day in range(-1, 8):
        start = day * DAY_MINUTES + begin
        # The weekly window may go past Sunday, so it is compared with both weeks.
        for week in (first, first - WEEK_MINUTES):
            if start < week + length and week < start + daily_length(daily):
                return True
    return False


def _week(window: str) -> tuple[int, int]:
    begin, end = window.split("-")
    return _weekly_minute(begin), _weekly_minute(end)


def _weekly_minute(text: str) -> int:
    day, _, time = text.partition(":")
    return DAYS.index(day) * DAY_MINUTES + _minute(time)


def _minute(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)
