"""The calls of what runs: ECS and its autoscaling."""

import json
from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.calls.table import Call, State, take


def _lower(state: State) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in state.get("tags", {}).items()]


def _task_definition(s: State) -> dict[str, Any]:
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
        "tags": _lower(s),
    }


def _service(s: State) -> dict[str, Any]:
    network = s["networkConfiguration"]
    assign = "ENABLED" if network["assignPublicIp"] else "DISABLED"
    deployment = {
        **s["deploymentConfiguration"],
        "minimumHealthyPercent": s["deploymentMinimumHealthyPercent"],
        "maximumPercent": s["deploymentMaximumPercent"],
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
                "securityGroups": network["securityGroups"],
                "assignPublicIp": assign,
            }
        },
        "tags": _lower(s),
    }


def _policy(s: State) -> dict[str, Any]:
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


TABLE: Mapping[str, tuple[Call, ...]] = {
    "aws:ecs/cluster:Cluster": (
        Call(
            "ecs",
            "create_cluster",
            lambda s: {"clusterName": s["name"], "settings": s["settings"], "tags": _lower(s)},
            lambda answer: {
                "id": answer["cluster"]["clusterArn"],
                "arn": answer["cluster"]["clusterArn"],
            },
        ),
    ),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": (
        Call(
            "ecs",
            "put_cluster_capacity_providers",
            lambda s: {
                "cluster": s["clusterName"],
                "capacityProviders": s["capacityProviders"],
                "defaultCapacityProviderStrategy": s["defaultCapacityProviderStrategies"],
            },
        ),
    ),
    "aws:ecs/taskDefinition:TaskDefinition": (
        Call(
            "ecs",
            "register_task_definition",
            _task_definition,
            lambda answer: {
                "arn": answer["taskDefinition"]["taskDefinitionArn"],
                "revision": answer["taskDefinition"]["revision"],
            },
        ),
    ),
    "aws:ecs/service:Service": (
        Call(
            "ecs",
            "create_service",
            _service,
            lambda answer: {
                "id": answer["service"]["serviceArn"],
                "arn": answer["service"]["serviceArn"],
            },
        ),
    ),
    "aws:appautoscaling/target:Target": (
        Call(
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
    ),
    "aws:appautoscaling/policy:Policy": (
        Call(
            "application-autoscaling",
            "put_scaling_policy",
            _policy,
            lambda answer: {"arn": answer["PolicyARN"]},
        ),
    ),
    "aws:appautoscaling/scheduledAction:ScheduledAction": (
        Call(
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
}
