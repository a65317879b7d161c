"""Deployment strategies as pure functions of the service's configuration.

Source: Amazon ECS Developer Guide, "Amazon ECS blue/green deployments", "Amazon ECS linear
deployments", "Amazon ECS canary deployments", "How the Amazon ECS deployment circuit breaker
detects failures"; defaults from the API Reference.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from arca.emulator.ecs.model import SIMULATED
from arca.emulator.ecs.refusals import invalid
from arca.emulator.ecs.shapes import part, parts

Configuration = Mapping[str, Any]
SHIFTING = (
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
)
ROLLING = ("RECONCILE_SERVICE", "SCALE_UP", "BAKE_TIME", "CLEAN_UP")
WATCHED = {
    "ROLLING": frozenset({"SCALE_UP", "BAKE_TIME"}),
    "shifting": frozenset(
        {"PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME"}
    ),
}
NAMES = ("ROLLING", "BLUE_GREEN", "LINEAR", "CANARY")
HOOKED = (
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
NO_PAUSE = frozenset({"TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"})
DAY = 1440
LONGEST_PAUSE = 14 * DAY
"""Minutes (the service model's DeploymentLifecycleHookDuration)."""


def name(configuration: Configuration) -> str:
    """ROLLING unless the service says otherwise."""
    return configuration.get("strategy", "ROLLING")


def shifts(configuration: Configuration) -> bool:
    """Whether traffic moves by weights."""
    return name(configuration) != "ROLLING"


def stages(configuration: Configuration) -> tuple[str, ...]:
    """The stages in order."""
    return SHIFTING if shifts(configuration) else ROLLING


def watched(configuration: Configuration) -> frozenset[str]:
    """Stages in which alarms count."""
    return WATCHED["shifting" if shifts(configuration) else "ROLLING"]


def steps(configuration: Configuration) -> Iterator[tuple[float, float]]:
    """Percent of the production traffic after each step, and the minutes to wait then."""
    match name(configuration):
        case "CANARY":
            canary = part(configuration, "canaryConfiguration")
            yield canary.get("canaryPercent", 5.0), canary.get("canaryBakeTimeInMinutes", 10)
        case "LINEAR":
            linear = part(configuration, "linearConfiguration")
            step = linear.get("stepPercent", 10.0)
            share = step
            while share < 100:
                yield round(share, 1), linear.get("stepBakeTimeInMinutes", 6)
                share += step
        case _:
            pass
    yield 100.0, 0


def threshold(configuration: Configuration, desired: int) -> int:
    """Failed tasks that open the circuit breaker."""
    breaker = part(configuration, "deploymentCircuitBreaker")
    chosen = part(breaker, "thresholdConfiguration")
    value = chosen.get("value", 50)
    share = math.ceil(value * desired / 100)
    match chosen.get("type", "BOUNDED_PERCENT"):
        case "COUNT":
            return value
        case "UNBOUNDED_PERCENT":
            return max(1, share)
        case _:
            return min(max(3, share), 200)


def breaks(configuration: Configuration) -> bool:
    """Whether a circuit breaker watches; it can for rolling deployments alone."""
    breaker = part(configuration, "deploymentCircuitBreaker")
    return not shifts(configuration) and bool(breaker.get("enable"))


def alarms(configuration: Configuration) -> tuple[str, ...]:
    """Names of the alarms that the service asks to watch."""
    asked = part(configuration, "alarms")
    return tuple(asked.get("alarmNames", [])) if asked.get("enable") else ()


def hooks(configuration: Configuration, stage: str) -> list[Mapping[str, Any]]:
    """The lifecycle hooks of a stage."""
    return [
        hook for hook in parts(configuration, "lifecycleHooks") if stage in hook["lifecycleStages"]
    ]


def check(configuration: Configuration) -> None:
    """Raise ApiError where ECS would refuse the configuration."""
    if name(configuration) not in NAMES:
        raise invalid(f"Invalid deployment strategy: {name(configuration)}.")
    _within(configuration, "bakeTimeInMinutes", 0, DAY)
    canary = part(configuration, "canaryConfiguration")
    _within(canary, "canaryPercent", 0.1, 100)
    _within(canary, "canaryBakeTimeInMinutes", 0, DAY)
    linear = part(configuration, "linearConfiguration")
    _within(linear, "stepPercent", 3, 100)
    _within(linear, "stepBakeTimeInMinutes", 0, DAY)
    for hook in parts(configuration, "lifecycleHooks"):
        _check_hook(hook, rolling=not shifts(configuration))


def _check_hook(hook: Mapping[str, Any], *, rolling: bool) -> None:
    kind: str = hook.get("targetType", "AWS_LAMBDA")
    asked: list[str] = hook.get("lifecycleStages") or []
    if kind not in ("AWS_LAMBDA", "PAUSE"):
        raise invalid(f"Invalid lifecycle hook target type: {kind}.")
    if not asked:
        raise invalid("A lifecycle hook must name its lifecycleStages.")
    for stage in asked:
        if stage not in HOOKED:
            raise invalid(f"A lifecycle hook cannot be configured at {stage}.")
        if kind == "PAUSE" and stage in NO_PAUSE:
            raise invalid(f"A PAUSE hook cannot be configured at {stage}.")
        if rolling and stage not in ROLLING:
            # Which stages a rolling deployment has in AWS, its documentation does not say.
            raise invalid(f"A rolling deployment has no stage {stage} {SIMULATED}.")
    if kind == "AWS_LAMBDA" and not str(hook.get("hookTargetArn")).startswith("arn:"):
        raise invalid("An AWS_LAMBDA lifecycle hook must name its hookTargetArn.")
    timeout = part(hook, "timeoutConfiguration")
    _within(timeout, "timeoutInMinutes", 1, LONGEST_PAUSE)
    if timeout.get("action", "ROLLBACK") not in ("ROLLBACK", "CONTINUE"):
        raise invalid(f"Invalid timeout action: {timeout['action']}.")


def _within(given: Mapping[str, Any], key: str, least: float, most: float) -> None:
    value = given.get(key)
    if value is not None and not least <= value <= most:
        raise invalid(f"{key} must be from {least} to {most}.")
