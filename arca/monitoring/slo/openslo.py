"""OpenSLO v1 as pydantic models, as far as this project's documents use it.

Source: OpenSLO specification, version 1, "Object Types". Field names are the specification's own
(camel case by alias); a key that the specification does not know is refused. An indicator stands
in its SLO and a condition in its AlertPolicy: the kinds SLI and AlertCondition are not read.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Discriminator, Field, Tag, TypeAdapter, model_validator

from arca.monitoring.slo.duration import seconds
from arca.monitoring.slo.openslo_alerts import AlertPolicy, AlertPolicyRef, NotificationTarget
from arca.monitoring.slo.openslo_parts import (
    Described,
    Duration,
    Metadata,
    OpenSloPart,
    ThresholdOperator,
    written,
)
from arca.monitoring.slo.place import Fault, KeyPath


class MetricSource(OpenSloPart):
    """Where a metric is read; the keys of `spec` are the data source's own."""

    metric_source_ref: str = ""
    type: str = ""
    spec: dict[str, Any]


class MeasuredMetric(OpenSloPart):
    """One metric of an indicator."""

    metric_source: MetricSource


class RatioMetric(OpenSloPart):
    """Good or bad events and all events, or a ratio computed elsewhere."""

    counter: bool = False
    good: MeasuredMetric | None = None
    bad: MeasuredMetric | None = None
    total: MeasuredMetric | None = None
    raw_type: Literal["success", "failure"] | None = None
    raw: MeasuredMetric | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.raw is not None or self.raw_type is not None:
            if not (self.raw and self.raw_type) or self.good or self.bad or self.total:
                message = "raw goes with rawType and without good, bad and total"
                raise ValueError(message)
        elif self.total is None or (self.good is None) == (self.bad is None):
            message = "total, with either good or bad"
            raise ValueError(message)
        return self


class IndicatorSpec(Described):
    """The `spec` of an indicator."""

    threshold_metric: MeasuredMetric | None = None
    ratio_metric: RatioMetric | None = None

    @model_validator(mode="after")
    def _one_metric(self) -> Self:
        if (self.threshold_metric is None) == (self.ratio_metric is None):
            message = "either thresholdMetric or ratioMetric"
            raise ValueError(message)
        return self

    def measured(self) -> Iterator[tuple[KeyPath, MeasuredMetric]]:
        """Yield every metric that the indicator reads, with its key; the last part names it."""
        if self.threshold_metric is not None:
            yield ("spec", "thresholdMetric"), self.threshold_metric
        ratio = self.ratio_metric
        if ratio is not None:
            for name in ("good", "bad", "total", "raw"):
                metric: MeasuredMetric | None = getattr(ratio, name)
                if metric is not None:
                    yield ("spec", "ratioMetric", name), metric


class Indicator(OpenSloPart):
    """An indicator inside of an SLO."""

    metadata: Metadata
    spec: IndicatorSpec


class Calendar(OpenSloPart):
    """The beginning of a calendar-aligned window."""

    start_time: datetime
    time_zone: str


class TimeWindow(OpenSloPart):
    """The window of an error budget."""

    duration: Duration
    is_rolling: bool = False
    calendar: Calendar | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.is_rolling == (self.calendar is not None):
            message = "either isRolling: true or a calendar"
            raise ValueError(message)
        return self


class ObjectiveTarget(OpenSloPart):
    """One of an SLO's `objectives`: its target, and for slices what makes one good."""

    display_name: str = ""
    op: ThresholdOperator | None = None
    value: float | None = None
    target: Annotated[float, Field(ge=0, lt=1)] | None = None
    target_percent: Annotated[float, Field(ge=0, lt=100)] | None = None
    time_slice_target: Annotated[float, Field(ge=0, le=1)] | None = None
    time_slice_window: Duration | int | None = None
    indicator: Indicator | None = None
    composite_weight: float = Field(default=1, gt=0)

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.target is None) == (self.target_percent is None):
            message = "either target or targetPercent"
            raise ValueError(message)
        return self

    @property
    def share(self) -> float:
        """The target as a share of 1."""
        return self.target if self.target is not None else float(self.target_percent or 0) / 100

    @property
    def slice_seconds(self) -> int:
        """Seconds of a time slice; 0 where the objective has none."""
        if isinstance(self.time_slice_window, int):
            # A number without a unit counts minutes.
            return self.time_slice_window * 60
        return seconds(self.time_slice_window) if self.time_slice_window else 0


