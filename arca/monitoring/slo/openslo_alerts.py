"""OpenSLO's alert policies, with the condition and the notification targets of each."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from arca.monitoring.slo.openslo_parts import (
    Described,
    Duration,
    Metadata,
    OpenSloPart,
    ThresholdOperator,
    written,
)


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
    notification_targets: list[
        Annotated[
            Annotated[NotificationTarget, Tag("Inline")]
            | Annotated[NotificationTargetRef, Tag("Reference")],
            Discriminator(written("targetRef")),
        ]
    ] = Field(min_length=1)


class AlertPolicy(OpenSloPart):
    """An alert policy inside of an SLO."""

    kind: Literal["AlertPolicy"]
    metadata: Metadata
    spec: AlertPolicySpec


class AlertPolicyRef(OpenSloPart):
    """An alert policy by its name."""

    alert_policy_ref: str
