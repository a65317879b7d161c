"""What ECS, Application Auto Scaling and Lambda refuse."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from arca.emulator.judges.refusals.definition import Fault, MadeCall, Refusal, text_rule

SHIFTS = ("TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT")
CHECK_LIMITS = {
    "interval": (5, 300),
    "timeout": (2, 60),
    "retries": (1, 10),
    "startPeriod": (0, 300),
}
WITHOUT_FARGATE = ("devices", "sharedMemorySize", "tmpfs", "swappiness", "maxSwap")


def _deployment(call: MadeCall) -> dict[str, Any]:
    return dict(call.params.get("deploymentConfiguration", {}))


def _strategy(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    settings = _deployment(call)
    strategy = settings.get("strategy", "ROLLING")
    if strategy == "ROLLING":
        for key in ("lifecycleHooks", "canaryConfiguration"):
            if settings.get(key):
                yield Fault(f"deploymentConfiguration.{key}", "only for other strategies")
        return
    if settings.get("deploymentCircuitBreaker", {}).get("enable"):
        yield Fault("deploymentConfiguration.deploymentCircuitBreaker", f"not with {strategy}")
    for balancer in call.params.get("loadBalancers", []):
        if "advancedConfiguration" not in balancer:
            yield Fault("loadBalancers.advancedConfiguration", f"{strategy} needs it")


def _pause(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    for hook in _deployment(call).get("lifecycleHooks", []):
        stages = [one for one in hook["lifecycleStages"] if one in SHIFTS]
        if hook.get("targetType") == "PAUSE" and stages:
            yield Fault("deploymentConfiguration.lifecycleHooks", f"no PAUSE in {stages[0]}")


def _capacity(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    strategy = call.params.get("capacityProviderStrategy", [])
    if strategy and "launchType" in call.params:
        yield Fault("launchType", "not beside a capacity provider strategy")
    if sum(1 for one in strategy if one.get("base")) > 1:
        yield Fault("capacityProviderStrategy.base", "only one provider has a base")
    if strategy and not any(one.get("weight") for one in strategy):
        yield Fault("capacityProviderStrategy.weight", "one provider needs a weight above 0")


def _grace_period(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    if "healthCheckGracePeriodSeconds" in call.params and not call.params.get("loadBalancers"):
        yield Fault("healthCheckGracePeriodSeconds", "only with a load balancer")


def _rebalancing(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    most = _deployment(call).get("maximumPercent", 200)
    if call.params.get("availabilityZoneRebalancing") == "ENABLED" and most <= 100:
        yield Fault(
            "availabilityZoneRebalancing", f"it needs a maximumPercent over 100, not {most}"
        )


def _health_check(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    for container in call.params["containerDefinitions"]:
        check = container.get("healthCheck", {})
        for key, (least, most) in CHECK_LIMITS.items():
            if key in check and not least <= check[key] <= most:
                path = f"{container['name']}.healthCheck.{key}"
                yield Fault(path, f"{check[key]}; wanted: {least} to {most}")


def _fargate(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    if "FARGATE" not in call.params.get("requiresCompatibilities", []):
        return
    if call.params.get("networkMode") != "awsvpc":
        yield Fault("networkMode", "Fargate needs awsvpc")
    for container in call.params["containerDefinitions"]:
        name, linux = container["name"], container.get("linuxParameters", {})
        if container.get("privileged"):
            yield Fault(f"{name}.privileged", "not on Fargate")
        for key in WITHOUT_FARGATE:
            if key in linux:
                yield Fault(f"{name}.linuxParameters.{key}", "not on Fargate")
        added = set(linux.get("capabilities", {}).get("add", [])) - {"SYS_PTRACE"}
        if added:
            yield Fault(f"{name}.linuxParameters.capabilities.add", f"{sorted(added)} on Fargate")


def _memory(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    total = int(call.params.get("memory", 0))
    parts = [one.get("memory", one.get("memoryReservation", 0)) for one in _containers(call)]
    if total and sum(parts) > total:
        yield Fault("memory", f"the containers have {sum(parts)} MiB, the task {total}")


def _dependencies(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    names = {one["name"] for one in _containers(call)}
    for container in _containers(call):
        for needed in container.get("dependsOn", []):
            if needed["containerName"] not in names:
                yield Fault(f"{container['name']}.dependsOn", f"no {needed['containerName']}")


def _mounts(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    volumes = {one["name"] for one in call.params.get("volumes", [])}
    for container in _containers(call):
        for mount in container.get("mountPoints", []):
            if mount["sourceVolume"] not in volumes:
                yield Fault(
                    f"{container['name']}.mountPoints", f"no volume {mount['sourceVolume']}"
                )


def _containers(call: MadeCall) -> list[dict[str, Any]]:
    return list(call.params["containerDefinitions"])


def _capacities(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    least, most = call.params["MinCapacity"], call.params["MaxCapacity"]
    if least > most:
        yield Fault("MaxCapacity", f"{most} is below MinCapacity {least}")


def _variables(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
    given = call.params.get("Environment", {}).get("Variables", {})
    size = len(json.dumps(given))
    if size > 4096:
        yield Fault("Environment.Variables", f"{size} bytes, at most 4 KB")


SERVICE = ("ecs.create_service",)
TASK = ("ecs.register_task_definition",)
REFUSALS = (
    Refusal(
        "name of a service or cluster",
        ("ecs.create_service", "ecs.create_cluster"),
        "InvalidParameterException",
        "Amazon ECS API Reference, CreateService",
        text_rule(
            r"[a-zA-Z0-9_-]{1,255}",
            "at most 255 letters, digits, underscores and hyphens",
            "serviceName",
            "clusterName",
        ),
    ),
    Refusal(
        "parts of a deployment's strategy",
        SERVICE,
        "InvalidParameterException",
        "Amazon ECS Developer Guide, How the deployment circuit breaker detects failures",
        _strategy,
    ),
    Refusal(
        "stage of a pause",
        SERVICE,
        "InvalidParameterException",
        "Amazon ECS API Reference, DeploymentLifecycleHook",
        _pause,
    ),
    Refusal(
        "capacity provider strategy",
        SERVICE,
        "InvalidParameterException",
        "Amazon ECS API Reference, CapacityProviderStrategyItem",
        _capacity,
    ),
    Refusal(
        "grace period of health checks",
        SERVICE,
        "InvalidParameterException",
        "Amazon ECS API Reference, CreateService",
        _grace_period,
    ),
    Refusal(
        "rebalancing of zones",
        SERVICE,
        "InvalidParameterException",
        "Amazon ECS Developer Guide, Balancing a service across Availability Zones",
        _rebalancing,
    ),
    Refusal(
        "health check of a container",
        TASK,
        "ClientException",
        "Amazon ECS API Reference, HealthCheck",
        _health_check,
    ),
    Refusal(
        "parameters that Fargate has not",
        TASK,
        "ClientException",
        "Amazon ECS Developer Guide, Task definition differences for Fargate",
        _fargate,
    ),
    Refusal(
        "memory of the containers",
        TASK,
        "ClientException",
        "Amazon ECS API Reference, ContainerDefinition",
        _memory,
    ),
    Refusal(
        "dependencies of a container",
        TASK,
        "ClientException",
        "Amazon ECS API Reference, ContainerDependency",
        _dependencies,
    ),
    Refusal(
        "volumes of a container",
        TASK,
        "ClientException",
        "Amazon ECS API Reference, MountPoint",
        _mounts,
    ),
    Refusal(
        "capacities of a scalable target",
        ("application-autoscaling.register_scalable_target",),
        "ValidationException",
        "Application Auto Scaling API Reference, RegisterScalableTarget",
        _capacities,
    ),
    Refusal(
        "size of a function's environment",
        ("lambda.create_function",),
        "InvalidParameterValueException",
        "AWS Lambda Developer Guide, Lambda quotas",
        _variables,
    ),
)
