"""CloudWatch's alarms as plain data, before any stack gives them names and dimensions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Severity = Literal["SEV1", "SEV2", "SEV3", "SEV4"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From a complete outage (SEV1) to what waits for the next sprint (SEV4)."""

Comparison = Literal[
    "GreaterThanThreshold",
    "GreaterThanOrEqualToThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
]
Missing = Literal["breaching", "notBreaching", "ignore", "missing"]


@dataclass(frozen=True)
class Reading:
    """A metric of the catalogue, read by one statistic."""

    metric: str
    """Its id in the catalogue."""
    stat: str
    fixed: Mapping[str, str] = field(default_factory=dict[str, str])
    """Dimensions that the reader sets, beside those that the stack gives."""


@dataclass(frozen=True)
class Alarm:
    """A metric alarm; `severity` None where only a composite reads it.

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
    runbook: str
    meaning: str
    severity: Severity | None = None
    expression: str = ""
    period: int = 60
    """Seconds."""
    evaluation_periods: int = 1
    datapoints: int = 1
    missing: Missing = "notBreaching"

    def __post_init__(self) -> None:
        """Refuse what PutMetricAlarm would."""
        span = self.period * self.evaluation_periods
        whole = self.period in (10, 20, 30) or self.period % 60 == 0
        if not whole or self.period > 86400 or span > (7 * 86400 if self.period >= 3600 else 86400):
            message = f"{self.name}: {self.evaluation_periods} periods of {self.period} s"
            raise ValueError(message)
        if not 1 <= self.datapoints <= self.evaluation_periods:
            message = f"{self.name}: {self.datapoints} of {self.evaluation_periods} datapoints"
            raise ValueError(message)
        if not 1 <= len(self.readings) <= 10 or (len(self.readings) > 1 and not self.expression):
            message = f"{self.name}: {len(self.readings)} metrics"
            raise ValueError(message)


@dataclass(frozen=True)
class Composite:
    """An alarm over alarms: all of some, and none of others."""

    name: str
    title: str
    all_of: tuple[str, ...]
    severity: Severity
    runbook: str
    meaning: str
    none_of: tuple[str, ...] = ()

    @property
    def muted_in_maintenance(self) -> bool:
        """Whether a maintenance window keeps it from notifying: never for an outage."""
        return self.severity != "SEV1"


@dataclass(frozen=True)
class Alarms:
    """Metric alarms and the composites over them."""

    alarms: tuple[Alarm, ...] = ()
    composites: tuple[Composite, ...] = ()

    def __add__(self, other: "Alarms") -> "Alarms":
        """Both together."""
        return Alarms(self.alarms + other.alarms, self.composites + other.composites)

    def notifying(self) -> tuple[Alarm | Composite, ...]:
        """Those that somebody hears of."""
        return (*(alarm for alarm in self.alarms if alarm.severity), *self.composites)
