"""A clock that stands still, for commands and functions that take one."""

from datetime import datetime, timedelta

from arca.clock import Clock


class FixedClock(Clock):
    """A clock that a test sets; only sleeping moves it."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        """Return the moment that the test chose."""
        return self._moment

    def sleep(self, seconds: float) -> None:
        """Move on without waiting."""
        self._moment += timedelta(seconds=seconds)
