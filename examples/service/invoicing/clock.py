"""The clock of the service, a parameter wherever a test needs to control the time."""

import time
from datetime import UTC, date, datetime, timedelta, timezone

ARGENTINA = timezone(timedelta(hours=-3))
"""Argentina's time, which the tax agency's dates mean; it has had no daylight saving since 2009."""


class Clock:
    """The system's clock."""

    def now(self) -> datetime:
        """Return the current time, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go backward, for durations."""
        return time.monotonic()

    def today(self) -> date:
        """Return the date in Argentina."""
        return self.now().astimezone(ARGENTINA).date()
