"""X-Ray: what is sampled where X-Ray is asked, and a group for each objective.

The service's own traces are chosen by its collector, which sees errors and slow requests before
it decides (components/service/task.py); X-Ray's rules decide at a request's beginning and know
neither. They count for whoever asks X-Ray.
"""

from collections.abc import Iterable

import pulumi_aws as aws

from arca.monitoring.slo.goal import Goal
from arca.naming import physical
from components.component import Component

GROUP_LIMIT = 32
"""X-Ray API reference, CreateGroup."""


def declare(
    component: Component,
    name: str,
    goals: Iterable[Goal],
    *,
    sample_percent: float,
) -> None:
    """Declare the rules and the groups."""
    stack = component.place.prefix
    for rule, priority, path, reservoir, percent in (
        ("health", 10, "/health/*", 0, 0.0),
        ("base", 9000, "*", 1, sample_percent),
    ):
        aws.xray.SamplingRule(
            f"{name}-{rule}",
            rule_name=physical(stack, rule, limit=GROUP_LIMIT),
            priority=priority,
            version=1,
            reservoir_size=reservoir,
            fixed_rate=percent / 100,
            url_path=path,
            host="*",
            http_method="*",
            service_name=f"{stack}*",
            service_type="*",
            resource_arn="*",
            opts=component.child(),
        )
    for goal in goals:
        if goal.trace_filter:
            aws.xray.Group(
                f"{name}-{goal.name}",
                group_name=physical(stack, goal.name, limit=GROUP_LIMIT),
                filter_expression=goal.trace_filter,
                insights_configuration={"insights_enabled": True, "notifications_enabled": False},
                opts=component.child(),
            )
