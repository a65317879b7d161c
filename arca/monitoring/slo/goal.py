"""What an objective means here: indicator, target, and when whom to alert."""

from dataclasses import dataclass

from arca.monitoring.slo import parts
from arca.monitoring.slo.cloudwatch import Reading, Severity

BUDGET_DAYS = 30


@dataclass(frozen=True)
class Events:
    """Events counted: good or bad ones, and all."""

    good: Reading | None
    bad: Reading | None
    total: Reading


@dataclass(frozen=True)
class Slices:
    """Slices of time, each good or bad by what was read in it."""

    reading: Reading
    op: parts.Operator
    value: float
    """A slice is good when the reading is `op` this."""
    seconds: int


@dataclass(frozen=True)
class Policy:
    """Alert when the budget burns `rate` times too fast over both windows."""

    name: str
    title: str
    severity: Severity
    rate: float
    long: int
    short: int
    """Windows in seconds."""


@dataclass(frozen=True)
class Goal:
    """An objective, ready to be compiled."""

    name: str
    title: str
    description: str
    service: str
    target: float
    """Share of good events or slices, below 1."""
    indicator: Events | Slices
    policies: tuple[Policy, ...]
    """From the most urgent on."""
    runbook: str
    least_bad: int
    """Fewer bad events than this never page, however few there were in all."""
    lost_after: int
    """Requests in a quarter of an hour after which an indicator without data is lost telemetry."""
    trace_filter: str

    def readings(self) -> tuple[Reading, ...]:
        """What the indicator reads."""
        if isinstance(self.indicator, Slices):
            return (self.indicator.reading,)
        read = (self.indicator.good, self.indicator.bad, self.indicator.total)
        return tuple(reading for reading in read if reading is not None)

    @property
    def budget(self) -> float:
        """Share that may be bad."""
        return 1 - self.target
