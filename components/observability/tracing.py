"""X-Ray's sampling rules, and a trace group for each objective.

The service's collector samples its own traces: it sees errors and slow requests before it decides
(components/service/task.py). X-Ray's rules decide at the beginning of a request and apply to
callers that ask X-Ray.
"""

from collections.abc import Iterable

import pulumi_aws as aws

from arca.monitoring.slo.objective import Objective
from arca.naming import physical
from components.component import Component

GROUP_LIMIT = 32
"""Characters of a group's name. Source: X-Ray API reference, CreateGroup."""


def declare_tracing(
    component: Component,
    name: str,
    objectives: Iterable[Objective],
    *,
    sample_percent: float,
) -> None:
    """Declare the sampling rules and the trace groups."""
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
    for objective in objectives:
        if objective.trace_filter:
            aws.xray.Group(
                f"{name}-{objective.name}",
                group_name=physical(stack, objective.name, limit=GROUP_LIMIT),
                filter_expression=objective.trace_filter,
                insights_configuration={"insights_enabled": True, "notifications_enabled": False},
                opts=component.child(),
            )
