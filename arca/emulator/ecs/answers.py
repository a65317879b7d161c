"""Services, deployments and revisions in the API's shapes (botocore's model, ecs 2014-11-13).

Times are seconds since the epoch, as the JSON protocol has them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from arca.emulator.ecs import strategy
from arca.emulator.ecs.model import SIMULATED, Deployment, Hook, Revision, Service
from arca.emulator.ecs.shapes import DEPLOYED

Json = dict[str, Any]
PLACED = ("capacityProviderStrategy", "launchType")
"""Either the one or the other."""
KEPT = (
    "platformVersion",
    "networkConfiguration",
    "healthCheckGracePeriodSeconds",
    "enableExecuteCommand",
    "enableECSManagedTags",
    "propagateTags",
    "availabilityZoneRebalancing",
    "deploymentConfiguration",
    "deploymentController",
    "loadBalancers",
    "serviceRegistries",
    "placementConstraints",
    "placementStrategy",
    "schedulingStrategy",
)
"""What a service says of itself as it was told, which moto drops in part."""
OF_A_REVISION = (*PLACED, *DEPLOYED)
ROLLOUTS = {"SUCCESSFUL": "COMPLETED", "ROLLBACK_SUCCESSFUL": "COMPLETED"}
WORDS = {"COMPLETED": "completed", "IN_PROGRESS": "in progress", "FAILED": "failed"}


def service(one: Service, found: Mapping[str, Any]) -> Json:
    """A service in full: what moto knows of it, and what moves."""
    shown = one.latest.leads_to
    states = [task.status for task in one.tasks]
    # Moto stores what it was told last; a rollback may have taken it back since.
    known = {name: value for name, value in found.items() if name not in (*DEPLOYED, *PLACED)}
    return {
        **known,
        "loadBalancers": [],
        "serviceRegistries": [],
        **_given(one.request, KEPT),
        **_placed(one.request),
        "createdAt": one.deployments[0].created.timestamp(),
        "taskDefinition": shown.definition_arn,
        "desiredCount": one.desired,
        "runningCount": states.count("RUNNING"),
        "pendingCount": states.count("PROVISIONING"),
        "currentServiceDeployment": one.latest.arn,
        "currentServiceRevisions": [_counts(one, revision) for revision in _active(one)],
        "deployments": [_rollout(one, revision, shown) for revision in _active(one)],
        "events": [_event(one, at, message) for at, message in one.events],
    }


def _active(one: Service) -> list[Revision]:
    """The revision that is wanted first, then the others that still run."""
    shown = one.latest.leads_to
    deployment = one.latest
    # A way that is not at its end is told of, even where nothing of one revision runs.
    concerned = (deployment.source, deployment.target) if deployment.under_way else ()
    others = [
        revision
        for revision in reversed(one.revisions)
        if revision is not shown
        and (revision.requested or one.live(revision) or revision in concerned)
    ]
    return [shown, *others]


def _rollout(one: Service, revision: Revision, shown: Revision) -> Json:
    deployment = one.latest
    if revision is shown:
        state = "IN_PROGRESS" if deployment.under_way else ROLLOUTS.get(deployment.status, "FAILED")
    else:
        state = "FAILED" if revision is deployment.target else "COMPLETED"
    return {
        **_given(revision.request, ("platformVersion", "networkConfiguration")),
        **_placed(revision.request),
        "id": revision.identifier,
        "status": "PRIMARY" if revision is shown else "ACTIVE",
        "taskDefinition": revision.definition_arn,
        "desiredCount": revision.requested,
        "runningCount": _number(one, revision, "RUNNING"),
        "pendingCount": _number(one, revision, "PROVISIONING"),
        "failedTasks": revision.failed,
        "createdAt": revision.created.timestamp(),
        "updatedAt": _seconds(deployment.updated or revision.created),
        "rolloutState": state,
        "rolloutStateReason": (
            f"ECS deployment {revision.identifier} {WORDS[state]}. {deployment.reason}".strip()
            if deployment.reason.endswith(SIMULATED)
            else f"ECS deployment {revision.identifier} {WORDS[state]}. {SIMULATED}"
        ),
    }


def _event(one: Service, at: datetime, message: str) -> Json:
    digest = hashlib.sha256(f"{one.arn} {at} {message}".encode()).hexdigest()
    identifier = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
    return {"id": identifier, "createdAt": at.timestamp(), "message": message}


def _counts(one: Service, revision: Revision) -> Json:
    return {
        "arn": revision.arn,
        "requestedTaskCount": revision.requested,
        "runningTaskCount": _number(one, revision, "RUNNING"),
        "pendingTaskCount": _number(one, revision, "PROVISIONING"),
    }


def _summary(one: Service, revision: Revision, *, shifts: bool) -> Json:
    weights = {
        "requestedTestTrafficWeight": revision.test,
        "requestedProductionTrafficWeight": revision.production,
    }
    return {**_counts(one, revision), **(weights if shifts else {})}


def _number(one: Service, revision: Revision, status: str) -> int:
    return sum(task.status == status for task in one.tasks if task.revision is revision)


def deployment(one: Service, found: Deployment) -> Json:
    """A service deployment in full."""
    shifts = strategy.shifts(found.configuration)
    described = {
        **brief(one, found),
        "updatedAt": _seconds(found.updated),
        "targetServiceRevision": _summary(one, found.target, shifts=shifts),
        "lifecycleStage": found.stage,
        "lifecycleHookDetails": [_hook(hook) for hook in found.hooks],
        "deploymentConfiguration": found.configuration,
        "deploymentCircuitBreaker": _breaker(one, found),
        "alarms": _alarms(found),
    }
    del described["targetServiceRevisionArn"]
    if found.source is not None:
        described["sourceServiceRevisions"] = [_summary(one, found.source, shifts=shifts)]
    if found.status == "STOPPED":
        described["stoppedAt"] = _seconds(found.finished)
    if found.rollback is not None and found.source is not None:
        described["rollback"] = {
            "reason": f"{found.rollback[0]} {SIMULATED}",
            "startedAt": found.rollback[1].timestamp(),
            "serviceRevisionArn": found.source.arn,
        }
    return described


def brief(one: Service, found: Deployment) -> Json:
    """A service deployment in short."""
    times = {
        "createdAt": found.created,
        "startedAt": found.started,
        "finishedAt": found.finished,
    }
    return {
        "serviceDeploymentArn": found.arn,
        "serviceArn": one.arn,
        "clusterArn": one.cluster_arn,
        "targetServiceRevisionArn": found.target.arn,
        "status": found.status,
        "statusReason": found.reason or SIMULATED,
        **{name: at.timestamp() for name, at in times.items() if at is not None},
    }


def _breaker(one: Service, found: Deployment) -> Json:
    if not strategy.breaks(found.configuration):
        return {"status": "DISABLED", "failureCount": 0, "threshold": 0}
    status = "MONITORING" if found.status == "IN_PROGRESS" else "MONITORING_COMPLETE"
    return {
        "status": "TRIGGERED" if found.broken else status,
        "failureCount": found.target.failures,
        "threshold": strategy.threshold(found.configuration, one.desired),
    }


def _alarms(found: Deployment) -> Json:
    status = "MONITORING" if found.under_way else "MONITORING_COMPLETE"
    if found.triggered:
        status = "TRIGGERED"
    return {
        "status": status if found.watched else "DISABLED",
        "alarmNames": list(strategy.alarms(found.configuration)),
        "triggeredAlarmNames": list(found.triggered),
    }


def _hook(hook: Hook) -> Json:
    shown: Json = {
        "hookId": hook.identifier,
        "targetType": hook.declared.get("targetType", "AWS_LAMBDA"),
        "status": hook.status,
    }
    if "hookTargetArn" in hook.declared:
        shown["targetArn"] = hook.declared["hookTargetArn"]
    if hook.expires is not None:
        shown["expiresAt"] = hook.expires.timestamp()
        shown["timeoutAction"] = hook.timeout_action
    return shown


def revision(one: Service, found: Revision) -> Json:
    """A service revision."""
    return {
        **_given(found.request, OF_A_REVISION),
        "serviceRevisionArn": found.arn,
        "serviceArn": one.arn,
        "clusterArn": one.cluster_arn,
        "taskDefinition": found.definition_arn,
        "containerImages": [
            {"containerName": container["name"], "image": container["image"]}
            for container in found.definition["containerDefinitions"]
        ],
        "createdAt": found.created.timestamp(),
    }


def _placed(request: Mapping[str, Any]) -> Json:
    providers, launch = (_given(request, (name,)) for name in PLACED)
    return providers or launch or {"launchType": "EC2"}


def _given(request: Mapping[str, Any], names: Sequence[str]) -> Json:
    return {name: request[name] for name in names if request.get(name) is not None}


def _seconds(at: datetime | None) -> float:
    return at.timestamp() if at is not None else 0.0
