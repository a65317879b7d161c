"""OpenSLO's alert policies, conditions and notification targets.

Source: OpenSLO specification, version 1, "AlertPolicy", "AlertCondition",
"AlertNotificationTarget".
"""

from typing import Literal

from pydantic import Field

from arca.monitoring.slo.duration import Duration
from arca.monitoring.slo.parts import Described, Metadata, Operator, Part


class Condition(Part):
    """When to alert: the burn rate over a window."""

    kind: Literal["burnrate"] = "burnrate"
    op: Operator
    threshold: float
    lookback_window: Duration
    alert_after: str = "0m"


class AlertConditionSpec(Described):
    """A condition's body."""

    severity: str
    condition: Condition


class InlineAlertCondition(Part):
    """A condition inside of a policy."""

    kind: Literal["AlertCondition"]
    metadata: Metadata
    spec: AlertConditionSpec


class ConditionRef(Part):
    """A condition by its name."""

    condition_ref: str


class TargetSpec(Described):
    """A notification target's body."""

    target: str


class InlineTarget(Part):
    """A notification target inside of a policy."""

    kind: Literal["AlertNotificationTarget"]
    metadata: Metadata
    spec: TargetSpec


class TargetRef(Part):
    """A notification target by its name."""

    target_ref: str


class AlertPolicySpec(Described):
    """A policy's body; the specification allows a single condition."""

    alert_when_no_data: bool = False
    alert_when_resolved: bool = False
    alert_when_breaching: bool = False
    conditions: list[InlineAlertCondition | ConditionRef] = Field(min_length=1, max_length=1)
    notification_targets: list[InlineTarget | TargetRef] = Field(min_length=1)


class InlineAlertPolicy(Part):
    """A policy inside of an objective's document."""

    kind: Literal["AlertPolicy"]
    metadata: Metadata
    spec: AlertPolicySpec


class PolicyRef(Part):
    """A policy by its name."""

    alert_policy_ref: str
