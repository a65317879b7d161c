"""Schedules of Application Auto Scaling: the expressions and time zones that it accepts."""

import re
from datetime import datetime
from typing import Annotated
from zoneinfo import available_timezones

from components.spec import Format

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_NAMES = {"months": _MONTHS, "days": _DAYS}
"""Names that stand for 1, 2 and so on."""
_FIELDS = (
    ("minutes", 0, 59),
    ("hours", 0, 23),
    ("day of the month", 1, 31),
    ("months", 1, 12),
    ("days", 1, 7),
    ("year", 1970, 2199),
)
"""Fields of a cron expression and their ranges (Amazon EventBridge Scheduler User Guide, "Schedule
types", cron-based schedules; Application Auto Scaling takes the same)."""


def accepts_schedule(text: str) -> bool:
    """Return whether Application Auto Scaling accepts an `at`, `rate` or `cron` expression."""
    kind, _, rest = text.partition("(")
    inner = rest.removesuffix(")")
    match kind:
        case "at":
            return _is_moment(inner)
        case "rate":
            found = re.fullmatch(r"([1-9]\d*) (minute|hour|day)(s?)", inner)
            return found is not None and (found[1] == "1") == (found[3] == "")
        case "cron":
            return _is_cron(inner)
        case _:
            return False


def _is_moment(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 - the zone is a key of its own
    except ValueError:
        return False
    return True


def _is_cron(text: str) -> bool:
    fields = text.split(" ")
    if len(fields) != len(_FIELDS):
        return False
    # Exactly one of the two kinds of days is "?".
    if (fields[2] == "?") == (fields[4] == "?"):
        return False
    return all(
        field == "?"
        if field == "?" and name in ("day of the month", "days")
        else _is_field(field, name, low, high)
        for field, (name, low, high) in zip(fields, _FIELDS, strict=True)
    )


def _is_field(field: str, name: str, low: int, high: int) -> bool:
    if name == "day of the month" and re.fullmatch(r"L|LW|\d{1,2}W", field):
        return True
    if name == "days" and re.fullmatch(r"[1-7]?L|[1-7]#[1-5]", field):
        return True
    for item in field.split(","):
        span, slash, step = item.partition("/")
        if slash and not (step.isdigit() and int(step) > 0):
            return False
        if span == "*":
            continue
        numbers = [_number(end, name) for end in span.split("-")]
        if len(numbers) > 2 or any(
            number is None or not low <= number <= high for number in numbers
        ):
            return False
    return True


def _number(text: str, name: str) -> int | None:
    names = _NAMES.get(name, ())
    if text.upper() in names:
        return names.index(text.upper()) + 1
    return int(text) if text.isascii() and text.isdigit() else None


ScheduleExpression = Annotated[
    str,
    Format(
        r"^(cron|rate|at)\(.+\)$",
        "a schedule, such as cron(0 8 ? * MON-FRI *), rate(1 day) or at(2027-01-31T08:00:00)",
        accepts_schedule,
    ),
]
TimeZone = Annotated[
    str,
    Format(
        "^.+$",
        "an IANA time zone, such as America/Argentina/Buenos_Aires",
        lambda text: text in available_timezones(),
    ),
]
