"""The alert policies that CloudWatch's alarms can obey, and why they cannot obey another."""

from collections.abc import Iterator, Sequence
from typing import cast

from arca.monitoring.slo.budget import BUDGET_DAYS
from arca.monitoring.slo.compiler import PAGING
from arca.monitoring.slo.documents import PlacedPolicy, PlacedSlo
from arca.monitoring.slo.duration import DAY, HOUR, seconds
from arca.monitoring.slo.objective import BurnRateAlert
from arca.monitoring.slo.openslo_alerts import AlertConditionSpec, AlertPolicy, AlertPolicySpec
from arca.monitoring.slo.place import Fault, KeyPath
from arca.naming import SEVERITIES, Severity

CONDITION: KeyPath = ("spec", "conditions", 0, "spec")


def burn_alert(policy: AlertPolicy) -> BurnRateAlert:
    """Convert a policy without faults."""
    condition = policy.spec.conditions[0].spec
    burn = condition.condition
    return BurnRateAlert(
        name=policy.metadata.name,
        title=policy.metadata.display_name or policy.metadata.name,
        severity=cast("Severity", condition.severity),
        rate=burn.threshold,
        long=seconds(burn.lookback_window),
        short=seconds(burn.alert_after),
    )


def policy_faults(placed: PlacedPolicy) -> Iterator[Fault]:
    """Yield what the alarms cannot do for a policy, whichever SLO names it."""
    name, spec = placed.policy.metadata.name, placed.policy.spec
    found = (
        *_notification_faults(spec),
        *_condition_faults(spec.conditions[0].spec),
        *_target_faults(spec.conditions[0].spec.severity, placed.targets),
    )
    for path, text in found:
        yield Fault(path, f"alert policy {name}: {text}")


def given_faults(slo: PlacedSlo) -> Iterator[Fault]:
    """Yield what the alarms cannot do for an SLO with its policies, by the SLO's keys."""
    target = slo.document.spec.objectives[0]
    named: set[str] = set()
    first: dict[bool, BurnRateAlert] = {}
    for path, placed in slo.policies:
        name = placed.policy.metadata.name
        if name in named:
            yield Fault(path, f"alert policy {name} stands there twice")
        if name in named or any(policy_faults(placed)):
            continue
        named.add(name)
        alert = burn_alert(placed.policy)
        other = first.setdefault(alert.severity in PAGING, alert)
        if alert.severity != other.severity:
            kind = "page" if alert.severity in PAGING else "ticket"
            yield Fault(
                path,
                f"alert policy {name}: {alert.severity}, and {other.name} is {other.severity}; "
                f"an SLO has one {kind} alarm, so give both the same severity",
            )
        if alert.rate * (1 - target.share) >= 1:
            yield Fault(
                path,
                f"alert policy {name}: {alert.rate:g} times the budget is more than everything; "
                "no error rate reaches it",
            )
        elif target.slice_seconds and alert.long <= DAY and alert.short % target.slice_seconds:
            yield Fault(path, f"alert policy {name}: alertAfter must be whole slices")


def _notification_faults(spec: AlertPolicySpec) -> Iterator[Fault]:
    if not spec.alert_when_breaching:
        yield Fault(
            ("spec", "alertWhenBreaching"),
            "alertWhenBreaching must be true: an alarm notifies when it fires; write it, or delete "
            "the policy",
        )
    if not spec.alert_when_resolved:
        yield Fault(
            ("spec", "alertWhenResolved"),
            "alertWhenResolved must be true: an alarm notifies when it ends too, which closes the "
            "incident; write it",
        )
    if spec.alert_when_no_data:
        yield Fault(
            ("spec", "alertWhenNoData"),
            "alertWhenNoData must be false: missing data has alarms of its own; leave it out",
        )


def _target_faults(severity: str, targets: Sequence[str | None]) -> Iterator[Fault]:
    """Yield targets other than the severity's own: an alarm notifies by its severity."""
    for number, target in enumerate(targets):
        if severity in SEVERITIES and target not in (None, severity.lower()):
            yield Fault(
                ("spec", "notificationTargets", number),
                f"it notifies {target}, and {severity} notifies {severity.lower()}; change the "
                "target or the severity",
            )


def _condition_faults(spec: AlertConditionSpec) -> Iterator[Fault]:
    """Yield what CloudWatch's alarms, or this project's, cannot do with a condition."""
    burn, where = spec.condition, (*CONDITION, "condition")
    if spec.severity not in SEVERITIES:
        yield Fault(
            (*CONDITION, "severity"), f"severity {spec.severity}: one of {', '.join(SEVERITIES)}"
        )
    if burn.op != "gt":
        yield Fault((*where, "op"), f"op {burn.op}: a burn alerts above its rate, gt")
    if burn.threshold <= 0:
        yield Fault((*where, "threshold"), f"threshold {burn.threshold:g}: a burn rate above 0")
    long = seconds(burn.lookback_window)
    try:
        short = seconds(burn.alert_after)
    except ValueError:
        yield Fault(
            (*where, "alertAfter"),
            f"alertAfter {burn.alert_after}: the short window, as 5m",
        )
        return
    if short >= long:
        yield Fault((*where, "alertAfter"), "alertAfter must be the shorter window")
    elif long > DAY and (long > BUDGET_DAYS * DAY or long % HOUR or short % HOUR):
        key = "alertAfter" if short % HOUR else "lookbackWindow"
        yield Fault(
            (*where, key),
            "windows beyond a day are published once an hour: lookbackWindow and alertAfter must "
            f"be whole hours, {BUDGET_DAYS}d at most",
        )
