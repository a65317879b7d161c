"""Deployment strategies as pure functions of a service's deployment configuration.

Sources: Amazon ECS Developer Guide, "Amazon ECS blue/green deployments", "Amazon ECS linear
deployments", "Amazon ECS canary deployments", "How the Amazon ECS deployment circuit breaker
detects failures"; defaults from the Amazon ECS API Reference.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

from arca.emulator.ecs.api import SIMULATED, invalid, structure, structures

DeploymentConfiguration = Mapping[str, Any]
Stage = Literal[
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
]
"""The service model's ServiceDeploymentLifecycleStage (ecs, 2014-11-13), in order."""
SHIFTING_STAGES: tuple[Stage, ...] = get_args(Stage)
ROLLING_STAGES: tuple[Stage, ...] = ("RECONCILE_SERVICE", "SCALE_UP", "BAKE_TIME", "CLEAN_UP")
SHIFTING_ALARM_STAGES: frozenset[Stage] = frozenset(
    {"PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME"}
)
ROLLING_ALARM_STAGES: frozenset[Stage] = frozenset({"SCALE_UP", "BAKE_TIME"})
STRATEGIES = ("ROLLING", "BLUE_GREEN", "LINEAR", "CANARY")
HOOK_STAGES = (
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
)
"""The service model's DeploymentLifecycleHookStage (ecs, 2014-11-13)."""
STAGES_WITHOUT_PAUSE = frozenset({"TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"})
DAY_MINUTES = 1440
LONGEST_PAUSE = 14 * DAY_MINUTES
"""Minutes (the service model's DeploymentLifecycleHookDuration)."""


def strategy_name(configuration: DeploymentConfiguration) -> str:
    """Return the strategy's name; ROLLING is the default."""
    return configuration.get("strategy", "ROLLING")


def shifts(configuration: DeploymentConfiguration) -> bool:
    """Return whether listener rules' weights shift the traffic."""
    return strategy_name(configuration) != "ROLLING"


def stages(configuration: DeploymentConfiguration) -> tuple[Stage, ...]:
    """Return the lifecycle stages in order."""
    return SHIFTING_STAGES if shifts(configuration) else ROLLING_STAGES


def alarm_stages(configuration: DeploymentConfiguration) -> frozenset[Stage]:
    """Return the stages in which an alarm fails the deployment."""
    return SHIFTING_ALARM_STAGES if shifts(configuration) else ROLLING_ALARM_STAGES


def traffic_steps(configuration: DeploymentConfiguration) -> Iterator[tuple[float, float]]:
    """Yield each step's percentage of the production traffic and the minutes to wait after it."""
    match strategy_name(configuration):
        case "CANARY":
            canary = structure(configuration, "canaryConfiguration")
            yield canary.get("canaryPercent", 5.0), canary.get("canaryBakeTimeInMinutes", 10)
        case "LINEAR":
            linear = structure(configuration, "linearConfiguration")
            step = linear.get("stepPercent", 10.0)
            share = step
            while share < 100:
                yield round(share, 1), linear.get("stepBakeTimeInMinutes", 6)
                share += step
        case _:
            pass
    yield 100.0, 0


def failure_threshold(configuration: DeploymentConfiguration, desired: int) -> int:
    """Return the number of failed tasks that opens the circuit breaker: by default 3 to 200."""
    breaker = structure(configuration, "deploymentCircuitBreaker")
    chosen = structure(breaker, "thresholdConfiguration")
    value = chosen.get("value", 50)
    share = math.ceil(value * desired / 100)
    match chosen.get("type", "BOUNDED_PERCENT"):
        case "COUNT":
            return value
        case "UNBOUNDED_PERCENT":
            return max(1, share)
        case _:
            return min(max(3, share), 200)


def has_circuit_breaker(configuration: DeploymentConfiguration) -> bool:
    """Return whether a circuit breaker is enabled; only a rolling deployment can have one."""
    breaker = structure(configuration, "deploymentCircuitBreaker")
    return not shifts(configuration) and bool(breaker.get("enable"))


def alarm_names(configuration: DeploymentConfiguration) -> tuple[str, ...]:
    """Return the names of the alarms that the service enables."""
    checked_at = structure(configuration, "alarms")
    return tuple(checked_at.get("alarmNames", [])) if checked_at.get("enable") else ()


