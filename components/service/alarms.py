"""Alarms that ECS watches while a deployment runs, and rolls it back on."""

import pulumi
import pulumi_aws as aws

from arca.naming import physical
from components.component import Component
from components.service.spec import DeploymentAlarmsSpec


def declare(
    component: Component,
    name: str,
    spec: DeploymentAlarmsSpec,
    *,
    load_balancer: pulumi.Output[str],
) -> list[pulumi.Output[str]]:
    """Declare the alarms and give their names.

    They look at the load balancer as a whole: it serves both target groups, so what the new
    tasks do wrong shows whichever of the two they stand in.
    """
    stack = component.place.prefix
    dimensions = {"LoadBalancer": load_balancer}
    errors = aws.cloudwatch.MetricAlarm(
        f"{name}-deployment-errors",
        name=physical(stack, "deployment-errors", limit=255),
        alarm_description="Too many 5xx answers of the tasks: a deployment is rolled back.",
        namespace="AWS/ApplicationELB",
        metric_name="HTTPCode_Target_5XX_Count",
        dimensions=dimensions,
        statistic="Sum",
        period=60,
        evaluation_periods=3,
        datapoints_to_alarm=2,
        threshold=spec.errors_per_minute,
        comparison_operator="GreaterThanOrEqualToThreshold",
        # The load balancer publishes nothing where there was no error.
        treat_missing_data="notBreaching",
        opts=component.child(),
    )
    slow = aws.cloudwatch.MetricAlarm(
        f"{name}-deployment-latency",
        name=physical(stack, "deployment-latency", limit=255),
        alarm_description="P95 of the tasks' answers is too high: a deployment is rolled back.",
        namespace="AWS/ApplicationELB",
        metric_name="TargetResponseTime",
        dimensions=dimensions,
        extended_statistic="p95",
        # A P95 of a handful of requests says nothing.
        evaluate_low_sample_count_percentiles="ignore",
        period=60,
        evaluation_periods=3,
        datapoints_to_alarm=2,
        threshold=spec.p95_ms / 1000,
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="notBreaching",
        opts=component.child(),
    )
    return [errors.name, slow.name]
