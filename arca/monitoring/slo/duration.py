"""OpenSLO's shorthand for durations, in seconds."""

import re

MINUTE, HOUR, DAY = 60, 3600, 86400
UNIT_SECONDS = {
    "m": MINUTE,
    "h": HOUR,
    "d": DAY,
    "w": 7 * DAY,
    "M": 30 * DAY,
    "Q": 90 * DAY,
    "Y": 365 * DAY,
}
"""Months, quarters and years count 30, 90 and 365 days: the specification leaves it open."""


def seconds(shorthand: str) -> int:
    """Return the seconds of a duration such as `5m` or `30d` (OpenSLO v1, "duration-shorthand").

    Raises ValueError for anything else.
    """
    found = re.fullmatch(r"([1-9][0-9]*)([mhdwMQY])", shorthand)
    if found is None:
        message = "a duration such as 5m, 6h, 30d or 1Y"
        raise ValueError(message)
    return int(found[1]) * UNIT_SECONDS[found[2]]


def shorthand(duration: int) -> str:
    """Return the shortest shorthand of some seconds in days, hours or minutes.

    Raises ValueError for seconds that are no whole minutes.
    """
    for unit in ("d", "h", "m"):
        if duration % UNIT_SECONDS[unit] == 0:
            return f"{duration // UNIT_SECONDS[unit]}{unit}"
    message = f"{duration} seconds are no whole minutes"
    raise ValueError(message)