def hooks(configuration: DeploymentConfiguration, stage: str) -> list[Mapping[str, Any]]:
    """Return the lifecycle hooks that are declared for a stage."""
    return [
        hook
        for hook in structures(configuration, "lifecycleHooks")
        if stage in hook["lifecycleStages"]
    ]


def check_configuration(configuration: DeploymentConfiguration) -> None:
    """Check a configuration; raises ApiError where ECS refuses it."""
    if strategy_name(configuration) not in STRATEGIES:
        raise invalid(f"Invalid deployment strategy: {strategy_name(configuration)}.")
    _within(configuration, "bakeTimeInMinutes", 0, DAY_MINUTES)
    if strategy_name(configuration) == "BLUE_GREEN" and "bakeTimeInMinutes" not in configuration:
        # Amazon ECS API Reference, DeploymentConfiguration: it must be provided.
        raise invalid("bakeTimeInMinutes must be specified for BLUE_GREEN deployments.")
    canary = structure(configuration, "canaryConfiguration")
    _within(canary, "canaryPercent", 0.1, 100)
    _within(canary, "canaryBakeTimeInMinutes", 0, DAY_MINUTES)
    linear = structure(configuration, "linearConfiguration")
    _within(linear, "stepPercent", 3, 100)
    _within(linear, "stepBakeTimeInMinutes", 0, DAY_MINUTES)
    for hook in structures(configuration, "lifecycleHooks"):
        _check_hook(hook, rolling=not shifts(configuration))


def check_load_balancers(
    configuration: DeploymentConfiguration, balancers: Sequence[Mapping[str, Any]]
) -> None:
    """Check that traffic can be shifted; raises ApiError where a target group has no alternate.

    Source: Amazon ECS Developer Guide, "Required resources for Amazon ECS blue/green deployments".
    """
    for balancer in balancers:
        advanced = structure(balancer, "advancedConfiguration")
        if shifts(configuration) and "alternateTargetGroupArn" not in advanced:
            wanted = f"{strategy_name(configuration)} needs an alternateTargetGroupArn"
            raise invalid(f"{wanted} in each load balancer's advancedConfiguration {SIMULATED}.")


def check_change(
    before: DeploymentConfiguration, after: DeploymentConfiguration, *, under_way: bool
) -> None:
    """Check a change of strategy; raises ApiError during a deployment.

    Source: Amazon ECS Developer Guide, "Update the Amazon ECS deployment strategy": wait for
    ongoing deployments to complete.
    """
    if under_way and strategy_name(before) != strategy_name(after):
        raise invalid(f"The strategy cannot change while a deployment is in progress {SIMULATED}.")


def _check_hook(hook: Mapping[str, Any], *, rolling: bool) -> None:
    kind: str = hook.get("targetType", "AWS_LAMBDA")
    checked_at: list[str] = hook.get("lifecycleStages") or []
    if kind not in ("AWS_LAMBDA", "PAUSE"):
        raise invalid(f"Invalid lifecycle hook target type: {kind}.")
    if not checked_at:
        raise invalid("A lifecycle hook must name its lifecycleStages.")
    for stage in checked_at:
        if stage not in HOOK_STAGES:
            raise invalid(f"A lifecycle hook cannot be configured at {stage}.")
        if kind == "PAUSE" and stage in STAGES_WITHOUT_PAUSE:
            raise invalid(f"A PAUSE hook cannot be configured at {stage}.")
        if rolling and stage not in ROLLING_STAGES:
            # The Developer Guide does not say which stages a rolling deployment has.
            raise invalid(f"A rolling deployment has no stage {stage} {SIMULATED}.")
    if kind == "AWS_LAMBDA" and not str(hook.get("hookTargetArn")).startswith("arn:"):
        raise invalid("An AWS_LAMBDA lifecycle hook must name its hookTargetArn.")
    timeout = structure(hook, "timeoutConfiguration")
    _within(timeout, "timeoutInMinutes", 1, LONGEST_PAUSE)
    if timeout.get("action", "ROLLBACK") not in ("ROLLBACK", "CONTINUE"):
        raise invalid(f"Invalid timeout action: {timeout['action']}.")


def _within(given: Mapping[str, Any], key: str, least: float, most: float) -> None:
    value = given.get(key)
    if value is not None and not least <= value <= most:
        raise invalid(f"{key} must be from {least} to {most}.")
