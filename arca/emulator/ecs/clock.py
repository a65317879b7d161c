"""Simulated time: a minute of a deployment takes one second of real time by default."""

import os
from datetime import datetime, timedelta
from typing import Protocol

from arca.clock import Clock
from arca.errors import ArcaError

VARIABLE = "ARCA_LOCAL_MINUTE"
MINUTE_SECONDS = 1.0
LEAST_MINUTE, LONGEST_MINUTE = 0.01, 3600.0
"""Bounds of a simulated minute in seconds. Below the first, steps would take no time and never
end; above the second, a deployment would take days."""


class EcsClock(Protocol):
    """A clock that also knows how long a simulated minute is."""

    @property
    def minute(self) -> timedelta:
        """The length of a simulated minute in this clock's time."""
        ...

    def now(self) -> datetime:
        """Return the current time, in UTC."""
        ...


class ServerClock:
    """The server's clock; a simulated minute takes ARCA_LOCAL_MINUTE seconds, one by default."""

    def __init__(self, clock: Clock) -> None:
        self.minute = timedelta(seconds=minute_seconds())
        self._clock = clock

    def now(self) -> datetime:
        """Return the current time, in UTC."""
        return self._clock.now()


def minute_seconds() -> float:
    """Return the seconds of a simulated minute; raises ArcaError for an invalid setting."""
    given = os.environ.get(VARIABLE) or str(MINUTE_SECONDS)
    try:
        seconds = float(given)
    except ValueError:
        seconds = float("nan")
    # No comparison with NaN is true, so that it is refused too.
    if not LEAST_MINUTE <= seconds <= LONGEST_MINUTE:
        raise ArcaError(
            f"{VARIABLE} is {given!r}.",
            where="the environment",
            wanted=(
                "the seconds that a simulated minute takes: "
                f"from {LEAST_MINUTE:g} to {LONGEST_MINUTE:g}"
            ),
            do=f"set it to such a number, or unset it for {MINUTE_SECONDS:g} second a minute",
        )
    return seconds


class ManualClock:
    """A clock that stands still until it is advanced; its simulated minute is a real minute."""

    def __init__(self, start: datetime) -> None:
        self.minute = timedelta(minutes=1)
        self._now = start

    def now(self) -> datetime:
        """Return the moment at which the clock stands, in UTC."""
        return self._now

    def set(self, moment: datetime) -> None:
        """Move the clock to a moment."""
        self._now = moment

    def advance(self, minutes: float) -> None:
        """Move the clock on by simulated minutes."""
        self._now += minutes * self.minute
