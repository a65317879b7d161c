"""Make the standby serve: the update to `active`, and tasks that know of it.

An update does not reach the running tasks, because releases own the service's task definition
(ADR 0007). So this deploys the image that runs there in the new template, at once: nobody is served
yet, so that there is nothing to shift slowly, and no alarm that could say anything.
"""

from datetime import timedelta
from typing import Any

from arca.clients import explained
from arca.errors import ArcaError
from arca.recovery import promotion
from arca.recovery.budgets import BUDGETS
from arca.recovery.scene import Scene
from arca.release.image import image_of, register_revision
from arca.release.service import DEPLOYMENT_POLL_SECONDS, EMULATED_POLL_SECONDS, EcsService, short
from arca.stack import Stack


def activate(scene: Scene) -> str:
    """Update the standby to `active` and deploy its new template; returns what was seen."""
    if scene.standby.outputs.phase != "active":
        scene.update(scene.standby_name, {"recovery.phase": "active"})
    applied = promotion.apply_now(scene)
    return f"{deploy(scene, scene.standby)}; applied at once: {applied}"


def deploy(scene: Scene, standby: Stack) -> str:
    """Deploy the image that a stack runs in its newest template; returns what was seen."""
    service, outputs = EcsService(standby), standby.outputs.service
    described = service.describe()
    running = image_of(service.definition(str(described["taskDefinition"])))
    wanted = register_revision(service, outputs.task_family, running)
    if described["taskDefinition"] != wanted or described["desiredCount"] < outputs.min_tasks:
        scene.say(f"deploying {short(wanted)}")
        with explained(standby, "The new tasks cannot be deployed"):
            service.ecs.update_service(
                cluster=outputs.cluster,
                service=outputs.name,
                taskDefinition=wanted,
                desiredCount=max(outputs.min_tasks, int(described["desiredCount"])),
                deploymentConfiguration=at_once(outputs.deployment_configuration),
            )
    _wait(scene, service, wanted)
    return f"{short(wanted)} with {service.describe()['runningCount']} tasks"


def at_once(declared: dict[str, Any]) -> Any:
    """Return a deployment configuration without steps, pauses, bake time and alarms."""
    kept = {
        name: value
        for name, value in declared.items()
        if name in ("minimumHealthyPercent", "maximumPercent", "deploymentCircuitBreaker")
    }
    if declared.get("strategy", "ROLLING") == "ROLLING":
        return {**kept, "strategy": "ROLLING"}
    return {**kept, "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": []}


def restore(standby: Stack) -> None:
    """Give a stack's service its declared deployment configuration back, for the next release.

    It alone begins no deployment (Amazon ECS API Reference, UpdateService).
    """
    service, outputs = EcsService(standby), standby.outputs.service
    with explained(standby, "The deployment configuration cannot be restored"):
        service.ecs.update_service(
            cluster=outputs.cluster,
            service=outputs.name,
            deploymentConfiguration=outputs.deployment_configuration,  # pyright: ignore[reportArgumentType] # as the program declared it
        )


def _wait(scene: Scene, service: EcsService, wanted: str) -> None:
    """Wait for the end of the deployment; raises ArcaError where it does not succeed."""
    deadline = scene.clock.now() + timedelta(seconds=BUDGETS["activate"].seconds)
    poll = EMULATED_POLL_SECONDS if service.stack.endpoint else DEPLOYMENT_POLL_SECONDS
    while True:
        newest = service.deployments(most=1)[0]
        ours = service.task_definition(newest.target.arn) == wanted
        if ours and newest.status == "SUCCESSFUL":
            return
        if (ours and not newest.under_way) or scene.clock.now() > deadline:
            raise ArcaError(
                f"The deployment of {short(wanted)} is {newest.status}: {newest.reason}",
                where=service.stack.where,
                wanted="healthy tasks of the active stack",
                do=f"`arca why --stack {service.stack.name}` says why they fail; mend that, and "
                "resume",
            )
        scene.clock.sleep(poll)
