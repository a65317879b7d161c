"""ECS's deployment configuration, capacity providers, and the inputs that others set."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components.service.spec import (
    CanarySpec,
    DeploymentSpec,
    LinearSpec,
    PausedSpec,
    RollingSpec,
    ServiceSpec,
)

MINIMUM_HEALTHY_PERCENT, MAXIMUM_PERCENT = 100, 200
"""Fewest and most tasks that run during a rolling deployment, in % of the wanted number."""
PAUSE_STAGE, PAUSE_ACTION = "POST_TEST_TRAFFIC_SHIFT", "ROLLBACK"
"""Where a deployment waits for smoke tests, and what ECS does when nobody answers."""


def capacity(spec: ServiceSpec) -> list[aws.ecs.ServiceCapacityProviderStrategyArgs]:
    """Return where tasks run: the base on demand, the others by weight."""
    mix = spec.fargate
    providers = [
        aws.ecs.ServiceCapacityProviderStrategyArgs(
            capacity_provider="FARGATE", base=mix.on_demand_base, weight=mix.on_demand_weight
        )
    ]
    if mix.spot_weight:
        providers.append(
            aws.ecs.ServiceCapacityProviderStrategyArgs(
                capacity_provider="FARGATE_SPOT", weight=mix.spot_weight
            )
        )
    return providers


def exported_capacity(spec: ServiceSpec) -> list[dict[str, Any]]:
    """Return the same for the stack's exports, as ECS's API takes it.

    Source: Amazon ECS API Reference, CapacityProviderStrategyItem.
    """
    return [
        {
            "capacityProvider": one.capacity_provider,
            "base": 0 if one.base is None else one.base,
            "weight": one.weight,
        }
        for one in capacity(spec)
    ]


def strategy(spec: ServiceSpec) -> aws.ecs.ServiceDeploymentConfigurationArgs:
    """Return how ECS deploys what Pulumi changes.

    Where releases bring the declared configuration, it is that of the service's creation, which is
    a deployment too. As declared, it would wait for smoke tests that nobody runs, and then roll
    back to nothing. With no tasks and without a pause it ends at once.
    """
    if spec.delegated.task_definition:
        rolling = isinstance(spec.deployment, RollingSpec)
        return aws.ecs.ServiceDeploymentConfigurationArgs(
            strategy="ROLLING" if rolling else "BLUE_GREEN", bake_time_in_minutes="0"
        )
    chosen = spec.deployment
    canary = linear = None
    if isinstance(chosen, CanarySpec):
        canary = aws.ecs.ServiceDeploymentConfigurationCanaryConfigurationArgs(
            canary_percent=chosen.canary_percent,
            canary_bake_time_in_minutes=str(chosen.canary_minutes),
        )
    if isinstance(chosen, LinearSpec):
        linear = aws.ecs.ServiceDeploymentConfigurationLinearConfigurationArgs(
            step_percent=chosen.step_percent,
            step_bake_time_in_minutes=str(chosen.step_minutes),
        )
    return aws.ecs.ServiceDeploymentConfigurationArgs(
        strategy=_api_name(chosen),
        bake_time_in_minutes=str(chosen.bake_minutes),
        lifecycle_hooks=pause(chosen),
        canary_configuration=canary,
        linear_configuration=linear,
    )


def pause(
    chosen: DeploymentSpec,
) -> list[aws.ecs.ServiceDeploymentConfigurationLifecycleHookArgs] | None:
    """Return the hook that waits for smoke tests before customers reach the new tasks.

    Without an answer ECS rolls back: a release that was killed while it waited has confirmed
    nothing (Amazon ECS Developer Guide, "Lifecycle hooks for Amazon ECS service deployments").
    """
    minutes = _pause_minutes(chosen)
    if not minutes:
        return None
    return [
        aws.ecs.ServiceDeploymentConfigurationLifecycleHookArgs(
            lifecycle_stages=[PAUSE_STAGE],
            target_type="PAUSE",
            timeout_configuration=aws.ecs.ServiceDeploymentConfigurationLifecycleHookTimeoutConfigurationArgs(
                timeout_in_minutes=str(minutes), action=PAUSE_ACTION
            ),
        )
    ]


def exported(spec: ServiceSpec, alarm_names: list[pulumi.Output[str]]) -> dict[str, Any]:
    """Return the whole configuration as ECS's API takes it, for the stack's exports.

    `arca` passes it with every release. So it contains all that an emergency rollback changes,
    also what is empty. Source: Amazon ECS API Reference, DeploymentConfiguration.
    """
    chosen = spec.deployment
    minutes = _pause_minutes(chosen)
    timeout = {"timeoutInMinutes": minutes, "action": PAUSE_ACTION}
    hook = {
        "targetType": "PAUSE",
        "lifecycleStages": [PAUSE_STAGE],
        "timeoutConfiguration": timeout,
    }
    watched = bool(alarm_names)
    found: dict[str, Any] = {
        "strategy": _api_name(chosen),
        "minimumHealthyPercent": MINIMUM_HEALTHY_PERCENT,
        "maximumPercent": MAXIMUM_PERCENT,
        "bakeTimeInMinutes": chosen.bake_minutes,
        "lifecycleHooks": [hook] if minutes else [],
        "alarms": {"enable": watched, "rollback": watched, "alarmNames": alarm_names},
    }
    match chosen:
        case RollingSpec():
            found["deploymentCircuitBreaker"] = {"enable": True, "rollback": True}
        case CanarySpec():
            found["canaryConfiguration"] = {
                "canaryPercent": chosen.canary_percent,
                "canaryBakeTimeInMinutes": chosen.canary_minutes,
            }
        case LinearSpec():
            found["linearConfiguration"] = {
                "stepPercent": chosen.step_percent,
                "stepBakeTimeInMinutes": chosen.step_minutes,
            }
        case _:
            pass
    return found


def delegated(spec: ServiceSpec) -> list[str]:
    """Return the inputs that others set after creation, each by its own setting.

    A release sets the revision and how it is deployed. The provider would replace the service for
    another capacity, unless it forced a deployment, which would wait for smoke tests that nobody
    runs (hashicorp/terraform-provider-aws, `capacityProviderStrategyCustomizeDiff`).
    """
    released = spec.delegated.task_definition
    inputs = {
        "task_definition": released,
        "deployment_configuration": released,
        "capacity_provider_strategies": released,
        "desired_count": spec.desired_count_delegated,
        "load_balancers": spec.delegated.load_balancers,
    }
    return [name for name, chosen in inputs.items() if chosen]


def _api_name(chosen: DeploymentSpec) -> str:
    return chosen.strategy.upper().replace("-", "_")


def _pause_minutes(chosen: DeploymentSpec) -> int:
    """Return the minutes of the pause; 0 without one."""
    return chosen.pause_minutes if isinstance(chosen, PausedSpec) else 0
