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
from arca.release.deployment import FEWEST_FAILURES
from arca.release.failures import failed_tasks
from arca.release.image import image_of, register_revision
from arca.release.service import EcsDeployment, EcsService, short
from arca.stack import Stack


def activate(scene: Scene) -> str:
    """Update the standby to `active` and deploy its new template; returns what was seen."""
    if scene.standby.outputs.phase != "active":
        scene.update(scene.standby_name, {"recovery.phase": "active"})
    deployed = deploy(scene, scene.standby)
    return f"{deployed}; {promotion.apply_now(scene)}"


def deploy(scene: Scene, standby: Stack) -> str:
    """Deploy the image that a stack runs in its newest template; returns what was seen."""
    service, outputs = EcsService(standby), standby.outputs.service
    described = service.describe()
    running = image_of(service.definition(str(described["taskDefinition"])))
    wanted = register_revision(service, outputs.task_family, running)
    newest = next(iter(service.deployments(most=1)), None)
    again = newest is not None and _fails(service, newest, wanted)
    begins = again or described["taskDefinition"] != wanted
    if begins or described["desiredCount"] < outputs.min_tasks:
        scene.say(f"deploying {short(wanted)}")
        with explained(standby, "The new tasks cannot be deployed"):
            service.ecs.update_service(
                cluster=outputs.cluster,
                service=outputs.name,
                taskDefinition=wanted,
                desiredCount=max(outputs.min_tasks, int(described["desiredCount"])),
                deploymentConfiguration=at_once(outputs.deployment_configuration),
                forceNewDeployment=again,
            )
    _wait(scene, service, wanted, past=_arn(newest) if begins else None)
    return f"{short(wanted)} with {service.describe()['runningCount']} tasks"


def at_once(declared: dict[str, Any]) -> Any:
    """Return a deployment configuration without steps, pauses, bake time and alarms.

    What is left out stays as it is: alarms end by an empty list alone (Copilot's pull request 4565,
    github.com/aws/copilot-cli).
    """
    shared = ("minimumHealthyPercent", "maximumPercent", "deploymentCircuitBreaker")
    kept: dict[str, Any] = {name: declared[name] for name in shared if name in declared}
    kept["alarms"] = {"alarmNames": [], "enable": False, "rollback": False}
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


def _arn(one: EcsDeployment | None) -> str:
    return one.arn if one else ""


def _fails(service: EcsService, one: EcsDeployment, wanted: str) -> bool:
    """Return whether a deployment of this revision ended without success, or loses its tasks.

    ECS waits longer and longer between two tasks that fail (Amazon ECS Developer Guide, "Service
    throttle logic"); a new deployment begins at once.
    """
    if one.status == "SUCCESSFUL" or service.task_definition(one.target.arn) != wanted:
        return False
    return not one.under_way or _loses(service, one, wanted)


def _loses(service: EcsService, one: EcsDeployment, wanted: str) -> bool:
    """Return whether so many tasks have failed that a release would be stopped."""
    failed = failed_tasks(service, wanted, since=one.created)
    return failed.number >= max(FEWEST_FAILURES, one.target.requested / 2)


def _wait(scene: Scene, service: EcsService, wanted: str, *, past: str | None) -> None:
    """Wait for the end of the deployment; raises ArcaError where it does not succeed.

    `past` is the deployment before the one that was begun; None where none was begun.
    """
    deadline = scene.clock.now() + timedelta(seconds=BUDGETS["activate"].seconds)
    while True:
        newest = next(iter(service.deployments(most=1)), None)
        if newest is None and past is None:
            # ECS keeps deployments for 90 days; the smoke test says whether the tasks serve.
            return
        ours = (
            newest is not None
            and newest.arn != past
            and service.task_definition(newest.target.arn) == wanted
        )
        if newest and ours and newest.status == "SUCCESSFUL":
            return
        over = newest is not None and ours and _fails(service, newest, wanted)
        if over or scene.clock.now() > deadline:
            raise _not_deployed(scene, service, wanted, newest if ours else None)
        scene.clock.sleep(service.poll_seconds)


def _not_deployed(
    scene: Scene, service: EcsService, wanted: str, found: EcsDeployment | None
) -> ArcaError:
    """Make the error of a deployment that failed or takes too long, with why its tasks ended."""
    told = f"The deployment of {short(wanted)} does not begin."
    if found is not None:
        failures = failed_tasks(service, wanted, since=found.created)
        why = "; ".join((found.reason, *failures.reasons))
        told = f"The deployment of {short(wanted)} is {found.status}: {why}"
    return ArcaError(
        told,
        where=service.stack.where,
        wanted="healthy tasks of the active stack",
        do=f"`arca why --stack {service.stack.name}` says why they fail; mend that, then "
        f"`{scene.resume}`",
    )
