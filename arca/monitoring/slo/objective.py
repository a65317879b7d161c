"""An objective as plain data: indicator, target, and when to alert."""

from dataclasses import dataclass
from typing import Literal

from arca.monitoring.alarm import Reading
from arca.monitoring.slo.openslo import ThresholdOperator
from arca.naming import Severity


@dataclass(frozen=True)
class EventIndicator:
    """Events counted: the good or the bad ones, and all."""

    counts: Literal["good", "bad"]
    """Which events `counted` counts."""
    counted: Reading
    total: Reading


@dataclass(frozen=True)
class SliceIndicator:
    """Slices of time, each good or bad by the value of a metric."""

    reading: Reading
    op: ThresholdOperator
    value: float
    """A slice is good while the reading is `op` this value."""
    seconds: int


@dataclass(frozen=True)
class BurnRateAlert:
    """An alert that fires while the budget burns `rate` times too fast over two windows."""

    name: str
    title: str
    severity: Severity
    rate: float
    long: int
    """The long window, in seconds."""
    short: int
    """The short window, in seconds."""


@dataclass(frozen=True)
class Objective:
    """A service level objective, ready to be compiled."""

    name: str
    title: str
    description: str
    service: str
    target: float
    """The share of good events or slices, below 1."""
    indicator: EventIndicator | SliceIndicator
    alerts: tuple[BurnRateAlert, ...]
    """The most urgent one first."""
    runbook: str
    least_bad: int
    """Fewer bad events than this never page, however few events there were."""
    trace_filter: str
    threshold_ms: int | None = None
    """Milliseconds within which an event is good; None where no time decides it."""

    def readings(self) -> tuple[Reading, ...]:
        """Return what the indicator reads."""
        if isinstance(self.indicator, SliceIndicator):
            return (self.indicator.reading,)
        return (self.indicator.counted, self.indicator.total)

    def counts(self, metric: str) -> bool:
        """Return whether a metric of the catalogue counts the indicator's good or bad events."""
        indicator = self.indicator
        return isinstance(indicator, EventIndicator) and indicator.counted.metric == metric

    @property
    def budget(self) -> float:
        """The share that may be bad."""
        return 1 - self.target

    @property
    def percentile(self) -> str:
        """The percentile that is below the threshold while the objective holds, such as `p95`."""
        return f"p{100 * self.target:g}"
