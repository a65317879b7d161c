"""How a new revision comes live, where its tasks run, and what is left to others."""

import pulumi_aws as aws

from components.service.spec import BlueGreenSpec, CanarySpec, LinearSpec, ServiceSpec

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
    if isinstance(chosen, CanarySpec):
        return Configuration(
            strategy="CANARY",
            bake_time_in_minutes=bake,
            canary_configuration=aws.ecs.ServiceDeploymentConfigurationCanaryConfigurationArgs(
                canary_percent=chosen.canary_percent,
                canary_bake_time_in_minutes=str(chosen.canary_minutes),
            ),
        )
    if isinstance(chosen, LinearSpec):
        return Configuration(
            strategy="LINEAR",
            bake_time_in_minutes=bake,
            linear_configuration=aws.ecs.ServiceDeploymentConfigurationLinearConfigurationArgs(
                step_percent=chosen.step_percent,
                step_bake_time_in_minutes=str(chosen.step_minutes),
            ),
        )
    if isinstance(chosen, BlueGreenSpec):
        return Configuration(strategy="BLUE_GREEN", bake_time_in_minutes=bake)
    return Configuration(strategy="ROLLING", bake_time_in_minutes=bake)


def delegated(spec: ServiceSpec) -> list[str]:
    """Inputs that others set after creation: chosen by settings, each for its own reason."""
    inputs = {
        "task_definition": spec.delegated.task_definition,
        "desired_count": spec.desired_count_delegated,
        "load_balancers": spec.delegated.load_balancers,
    }
    return [name for name, chosen in inputs.items() if chosen]
