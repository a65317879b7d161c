"""An alarm as plain data, before a stack gives it a physical name and dimensions.

The table of alarms (arca/monitoring/table/) and the objectives' compiler
(arca/monitoring/slo/compiler.py) both make these; components/alarms.py declares them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from arca.naming import Severity

Comparison = Literal[
    "GreaterThanThreshold",
    "GreaterThanOrEqualToThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
]
Missing = Literal["breaching", "notBreaching", "ignore", "missing"]


MOST_READINGS = 10
"""Metrics that an alarm's expression reads at most (source: see Alarm)."""


@dataclass(frozen=True)
class Reading:
    """A metric of the catalogue and the statistic to read."""

    metric: str
    """The metric's id in the catalogue."""
    stat: str
    fixed: Mapping[str, str] = field(default_factory=dict[str, str])
    """Values of the metric's `splits`; the stack gives the other dimensions."""


@dataclass(frozen=True)
class Alarm:
    """A metric alarm; raises ValueError for one that CloudWatch would refuse.

    Limits: `period` times `evaluation_periods` is at most seven days, and one day where the
    period is below an hour; at most ten readings (Amazon CloudWatch User Guide, "Alarm limits";
    CloudWatch API reference, PutMetricAlarm).
    """

    name: str
    title: str
    readings: Mapping[str, Reading]
    """By their ids in the expression; a single one where there is no expression."""
    comparison: Comparison
    threshold: float
    meaning: str
    runbook: str = ""
    """The id of its runbook; empty where only ECS reads the alarm."""
    severity: Severity | None = None
    """None where the alarm notifies nobody: a composite or ECS reads it."""
    expression: str = ""
    period: int = 60
    """Seconds."""
    evaluation_periods: int = 1
    datapoints: int = 1
    missing: Missing = "notBreaching"

    def __post_init__(self) -> None:
        """Refuse an alarm that PutMetricAlarm would refuse."""
        span = self.period * self.evaluation_periods
        whole = self.period in (10, 20, 30) or self.period % 60 == 0
        if not whole or self.period > 86400 or span > (7 * 86400 if self.period >= 3600 else 86400):
            message = f"{self.name}: {self.evaluation_periods} periods of {self.period} s"
            raise ValueError(message)
        if not 1 <= self.datapoints <= self.evaluation_periods:
            message = f"{self.name}: {self.datapoints} of {self.evaluation_periods} datapoints"
            raise ValueError(message)
        if not 1 <= len(self.readings) <= MOST_READINGS or (
            len(self.readings) > 1 and not self.expression
        ):
            message = f"{self.name}: {len(self.readings)} metrics"
            raise ValueError(message)


@dataclass(frozen=True)
class Hold:
    """Another alarm that holds a composite's notifications back while it is in ALARM.

    Source: Amazon CloudWatch User Guide, "Composite alarm actions suppression". A composite that
    turns to ALARM waits `wait` seconds for the other one to do so too; after the other one has
    ended, it waits `extension` seconds. Then it notifies if it is still in ALARM.
    """

    alarm: str
    wait: int
    extension: int


@dataclass(frozen=True)
class Composite:
    """An alarm over alarms: in ALARM while, of any of its groups, all are."""

    name: str
    title: str
    any_of: tuple[tuple[str, ...], ...]
    meaning: str
    severity: Severity | None = None
    """None where it notifies nobody and only holds others back."""
    runbook: str = ""
    hold: Hold | None = None

    @property
    def parts(self) -> frozenset[str]:
        """The names of the alarms that it reads."""
        return frozenset(name for group in self.any_of for name in group)


@dataclass(frozen=True)
class Alarms:
    """Metric alarms and the composites over them."""

    alarms: tuple[Alarm, ...] = ()
    composites: tuple[Composite, ...] = ()

    def __add__(self, other: "Alarms") -> "Alarms":
        """Join two sets of alarms."""
        return Alarms(self.alarms + other.alarms, self.composites + other.composites)

    def notifying(self) -> tuple[Alarm | Composite, ...]:
        """The alarms that notify somebody."""
        every: tuple[Alarm | Composite, ...] = (*self.alarms, *self.composites)
        return tuple(alarm for alarm in every if alarm.severity)
