"""What OpenSLO documents refer to by name, and names that no document or several documents have."""

from collections.abc import Iterator, Sequence

from arca.monitoring.slo.openslo import AlertPolicyDocument, AnyDocument, SloDocument
from arca.monitoring.slo.openslo_alerts import AlertPolicy, AlertPolicyRef, NotificationTargetRef
from arca.monitoring.slo.place import KeyPath, Place, Problem

Name = tuple[str, str]
"""The kind and the name of a document."""


def dangling(
    placed: Sequence[tuple[Place, AnyDocument]], refused_names: set[Name]
) -> Iterator[Problem]:
    """Name the references to what no document declares."""
    known = {(document.kind, document.metadata.name) for _, document in placed} | refused_names
    for place, document in placed:
        for path, (kind, name) in _references(document):
            if (kind, name) not in known:
                yield place.problem(path, f"no {kind} is called {name}")


def _references(document: AnyDocument) -> Iterator[tuple[KeyPath, Name]]:
    """Yield the kind and the name of every document that one refers to, with the key."""
    if isinstance(document, AlertPolicyDocument):
        yield from _targets((), document)
    if not isinstance(document, SloDocument):
        return
    yield ("spec", "service"), ("Service", document.spec.service)
    for number, given in enumerate(document.spec.alert_policies):
        path: KeyPath = ("spec", "alertPolicies", number)
        if isinstance(given, AlertPolicyRef):
            yield (*path, "alertPolicyRef"), ("AlertPolicy", given.alert_policy_ref)
        else:
            yield from _targets(path, given)
    for path, indicator in document.spec.indicators():
        for key, metric in indicator.measured():
            name = metric.metric_source.metric_source_ref
            if name:
                yield (*path, *key, "metricSource", "metricSourceRef"), ("DataSource", name)


def _targets(path: KeyPath, policy: AlertPolicy) -> Iterator[tuple[KeyPath, Name]]:
    for number, target in enumerate(policy.spec.notification_targets):
        if isinstance(target, NotificationTargetRef):
            key = (*path, "spec", "notificationTargets", number, "targetRef")
            yield key, ("AlertNotificationTarget", target.target_ref)


def duplicates(placed: Sequence[tuple[Place, AnyDocument]]) -> Iterator[Problem]:
    """Name the documents whose kind and name another one has already."""
    seen: dict[Name, Place] = {}
    for place, document in placed:
        name = (document.kind, document.metadata.name)
        where = place.at("metadata", "name")
        if name in seen:
            yield where.problem((), f"{name[0]} {name[1]} stands in {seen[name]} already")
        seen.setdefault(name, where)