class SloSpec(Described):
    """The `spec` of an SLO."""

    service: str
    indicator: Indicator | None = None
    time_window: list[TimeWindow] = Field(default=[], max_length=1)
    budgeting_method: Literal["Occurrences", "Timeslices", "RatioTimeslices"] = "Occurrences"
    objectives: list[ObjectiveTarget] = Field(min_length=1)
    alert_policies: list[
        Annotated[
            Annotated[AlertPolicy, Tag("Inline")] | Annotated[AlertPolicyRef, Tag("Reference")],
            Discriminator(written("alertPolicyRef")),
        ]
    ] = Field(default=[])

    def inconsistencies(self) -> Iterator[Fault]:
        """Yield what the specification wants of keys together; each names the key to change."""
        inner = [objective.indicator is not None for objective in self.objectives]
        if (self.indicator is not None) == any(inner) or (any(inner) and not all(inner)):
            yield Fault(("spec", "indicator"), "one indicator, here or in each of the objectives")
        timed = self.indicator is not None and self.indicator.spec.threshold_metric is not None
        if timed and len(self.objectives) > 1:
            yield Fault(("spec", "objectives", 1), "a single objective with thresholdMetric")
        for number, objective in enumerate(self.objectives):
            where: KeyPath = ("spec", "objectives", number)
            if timed and (objective.op is None or objective.value is None):
                yield Fault(where, "op and value with thresholdMetric")
            if self.budgeting_method != "Occurrences" and objective.time_slice_window is None:
                yield Fault(where, f"timeSliceWindow with budgetingMethod {self.budgeting_method}")
            if self.budgeting_method == "Timeslices" and objective.time_slice_target is None:
                yield Fault(where, "timeSliceTarget with budgetingMethod Timeslices")

    def indicators(self) -> Iterator[tuple[KeyPath, IndicatorSpec]]:
        """Yield the SLO's indicator, or the one of each of its objectives, with its key."""
        if self.indicator is not None:
            yield ("spec", "indicator"), self.indicator.spec
        for number, objective in enumerate(self.objectives):
            if objective.indicator is not None:
                yield ("spec", "objectives", number, "indicator"), objective.indicator.spec


class DataSourceSpec(Described):
    """The `spec` of a data source."""

    type: str
    connection_details: dict[str, Any] = Field(default={})


class Document(OpenSloPart):
    """The beginning of every document."""

    api_version: Literal["openslo/v1"]
    metadata: Metadata


class DataSourceDocument(Document):
    """Where metrics are read."""

    kind: Literal["DataSource"]
    spec: DataSourceSpec


class ServiceDocument(Document):
    """A service that SLOs are for."""

    kind: Literal["Service"]
    spec: Described


class SloDocument(Document):
    """A service level objective."""

    kind: Literal["SLO"]
    spec: SloSpec


class AlertPolicyDocument(Document, AlertPolicy):
    """An alert policy of its own, which SLOs name."""


class NotificationTargetDocument(Document, NotificationTarget):
    """A notification target of its own, which alert policies name."""


AnyDocument = (
    DataSourceDocument
    | ServiceDocument
    | SloDocument
    | AlertPolicyDocument
    | NotificationTargetDocument
)
DOCUMENT: TypeAdapter[AnyDocument] = TypeAdapter(Annotated[AnyDocument, Discriminator("kind")])
KINDS = tuple(get_args(kind.model_fields["kind"].annotation)[0] for kind in get_args(AnyDocument))
"""The kinds of documents that are read."""
INLINE = {
    "indicatorRef": "write the indicator into the SLO",
    "conditionRef": "write the condition into the AlertPolicy",
}
"""References of the specification that are not read, and what to write instead."""
