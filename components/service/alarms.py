"""Alarms that ECS watches during a deployment, and rolls it back on."""

import pulumi

from arca.monitoring import table
from components.alarms import declare_alarms
from components.component import Component
from components.service.spec import DeploymentAlarmsSpec


def declare(
    component: Component,
    name: str,
    spec: DeploymentAlarmsSpec,
    *,
    load_balancer: pulumi.Output[str],
) -> list[pulumi.Output[str]]:
    """Declare the alarms; return their names."""
    alarms = table.deployment_alarms(errors_per_minute=spec.errors_per_minute, p95_ms=spec.p95_ms)
    declared = declare_alarms(component, name, alarms, bindings={"load_balancer": [load_balancer]})
    return list(declared.values())
