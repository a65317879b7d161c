"""An objective as plain data: indicator, target, and when to alert."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from arca.monitoring.alarm import Reading
from arca.monitoring.slo.openslo_parts import ThresholdOperator
from arca.naming import Severity


@dataclass(frozen=True)
class EventIndicator:
    """Events counted: the good or the bad ones, and all; each is the sum of its metrics."""

    counts: Literal["good", "bad"]
    """Which events `counted` counts."""
    counted: tuple[Reading, ...]
    total: tuple[Reading, ...]

    def uncounted(self) -> tuple[Reading, ...]:
        """Return the metrics of `total` that are not among the counted ones."""
        counted = {reading.metric for reading in self.counted}
        return tuple(reading for reading in self.total if reading.metric not in counted)

    def sums(self) -> tuple[dict[str, Reading], str, str]:
        """Return the metrics by id, and the counted and all events as expressions over the ids.

        CloudWatch bills an alarm by its metrics, so one that both sums hold is read once.
        """
        ids: dict[str, str] = {}
        for kind, readings in ((self.counts, self.counted), ("total", self.total)):
            for number, reading in enumerate(readings, start=1):
                ids.setdefault(reading.metric, kind if len(readings) == 1 else f"{kind}{number}")
        known = {ids[reading.metric]: reading for reading in (*self.counted, *self.total)}
        counted, total = (
            sum_of([ids[reading.metric] for reading in readings])
            for readings in (self.counted, self.total)
        )
        return known, counted, total


def sum_of(ids: Sequence[str]) -> str:
    """Return a sum in CloudWatch's metric math; a metric without data counts nothing."""
    filled = " + ".join(f"FILL({one}, 0)" for one in ids)
    return filled if len(ids) == 1 else f"({filled})"


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
        return tuple(self.indicator.sums()[0].values())

    def counts(self, metric: str) -> bool:
        """Return whether a metric of the catalogue counts the indicator's good or bad events."""
        indicator = self.indicator
        return isinstance(indicator, EventIndicator) and any(
            reading.metric == metric for reading in indicator.counted
        )

    @property
    def budget(self) -> float:
        """The share that may be bad."""
        return 1 - self.target

    @property
    def percentile(self) -> str:
        """The percentile that is below the threshold while the objective holds, such as `p95`."""
        return f"p{100 * self.target:g}"
