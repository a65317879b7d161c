"""How a new revision comes live, where its tasks run, and what is left to others."""

import pulumi_aws as aws

from components.service.spec import (
    BlueGreenSpec,
    CanarySpec,
    Deployment,
    LinearSpec,
    PausedSpec,
    ServiceSpec,
)

Hook = aws.ecs.ServiceDeploymentConfigurationLifecycleHookArgs
Timeout = aws.ecs.ServiceDeploymentConfigurationLifecycleHookTimeoutConfigurationArgs
Configuration = aws.ecs.ServiceDeploymentConfigurationArgs


def capacity(spec: ServiceSpec) -> list[aws.ecs.ServiceCapacityProviderStrategyArgs]:
    """Where tasks run: on demand first, then by weight."""
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


def strategy(spec: ServiceSpec) -> Configuration:
    """How a new revision comes live, as ECS takes it."""
    chosen = spec.deployment
    bake = str(chosen.bake_minutes)
    hooks = pause(chosen)
    if isinstance(chosen, CanarySpec):
        return Configuration(
            strategy="CANARY",
            bake_time_in_minutes=bake,
            lifecycle_hooks=hooks,
            canary_configuration=aws.ecs.ServiceDeploymentConfigurationCanaryConfigurationArgs(
                canary_percent=chosen.canary_percent,
                canary_bake_time_in_minutes=str(chosen.canary_minutes),
            ),
        )
    if isinstance(chosen, LinearSpec):
        return Configuration(
            strategy="LINEAR",
            bake_time_in_minutes=bake,
            lifecycle_hooks=hooks,
            linear_configuration=aws.ecs.ServiceDeploymentConfigurationLinearConfigurationArgs(
                step_percent=chosen.step_percent,
                step_bake_time_in_minutes=str(chosen.step_minutes),
            ),
        )
    if isinstance(chosen, BlueGreenSpec):
        return Configuration(
            strategy="BLUE_GREEN", bake_time_in_minutes=bake, lifecycle_hooks=hooks
        )
    return Configuration(strategy="ROLLING", bake_time_in_minutes=bake)


def pause(chosen: Deployment) -> list[Hook] | None:
    """The wait for smoke tests of the new tasks, before customers reach them.

    Nobody's answer is no: whoever was killed while it waited has not said that all is well
    (Amazon ECS Developer Guide, "Lifecycle hooks for Amazon ECS service deployments").
    """
    if not isinstance(chosen, PausedSpec) or not chosen.pause_minutes:
        return None
    return [
        Hook(
            lifecycle_stages=["POST_TEST_TRAFFIC_SHIFT"],
            target_type="PAUSE",
            timeout_configuration=Timeout(
                timeout_in_minutes=str(chosen.pause_minutes), action="ROLLBACK"
            ),
        )
    ]


def delegated(spec: ServiceSpec) -> list[str]:
    """Inputs that others set after creation: chosen by settings, each for its own reason."""
    inputs = {
        "task_definition": spec.delegated.task_definition,
        "desired_count": spec.desired_count_delegated,
        "load_balancers": spec.delegated.load_balancers,
    }
    return [name for name, chosen in inputs.items() if chosen]
