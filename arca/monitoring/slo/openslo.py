"""OpenSLO v1 as pydantic models, as far as this project's documents use it.

Source: OpenSLO specification, version 1, "Object Types". Field names are the specification's own
(camel case by alias); a key that the specification does not know is refused. An indicator stands
in its SLO and a condition in its AlertPolicy: the kinds SLI and AlertCondition are not read.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, Self, cast, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    TypeAdapter,
    model_validator,
)
from pydantic.alias_generators import to_camel

from arca.monitoring.slo.duration import seconds

ThresholdOperator = Literal["lte", "gte", "lt", "gt"]
DOCUMENT_NAME = r"^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"
"""RFC 1123's labels (OpenSLO v1, "General Schema"), and capitals, which its examples use."""


def _duration(text: str) -> str:
    seconds(text)
    return text


Duration = Annotated[str, AfterValidator(_duration)]
"""OpenSLO's shorthand for a duration, such as `5m`."""


class OpenSloPart(BaseModel):
    """The base of every part of a document: frozen, and without unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        allow_inf_nan=False,
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, content: object) -> object:
        """Drop keys without a value: the specification's own examples have them."""
        if not isinstance(content, dict):
            return content
        given = cast("dict[str, object]", content)
        return {key: value for key, value in given.items() if value is not None}


class Metadata(OpenSloPart):
    """A document's name, title, labels and annotations."""

    name: str = Field(pattern=DOCUMENT_NAME)
    display_name: str = ""
    labels: dict[str, str | list[str]] = {}
    annotations: dict[str, str] = {}


class Described(OpenSloPart):
    """A `spec` with a description of at most 1050 characters."""

    description: str = Field(default="", max_length=1050)


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
        if self.raw is not None:
            if self.raw_type is None or self.good or self.bad or self.total:
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

    def measured(self) -> list[MeasuredMetric]:
        """Return every metric that the indicator reads."""
        ratio = self.ratio_metric
        found = [ratio.good, ratio.bad, ratio.total, ratio.raw] if ratio else []
        return [metric for metric in (self.threshold_metric, *found) if metric is not None]


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


class BurnCondition(OpenSloPart):
    """When to alert: the burn rate over a window."""

    kind: Literal["burnrate"] = "burnrate"
    op: ThresholdOperator
    threshold: float
    lookback_window: Duration
    alert_after: str = "0m"


class AlertConditionSpec(Described):
    """The `spec` of a condition."""

    severity: str
    condition: BurnCondition


class AlertCondition(OpenSloPart):
    """A condition inside of an alert policy."""

    kind: Literal["AlertCondition"]
    metadata: Metadata
    spec: AlertConditionSpec


class NotificationTargetSpec(Described):
    """The `spec` of a notification target."""

    target: str


class NotificationTarget(OpenSloPart):
    """A notification target inside of an alert policy."""

    kind: Literal["AlertNotificationTarget"]
    metadata: Metadata
    spec: NotificationTargetSpec


class NotificationTargetRef(OpenSloPart):
    """A notification target by its name."""

    target_ref: str


class AlertPolicySpec(Described):
    """The `spec` of an alert policy; the specification allows a single condition."""

    alert_when_no_data: bool = False
    alert_when_resolved: bool = False
    alert_when_breaching: bool = False
    conditions: list[AlertCondition] = Field(min_length=1, max_length=1)
    notification_targets: list[NotificationTarget | NotificationTargetRef] = Field(min_length=1)


class AlertPolicy(OpenSloPart):
    """An alert policy inside of an SLO."""

    kind: Literal["AlertPolicy"]
    metadata: Metadata
    spec: AlertPolicySpec


class AlertPolicyRef(OpenSloPart):
    """An alert policy by its name."""

    alert_policy_ref: str


class SloSpec(Described):
    """The `spec` of an SLO."""

    service: str
    indicator: Indicator | None = None
    time_window: list[TimeWindow] = Field(default=[], max_length=1)
    budgeting_method: Literal["Occurrences", "Timeslices", "RatioTimeslices"] = "Occurrences"
    objectives: list[ObjectiveTarget] = Field(min_length=1)
    alert_policies: list[AlertPolicy | AlertPolicyRef] = Field(default=[])

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        inner = [objective.indicator is not None for objective in self.objectives]
        if (self.indicator is not None) == any(inner) or (any(inner) and not all(inner)):
            message = "one indicator, here or in each of the objectives"
            raise ValueError(message)
        if self.indicator is not None and self.indicator.spec.threshold_metric is not None:
            bare = [one for one in self.objectives if one.op is None or one.value is None]
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

    def indicators(self) -> list[IndicatorSpec]:
        """Return the SLO's indicator, or the one of each of its objectives."""
        inner = [objective.indicator for objective in self.objectives]
        return [found.spec for found in (self.indicator, *inner) if found is not None]


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
