"""Durations in plain words, for the messages of this package and of `arca`."""

from datetime import timedelta

UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
"""The name and the seconds of each unit, the longest first."""
DAYS_FROM = 2
"""Durations below so many days are said in hours: a day of waiting is 24 hours."""


def in_words(span: timedelta) -> str:
    """Return a duration in the longest unit of which it is a whole number: `1 minute`, `24 hours`.

    Others are the sum of two units or more: `1 hour 30 minutes`. Fractions of a second are rounded.
    """
    left = round(span.total_seconds())
    days = DAYS_FROM * UNITS[0][1]
    parts: list[str] = []
    for name, length in UNITS:
        if name == "day" and left < days:
            continue
        number, left = divmod(left, length)
        if number:
            parts.append(f"{number} {name}" + ("s" if number != 1 else ""))
    return " ".join(parts) or "0 seconds"
