"""Simulated time: a minute of a deployment takes a second of a person's."""

import os
from datetime import UTC, datetime, timedelta
from typing import Protocol

MINUTE_SECONDS = 1.0


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
        self.minute = timedelta(
            seconds=float(os.environ.get("ARCA_LOCAL_MINUTE") or MINUTE_SECONDS)
        )

    def now(self) -> datetime:
        """The moment."""
        return datetime.now(UTC)


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
