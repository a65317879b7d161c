"""ECS's deployment configuration, capacity providers, and the inputs that others set."""

from __future__ import annotations

import pulumi_aws as aws

from components.service.spec import (
    CanarySpec,
    DeploymentSpec,
    LinearSpec,
    PausedSpec,
    ServiceSpec,
)


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


def strategy(spec: ServiceSpec) -> aws.ecs.ServiceDeploymentConfigurationArgs:
    """Return the chosen deployment strategy as ECS takes it."""
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
        strategy=chosen.strategy.upper().replace("-", "_"),
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
    if not isinstance(chosen, PausedSpec) or not chosen.pause_minutes:
        return None
    return [
        aws.ecs.ServiceDeploymentConfigurationLifecycleHookArgs(
            lifecycle_stages=["POST_TEST_TRAFFIC_SHIFT"],
            target_type="PAUSE",
            timeout_configuration=aws.ecs.ServiceDeploymentConfigurationLifecycleHookTimeoutConfigurationArgs(
                timeout_in_minutes=str(chosen.pause_minutes), action="ROLLBACK"
            ),
        )
    ]


def delegated(spec: ServiceSpec) -> list[str]:
    """Return the inputs that others set after creation, each by its own setting."""
    inputs = {
        "task_definition": spec.delegated.task_definition,
        "desired_count": spec.desired_count_delegated,
        "load_balancers": spec.delegated.load_balancers,
    }
    return [name for name, chosen in inputs.items() if chosen]
