"""ECS and its autoscaling (Application Auto Scaling)."""

import json
from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.resources.definition import (
    PROVIDER_ONLY,
    ApiCall,
    OutputTemplates,
    Resource,
    ResourceState,
    arn_outputs,
    tags,
    take,
    take_outputs,
)


def _task_definition(s: ResourceState) -> dict[str, Any]:
    return {
        **take(
            "family",
            "cpu",
            "memory",
            "networkMode",
            "requiresCompatibilities",
            "executionRoleArn",
            "taskRoleArn",
            "runtimePlatform",
            "volumes",
        )(s),
        "containerDefinitions": json.loads(s["containerDefinitions"]),
        "tags": tags(s, "key", "value"),
    }


def _service(s: ResourceState) -> dict[str, Any]:
    network = s["networkConfiguration"]
    assign = "ENABLED" if network.get("assignPublicIp") else "DISABLED"
    deployment = {
        **s.get("deploymentConfiguration", {}),
        "minimumHealthyPercent": s.get("deploymentMinimumHealthyPercent"),
        "maximumPercent": s.get("deploymentMaximumPercent"),
        "deploymentCircuitBreaker": s.get("deploymentCircuitBreaker"),
        "alarms": s.get("alarms"),
    }
    return {
        **take(
            "cluster",
            "taskDefinition",
            "desiredCount",
            "loadBalancers",
            "deploymentController",
            "healthCheckGracePeriodSeconds",
            "availabilityZoneRebalancing",
            "enableExecuteCommand",
            "propagateTags",
            serviceName="name",
            capacityProviderStrategy="capacityProviderStrategies",
            enableECSManagedTags="enableEcsManagedTags",
        )(s),
        "deploymentConfiguration": deployment,
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": network["subnets"],
                "securityGroups": network.get("securityGroups"),
                "assignPublicIp": assign,
            }
        },
        "tags": tags(s, "key", "value"),
    }


def _scaled_service(s: ResourceState) -> tuple[str, str]:
    _, cluster, service = s["resourceId"].split("/")
    return cluster, service


def _outside(s: ResourceState) -> bool:
    return not s["minCapacity"] <= s.get("_desired", 0) <= s["maxCapacity"]


def _into_range(s: ResourceState) -> dict[str, Any]:
    """Return what Application Auto Scaling itself asks of ECS when a target is registered.

    It brings an active resource's capacity into the range (Application Auto Scaling API Reference,
    RegisterScalableTarget). The service of a stack that comes up has no tasks, so it gets the
    fewest.
    """
    cluster, service = _scaled_service(s)
    desired = min(max(s.get("_desired", 0), s["minCapacity"]), s["maxCapacity"])
    return {"cluster": cluster, "service": service, "desiredCount": desired}


def _policy(s: ResourceState) -> dict[str, Any]:
    configuration = s["targetTrackingScalingPolicyConfiguration"]
    return {
        **take(
            "policyType",
            "serviceNamespace",
            "scalableDimension",
            "resourceId",
            PolicyName="name",
        )(s),
        "TargetTrackingScalingPolicyConfiguration": configuration,
    }


RESOURCES: Mapping[str, Resource] = {
    "aws:ecs/cluster:Cluster": Resource(
        arn_outputs("ecs", "cluster/{name}", "{arn}"),
        calls=(
            ApiCall(
                "ecs",
                "create_cluster",
                lambda s: {
                    "clusterName": s["name"],
                    "settings": s["settings"],
                    "tags": tags(s, "key", "value"),
                },
                take_outputs(id="cluster.clusterArn", arn="cluster.clusterArn"),
            ),
        ),
    ),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": Resource(
        OutputTemplates("{clusterName}"),
        calls=(
            ApiCall(
                "ecs",
                "put_cluster_capacity_providers",
                lambda s: {
                    "cluster": s["clusterName"],
                    "capacityProviders": s["capacityProviders"],
                    "defaultCapacityProviderStrategy": s["defaultCapacityProviderStrategies"],
                },
            ),
        ),
    ),
    "aws:ecs/taskDefinition:TaskDefinition": Resource(
        OutputTemplates(
            "{family}",
            {"arn": "arn:aws:ecs:{region}:{account}:task-definition/{family}:1", "revision": "1"},
        ),
        calls=(
            ApiCall(
                "ecs",
                "register_task_definition",
                _task_definition,
                take_outputs(
                    arn="taskDefinition.taskDefinitionArn", revision="taskDefinition.revision"
                ),
            ),
        ),
        not_sent={"skipDestroy": PROVIDER_ONLY, "trackLatest": PROVIDER_ONLY},
    ),
    "aws:ecs/service:Service": Resource(
        arn_outputs("ecs", "service/{cluster_tail}/{name}", "{arn}"),
        calls=(
            ApiCall(
                "ecs",
                "create_service",
                _service,
                take_outputs(id="service.serviceArn", arn="service.serviceArn"),
            ),
        ),
        not_sent={"waitForSteadyState": PROVIDER_ONLY},
    ),
    "aws:appautoscaling/target:Target": Resource(
        OutputTemplates("{resourceId}"),
        calls=(
            ApiCall(
                "application-autoscaling",
                "register_scalable_target",
                take(
                    "serviceNamespace",
                    "scalableDimension",
                    "resourceId",
                    "minCapacity",
                    "maxCapacity",
                    "tags",
                ),
            ),
            ApiCall(
                "ecs",
                "describe_services",
                lambda s: {
                    "cluster": _scaled_service(s)[0],
                    "services": [_scaled_service(s)[1]],
                },
                take_outputs(_desired="services.0.desiredCount"),
            ),
            ApiCall("ecs", "update_service", _into_range, when=_outside),
        ),
    ),
    "aws:appautoscaling/policy:Policy": Resource(
        OutputTemplates("{name}", {"arn": "{id}"}, name_input="name"),
        calls=(
            ApiCall(
                "application-autoscaling",
                "put_scaling_policy",
                _policy,
                take_outputs(arn="PolicyARN"),
            ),
        ),
    ),
    "aws:appautoscaling/scheduledAction:ScheduledAction": Resource(
        OutputTemplates("{name}", name_input="name"),
        calls=(
            ApiCall(
                "application-autoscaling",
                "put_scheduled_action",
                take(
                    "serviceNamespace",
                    "scalableDimension",
                    "resourceId",
                    "schedule",
                    "timezone",
                    "scalableTargetAction",
                    ScheduledActionName="name",
                ),
            ),
        ),
    ),
}
