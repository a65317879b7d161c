"""Alarms, given as plain data (arca/monitoring/alarm.py), as CloudWatch's resources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import pulumi
import pulumi_aws as aws

from arca.monitoring.alarm import Alarm, Alarms, Composite, Reading
from arca.monitoring.catalogue import CATALOGUE, Binding
from arca.monitoring.runbooks import RUNBOOKS
from arca.naming import Severity, physical
from components.component import Component, Text

Bindings = Mapping[Binding, Sequence[Text]]
Topics = Mapping[Severity, Text]


def declare_alarms(
    component: Component,
    name: str,
    alarms: Alarms,
    *,
    bindings: Bindings,
    topics: Topics | None = None,
    repository_url: str = "",
) -> dict[str, pulumi.Output[str]]:
    """Declare the alarms; return their physical names, by the name of each alarm.

    `bindings` give the metrics' dimensions their values. An alarm that notifies sends to the topic
    of its severity. A composite comes after the alarms that it reads.
    """
    topics = topics or {}
    names: dict[str, pulumi.Output[str]] = {}
    instances: dict[str, list[pulumi.Output[str]]] = {}
    for alarm in alarms.alarms:
        for suffix, position in _instances(alarm, bindings):
            made = _metric_alarm(
                component,
                f"{name}-{alarm.name}{suffix}",
                alarm,
                suffix=suffix,
                bound=_binder(bindings, position),
                topics=topics,
                repository_url=repository_url,
            )
            names[f"{alarm.name}{suffix}"] = made.name
            instances.setdefault(alarm.name, []).append(made.name)
    for composite in alarms.composites:
        made = _composite(
            component,
            f"{name}-{composite.name}",
            composite,
            names=instances,
            topics=topics,
            repository_url=repository_url,
        )
        names[composite.name] = made.alarm_name
        instances[composite.name] = [made.alarm_name]
    return names


def _instances(alarm: Alarm, bindings: Bindings) -> Iterator[tuple[str, int]]:
    """Yield a suffix and a position for each series: a cache has several nodes.

    Nothing where the stack lacks what the alarm watches: it has no probe.
    """
    lengths = [
        len(bindings[binding])
        for reading in alarm.readings.values()
        for binding in CATALOGUE[reading.metric].dimensions.values()
    ]
    number = max(lengths, default=1) if all(lengths) else 0
    for position in range(number):
        yield (f"-{position + 1}" if number > 1 else "", position)


Bind = Callable[[Binding], Text]


def _binder(bindings: Bindings, position: int) -> Bind:
    return lambda binding: bindings[binding][min(position, len(bindings[binding]) - 1)]


def _metric_alarm(
    component: Component,
    logical: str,
    alarm: Alarm,
    *,
    suffix: str,
    bound: Bind,
    topics: Topics,
    repository_url: str,
) -> aws.cloudwatch.MetricAlarm:
    actions = [topics[alarm.severity]] if alarm.severity else None
    common = aws.cloudwatch.MetricAlarmArgs(
        name=physical(component.place.prefix, f"{alarm.name}{suffix}", limit=255),
        alarm_description=_description(alarm, repository_url),
        comparison_operator=alarm.comparison,
        threshold=alarm.threshold,
        evaluation_periods=alarm.evaluation_periods,
        datapoints_to_alarm=alarm.datapoints,
        treat_missing_data=alarm.missing,
        alarm_actions=actions,
        ok_actions=actions,
    )
    if alarm.expression:
        common.metric_queries = [
            *(_query(key, reading, alarm.period, bound) for key, reading in alarm.readings.items()),
            aws.cloudwatch.MetricAlarmMetricQueryArgs(
                id="value", expression=alarm.expression, label=alarm.title, return_data=True
            ),
        ]
    else:
        reading = next(iter(alarm.readings.values()))
        metric = CATALOGUE[reading.metric]
        common.namespace, common.metric_name = metric.namespace, metric.name
        common.dimensions = _dimensions(reading, bound)
        common.period = alarm.period
        if reading.stat.startswith("p"):
            common.extended_statistic = reading.stat
            # A percentile of a few values says nothing.
            common.evaluate_low_sample_count_percentiles = "ignore"
        else:
            common.statistic = reading.stat
    return aws.cloudwatch.MetricAlarm(logical, common, opts=component.child())


def _query(
    key: str, reading: Reading, period: int, bound: Bind
) -> aws.cloudwatch.MetricAlarmMetricQueryArgs:
    metric = CATALOGUE[reading.metric]
    return aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id=key,
        return_data=False,
        metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
            namespace=metric.namespace,
            metric_name=metric.name,
            dimensions=_dimensions(reading, bound),
            period=period,
            stat=reading.stat,
        ),
    )


def _dimensions(reading: Reading, bound: Bind) -> dict[str, Text]:
    metric = CATALOGUE[reading.metric]
    return {**{name: bound(b) for name, b in metric.dimensions.items()}, **reading.fixed}


def _composite(
    component: Component,
    logical: str,
    composite: Composite,
    *,
    names: Mapping[str, Sequence[pulumi.Output[str]]],
    topics: Topics,
    repository_url: str,
) -> aws.cloudwatch.CompositeAlarm:
    # A stack without a probe has no alarm on it.
    groups = [group for group in composite.any_of if all(part in names for part in group)]
    actions = [topics[composite.severity]] if composite.severity else None
    hold = composite.hold
    return aws.cloudwatch.CompositeAlarm(
        logical,
        alarm_name=physical(component.place.prefix, composite.name, limit=255),
        alarm_description=_description(composite, repository_url),
        alarm_rule=pulumi.Output.all(
            *(pulumi.Output.all(*(_any(names[part]) for part in group)) for group in groups)
        ).apply(lambda known: " OR ".join(all_of(parts) for parts in known)),
        alarm_actions=actions,
        ok_actions=actions,
        actions_suppressor={
            "alarm": names[hold.alarm][0],
            "wait_period": hold.wait,
            "extension_period": hold.extension,
        }
        if hold
        else None,
        opts=component.child(),
    )


def _any(instances: Sequence[pulumi.Output[str]]) -> pulumi.Output[str]:
    """Return the rule that any of an alarm's instances fulfils."""
    return pulumi.Output.all(*instances).apply(
        lambda known: " OR ".join(f'ALARM("{name}")' for name in known)
    )


def all_of(rules: Sequence[str]) -> str:
    """Return the rule that asks for all of the rules; AND binds more tightly than OR."""
    if len(rules) == 1:
        return rules[0]
    parts = [f"({rule})" if " OR " in rule else rule for rule in rules]
    return f"({' AND '.join(parts)})"


def _description(alarm: Alarm | Composite, repository_url: str) -> str:
    """Return the text that a notification shows: severity, title, meaning and runbook.

    CloudWatch takes 1024 characters (CloudWatch API reference, PutMetricAlarm).
    """
    if not alarm.runbook:
        return alarm.meaning
    book = RUNBOOKS[alarm.runbook]
    head = f"{alarm.severity}: {alarm.title}." if alarm.severity else f"{alarm.title}."
    return f"{head} {alarm.meaning}\nRunbook: {book.title}, {book.address(repository_url)}"
