"""Autoscaling: the number of tasks by load and by schedule."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.component import Component
from components.service.spec import ScalingSpec


def declare(
    component: Component,
    name: str,
    spec: ScalingSpec,
    *,
    cluster: pulumi.Output[str],
    service: pulumi.Output[str],
    load_balancer: pulumi.Output[str],
) -> None:
    """Declare the scalable target, three target-tracking policies and the schedules.

    Requests per task are the load balancer's requests divided by the running tasks. The metric
    ALBRequestCountPerTarget follows a single target group, which receives no traffic after every
    second blue-green deployment.
    """
    target = aws.appautoscaling.Target(
        name,
        service_namespace="ecs",
        scalable_dimension="ecs:service:DesiredCount",
        resource_id=pulumi.Output.concat("service/", cluster, "/", service),
        min_capacity=spec.min_tasks,
        max_capacity=spec.max_tasks,
        opts=component.child(),
    )
    predefined = {
        "cpu": ("ECSServiceAverageCPUUtilization", spec.cpu_percent),
        "memory": ("ECSServiceAverageMemoryUtilization", spec.memory_percent),
    }
    policies = {
        metric: aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgsDict(
            target_value=aim,
            predefined_metric_specification={"predefined_metric_type": metric_type},
            scale_out_cooldown=spec.scale_out_seconds,
            scale_in_cooldown=spec.scale_in_seconds,
        )
        for metric, (metric_type, aim) in predefined.items()
    }
    policies["requests"] = _requests_per_task(spec, cluster, service, load_balancer)
    for metric, policy in policies.items():
        aws.appautoscaling.Policy(
            f"{name}-{metric}",
            name=metric,
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            target_tracking_scaling_policy_configuration=policy,
            opts=component.child(),
        )
    for schedule in spec.schedules:
        aws.appautoscaling.ScheduledAction(
            f"{name}-{schedule.name}",
            name=schedule.name,
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            schedule=schedule.schedule,
            timezone=schedule.timezone,
            scalable_target_action={
                "min_capacity": schedule.min_tasks,
                "max_capacity": schedule.max_tasks,
            },
            opts=component.child(),
        )


def _requests_per_task(
    spec: ScalingSpec,
    cluster: pulumi.Output[str],
    service: pulumi.Output[str],
    load_balancer: pulumi.Output[str],
) -> aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgsDict:
    return {
        "target_value": spec.requests_per_task,
        "customized_metric_specification": {
            "metrics": [
                {
                    "id": "requests",
                    "return_data": False,
                    "metric_stat": {
                        "stat": "Sum",
                        "metric": {
                            "namespace": "AWS/ApplicationELB",
                            "metric_name": "RequestCount",
                            "dimensions": [{"name": "LoadBalancer", "value": load_balancer}],
                        },
                    },
                },
                {
                    "id": "tasks",
                    "return_data": False,
                    "metric_stat": {
                        "stat": "Average",
                        "metric": {
                            "namespace": "ECS/ContainerInsights",
                            "metric_name": "RunningTaskCount",
                            "dimensions": [
                                {"name": "ClusterName", "value": cluster},
                                {"name": "ServiceName", "value": service},
                            ],
                        },
                    },
                },
                {
                    "id": "load",
                    "return_data": True,
                    "label": "Requests per task",
                    "expression": "requests / tasks",
                },
            ]
        },
        "scale_out_cooldown": spec.scale_out_seconds,
        "scale_in_cooldown": spec.scale_in_seconds,
    }
