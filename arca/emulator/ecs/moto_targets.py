"""Targets of moto's target groups, told apart by address and port as in AWS.

moto keeps one target for each address. Stand-ins all have the address of loopback, so each of them
would replace the one before, and the first that ends would empty the group. Source: Elastic Load
Balancing API Reference, TargetDescription: a target may be registered with several ports.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from moto.elbv2 import models

Target = Mapping[str, Any]


def tell_apart_by_port() -> None:
    """Replace the methods of moto's target group that know targets; twice is the same as once."""
    group = cast("Any", models).FakeTargetGroup
    if not hasattr(group.register, "before"):
        group.register = _for_addresses(_register, group.register)
        group.deregister = _for_addresses(_deregister, group.deregister)
        group.health_for = _for_addresses(_health_for, group.health_for)


def _for_addresses(ours: Callable[..., Any], before: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that is ours for groups of addresses, and moto's for all others."""

    def method(group: Any, *arguments: Any) -> Any:
        if group.target_type != "ip":
            return before(group, *arguments)
        return ours(group, *arguments)

    cast("Any", method).before = before
    return method


def _key(group: Any, target: Target) -> str:
    return f"{target['Id']} {target.get('Port', group.port)}"


def _register(group: Any, targets: Iterable[Target]) -> None:
    for target in targets:
        known = {"Id": target["Id"], "Port": target.get("Port", group.port)}
        group.targets[_key(group, target)] = known


def _deregister(group: Any, targets: Iterable[Target]) -> None:
    for target in targets:
        if group.targets.pop(_key(group, target), None) is None:
            raise cast("Any", models).InvalidTargetError


def _health_for(group: Any, target: Target, _ec2_backend: Any) -> Any:
    status = cast("Any", models).FakeHealthStatus
    place = (target["Id"], target.get("Port", group.port), group.health_check_port)
    if _key(group, target) in group.targets:
        return status(*place, "healthy")
    return status(*place, "unused", "Target.NotRegistered", "Target is not registered")
