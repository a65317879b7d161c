"""OpenSLO v1 as pydantic models, from the specification's text.

Source: OpenSLO specification, version 1, "Object Types". Field names are the documents' own
(camel case by alias); a key that the specification does not know is refused.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Discriminator, Field, TypeAdapter, model_validator

from arca.monitoring.slo.duration import Duration
from arca.monitoring.slo.parts import Described, Metadata, Operator, Part
from arca.monitoring.slo.policy import (
    AlertConditionSpec,
    AlertPolicySpec,
    InlineAlertPolicy,
    PolicyRef,
    TargetSpec,
)


class MetricSource(Part):
    """Where a metric is read; `spec` is the data source's own."""

    metric_source_ref: str = ""
    type: str = ""
    spec: dict[str, Any]


class Measured(Part):
    """One metric of an indicator."""

    metric_source: MetricSource


class RatioMetric(Part):
    """Good or bad events of all, or a ratio that somebody computed."""

    counter: bool = False
    good: Measured | None = None
    bad: Measured | None = None
    total: Measured | None = None
    raw_type: Literal["success", "failure"] | None = None
    raw: Measured | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.raw is not None:
            if self.raw_type is None or self.good or self.bad or self.total:
                message = "raw goes with rawType and without good, bad and total"
                raise ValueError(message)
        elif self.total is None or (self.good is None) == (self.bad is None):
            message = "total, with either good or bad"
            raise ValueError(message)
        return self


class SliSpec(Described):
    """An indicator's body."""

    threshold_metric: Measured | None = None
    ratio_metric: RatioMetric | None = None

    @model_validator(mode="after")
    def _one_metric(self) -> Self:
        if (self.threshold_metric is None) == (self.ratio_metric is None):
            message = "either thresholdMetric or ratioMetric"
            raise ValueError(message)
        return self


class InlineSli(Part):
    """An indicator inside of an objective's document."""

    metadata: Metadata
    spec: SliSpec


class Calendar(Part):
    """Where a calendar-aligned window begins."""

    start_time: datetime
    time_zone: str


class TimeWindow(Part):
    """The time that a budget is for."""

    duration: Duration
    is_rolling: bool = False
    calendar: Calendar | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.is_rolling == (self.calendar is not None):
            message = "either isRolling: true or a calendar"
            raise ValueError(message)
        return self


class Objective(Part):
    """The target, and for slices what makes one good."""

    display_name: str = ""
    op: Operator | None = None
    value: float | None = None
    target: Annotated[float, Field(ge=0, lt=1)] | None = None
    target_percent: Annotated[float, Field(ge=0, lt=100)] | None = None
    time_slice_target: Annotated[float, Field(ge=0, le=1)] | None = None
    time_slice_window: Duration | int | None = None
    indicator: InlineSli | None = None
    indicator_ref: str = ""
    composite_weight: float = Field(default=1, gt=0)

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.target is None) == (self.target_percent is None):
            message = "either target or targetPercent"
            raise ValueError(message)
        return self

    @property
    def goal(self) -> float:
        """The target as a share of 1."""
        return self.target if self.target is not None else float(self.target_percent or 0) / 100


class SloSpec(Described):
    """An objective's body."""

    service: str
    indicator: InlineSli | None = None
    indicator_ref: str = ""
    time_window: list[TimeWindow] = Field(default=[], max_length=1)
    budgeting_method: Literal["Occurrences", "Timeslices", "RatioTimeslices"] = "Occurrences"
    objectives: list[Objective] = Field(min_length=1)
    alert_policies: list[InlineAlertPolicy | PolicyRef] = Field(default=[])

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        composite = [bool(o.indicator or o.indicator_ref) for o in self.objectives]
        given = bool(self.indicator) + bool(self.indicator_ref)
        if given != (0 if any(composite) else 1) or (any(composite) and not all(composite)):
            message = "one indicator or indicatorRef, here or in each of the objectives"
            raise ValueError(message)
        if self.indicator is not None and self.indicator.spec.threshold_metric is not None:
            bare = [o for o in self.objectives if o.op is None or o.value is None]
            if bare or len(self.objectives) > 1:
                message = "with thresholdMetric, a single objective with op and value"
                raise ValueError(message)
        for objective in self.objectives:
            if self.budgeting_method != "Occurrences" and objective.time_slice_window is None:
                message = f"timeSliceWindow with budgetingMethod {self.budgeting_method}"
                raise ValueError(message)
            if self.budgeting_method == "Timeslices" and objective.time_slice_target is None:
                message = "timeSliceTarget with budgetingMethod Timeslices"
                raise ValueError(message)
        return self


class DataSourceSpec(Described):
    """A data source's body."""

    type: str
    connection_details: dict[str, Any] = Field(default={})


class ServiceSpec(Described):
    """A service's body."""


class Document(Part):
    """What every document begins with."""

    api_version: Literal["openslo/v1"]
    metadata: Metadata


class DataSource(Document):
    """Where metrics are read."""

    kind: Literal["DataSource"]
    spec: DataSourceSpec


class Service(Document):
    """What objectives are for."""

    kind: Literal["Service"]
    spec: ServiceSpec


class Sli(Document):
    """An indicator of its own."""

    kind: Literal["SLI"]
    spec: SliSpec


class Slo(Document):
    """An objective."""

    kind: Literal["SLO"]
    spec: SloSpec


class AlertPolicy(Document):
    """When to alert whom."""

    kind: Literal["AlertPolicy"]
    spec: AlertPolicySpec


class AlertCondition(Document):
    """When to alert."""

    kind: Literal["AlertCondition"]
    spec: AlertConditionSpec


class AlertNotificationTarget(Document):
    """Whom to alert."""

    kind: Literal["AlertNotificationTarget"]
    spec: TargetSpec


AnyDocument = (
    DataSource | Service | Sli | Slo | AlertPolicy | AlertCondition | AlertNotificationTarget
)
DOCUMENT: TypeAdapter[AnyDocument] = TypeAdapter(Annotated[AnyDocument, Discriminator("kind")])
KINDS = tuple(get_args(kind.model_fields["kind"].annotation)[0] for kind in get_args(AnyDocument))
"""What a document can be."""
