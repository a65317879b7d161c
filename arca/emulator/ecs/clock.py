"""Simulated time: a minute of a deployment takes a second of a person's."""

import os
from datetime import UTC, datetime, timedelta
from typing import Protocol

from arca.errors import ArcaError

VARIABLE = "ARCA_LOCAL_MINUTE"
MINUTE_SECONDS = 1.0
LEAST, MOST = 0.01, 3600.0
"""Seconds of a simulated minute. Below, steps would take no time at all and never end; above, a
deployment takes days."""


class Clock(Protocol):
    """Tells the time, and how long a simulated minute is."""

    @property
    def minute(self) -> timedelta:
        """What a simulated minute takes of this clock's time."""
        ...

    def now(self) -> datetime:
        """The moment, UTC."""
        ...


class WallClock:
    """Real time; a simulated minute takes ARCA_LOCAL_MINUTE seconds, one by default."""

    def __init__(self) -> None:
        self.minute = timedelta(seconds=minute_seconds())

    def now(self) -> datetime:
        """The moment."""
        return datetime.now(UTC)


def minute_seconds() -> float:
    """What ARCA_LOCAL_MINUTE says, one where it is not set; raises ArcaError for nonsense."""
    given = os.environ.get(VARIABLE) or str(MINUTE_SECONDS)
    try:
        seconds = float(given)
    except ValueError:
        seconds = float("nan")
    # What is no number is within no bounds either.
    if not LEAST <= seconds <= MOST:
        raise ArcaError(
            f"{VARIABLE} is {given!r}.",
            where="the environment",
            wanted=f"the seconds that a simulated minute takes: from {LEAST:g} to {MOST:g}",
            do=f"set it, or unset it: a simulated minute takes {MINUTE_SECONDS:g} second then",
        )
    return seconds


class ManualClock:
    """Stands still until it is told to go on; its minute is a minute."""

    def __init__(self) -> None:
        self.minute = timedelta(minutes=1)
        self._now = datetime.now(UTC)

    def now(self) -> datetime:
        """The moment."""
        return self._now

    def restart(self) -> None:
        """Come back to the present: logs take no line of the day after."""
        self._now = datetime.now(UTC)

    def advance(self, minutes: float) -> None:
        """Let minutes pass."""
        self._now += minutes * self.minute
