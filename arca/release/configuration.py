"""How ECS deploys the service: as the stack declares it, or all at once in an emergency.

UpdateService stores the configuration that it is given, and the next deployment uses it. It is one
of the parameters that start no deployment by themselves (Amazon ECS API Reference, UpdateService,
`deploymentConfiguration`). So every release passes the declared one. Whatever an emergency left
behind, the next release has its canary, its bake and its alarms again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from arca.clients import explained
from arca.release.service import EcsService

OF_STRATEGY = frozenset({"canaryConfiguration", "linearConfiguration"})
"""Members that are valid for one strategy only (Amazon ECS API Reference, DeploymentConfiguration).
"""


def declared(service: EcsService) -> dict[str, Any]:
    """Return the configuration that the stack declares, with the names of ECS's API.

    It is empty in exports from before the field.
    """
    return dict(service.stack.outputs.service.deployment_configuration)


def capacity(service: EcsService) -> dict[str, Any]:
    """Return the declared capacity as UpdateService takes it.

    It starts no deployment by itself (Amazon ECS API Reference, UpdateService,
    `capacityProviderStrategy`), so a release brings the tasks to it. It is empty in exports from
    before the field.
    """
    wanted = service.stack.outputs.service.capacity_provider_strategy
    return {"capacityProviderStrategy": wanted} if wanted else {}


def number(tasks: int | None) -> dict[str, Any]:
    """Return a number of tasks as UpdateService takes it; nothing for None."""
    return {} if tasks is None else {"desiredCount": tasks}


def first_tasks(service: EcsService) -> int | None:
    """Return the number of tasks with which the first release begins; None for any other.

    The stack creates the service without tasks. Where autoscaling already started some, or a
    person did, their number stays.
    """
    return None if service.describe()["desiredCount"] else service.stack.outputs.service.min_tasks


def emergency(service: EcsService) -> dict[str, Any]:
    """Return the configuration with which a deployment serves all customers soonest.

    Blue-green with the same two target groups: all the traffic moves in one step when the new
    tasks are healthy. A service may change its strategy between two deployments (Amazon ECS
    Developer Guide, "Update the Amazon ECS deployment strategy"). The bake time must be given
    (Amazon ECS API Reference, DeploymentConfiguration), and 0 is its least value (Terraform AWS
    provider, `aws_ecs_service`, whose tests change the strategy on AWS with it).

    Hooks and alarms are passed empty, because UpdateService keeps what is left out (aws/aws-cdk,
    pull request 25346). ECS takes the empty alarms: the CDK passed the same (pull request 26317).

    A rolling service has one target group, so it stays rolling. 200 % starts all new tasks at once.
    100 % keeps the old tasks until the new ones are healthy: without any task, each answer would be
    an error. Without alarms there is no bake, whose length ECS takes from the alarms (Amazon ECS
    Developer Guide, "How CloudWatch alarms detect Amazon ECS deployment failures"). The circuit
    breaker stays, so that a deployment whose tasks die ends.
    """
    stored = {name: value for name, value in declared(service).items() if name not in OF_STRATEGY}
    return {
        **stored,
        "strategy": "ROLLING" if stored.get("strategy") == "ROLLING" else "BLUE_GREEN",
        "minimumHealthyPercent": 100,
        "maximumPercent": 200,
        "bakeTimeInMinutes": 0,
        "lifecycleHooks": [],
        "alarms": {"alarmNames": [], "enable": False, "rollback": False},
    }


def declare_again(service: EcsService) -> None:
    """Give the service the declared configuration; this starts no deployment.

    Raises ArcaError where AWS does not take it.
    """
    with explained(service.stack, "The declared deployment configuration cannot be restored"):
        service.ecs.update_service(
            **service.names, deploymentConfiguration=cast("Any", declared(service))
        )


def undeclared(service: EcsService, described: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what of a service's configuration is not as declared, each as `name: is, declared`.

    `described` is DescribeServices' answer.
    """
    found: Mapping[str, Any] = described.get("deploymentConfiguration") or {}
    return tuple(
        f"{name} is {found.get(name)}, declared {wanted}"
        for name, wanted in declared(service).items()
        if not _agrees(wanted, found.get(name))
    )


def _agrees(wanted: Any, found: Any) -> bool:
    """Return whether ECS has what is wanted; it may add defaults, and leave out what is empty."""
    if isinstance(wanted, Mapping):
        members = cast("Mapping[str, Any]", wanted)
        others: Mapping[str, Any] = found or {}
        return all(_agrees(value, others.get(name)) for name, value in members.items())
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        items = cast("Sequence[Any]", wanted)
        beside: Sequence[Any] = found or []
        return len(items) == len(beside) and all(
            any(_agrees(item, other) for other in beside) for item in items
        )
    return wanted == found or not (wanted or found)
