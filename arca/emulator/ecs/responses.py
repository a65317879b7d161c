"""Services, deployments and revisions as ECS's API describes them.

The shapes are those of botocore's service model (ecs, 2014-11-13). Times are seconds since the
epoch, as the JSON protocol has them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from arca.emulator.ecs import strategy
from arca.emulator.ecs.api import DEPLOYED, SIMULATED, Json
from arca.emulator.ecs.model import (
    EmulatedDeployment,
    EmulatedRevision,
    EmulatedService,
    LifecycleHook,
)

PLACEMENT = ("capacityProviderStrategy", "launchType")
"""A service has one of the two."""
SERVICE_MEMBERS = (
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
"""Members of a service that equal its request; moto drops some of them."""
REVISION_MEMBERS = (*PLACEMENT, *DEPLOYED)
ROLLOUT_STATES = {"SUCCESSFUL": "COMPLETED", "ROLLBACK_SUCCESSFUL": "COMPLETED"}
ROLLOUT_WORDS = {"COMPLETED": "completed", "IN_PROGRESS": "in progress", "FAILED": "failed"}


def describe_service(service: EmulatedService, stored: Mapping[str, Any]) -> Json:
    """Describe a service: what moto stores of it, and what is simulated."""
    shown = service.latest.leads_to
    states = [task.status for task in service.tasks]
    # Moto stores the last request, which a rollback may have undone since.
    known = {name: value for name, value in stored.items() if name not in (*DEPLOYED, *PLACEMENT)}
    return {
        **known,
        "loadBalancers": [],
        "serviceRegistries": [],
        **_given(service.request, SERVICE_MEMBERS),
        **_placed(service.request),
        "createdAt": service.deployments[0].created.timestamp(),
        "taskDefinition": shown.definition_arn,
        "desiredCount": service.desired,
        "runningCount": states.count("RUNNING"),
        "pendingCount": states.count("PROVISIONING"),
        "currentServiceDeployment": service.latest.arn,
        "currentServiceRevisions": [_counts(service, revision) for revision in _active(service)],
        "deployments": [_rollout(service, revision, shown) for revision in _active(service)],
        "events": [_event(service, at, message) for at, message in service.events],
    }


def _active(service: EmulatedService) -> list[EmulatedRevision]:
    """Return the revision that the service leads to, then the others that still run."""
    shown = service.latest.leads_to
    deployment = service.latest
    # Both revisions of a deployment in progress are shown, even if one has no task.
    concerned = (deployment.source, deployment.target) if deployment.under_way else ()
    others = [
        revision
        for revision in reversed(service.revisions)
        if revision is not shown
        and (revision.requested or service.live(revision) or revision in concerned)
    ]
    return [shown, *others]


def _rollout(service: EmulatedService, revision: EmulatedRevision, shown: EmulatedRevision) -> Json:
    deployment = service.latest
    if revision is shown:
        state = (
            "IN_PROGRESS"
            if deployment.under_way
            else ROLLOUT_STATES.get(deployment.status, "FAILED")
        )
    else:
        state = "FAILED" if revision is deployment.target else "COMPLETED"
    subject = f"ECS deployment {revision.identifier}"
    reason = deployment.reason if deployment.reason.endswith(SIMULATED) else SIMULATED
    return {
        **_given(revision.request, ("platformVersion", "networkConfiguration")),
        **_placed(revision.request),
        "id": revision.identifier,
        "status": "PRIMARY" if revision is shown else "ACTIVE",
        "taskDefinition": revision.definition_arn,
        "desiredCount": revision.requested,
        "runningCount": _number(service, revision, "RUNNING"),
        "pendingCount": _number(service, revision, "PROVISIONING"),
        "failedTasks": revision.failed,
        "createdAt": revision.created.timestamp(),
        "updatedAt": _seconds(deployment.updated or revision.created),
        "rolloutState": state,
        "rolloutStateReason": f"{subject} {ROLLOUT_WORDS[state]}. {reason}",
    }


def _event(service: EmulatedService, at: datetime, message: str) -> Json:
    digest = hashlib.sha256(f"{service.arn} {at} {message}".encode()).hexdigest()
    identifier = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
    return {"id": identifier, "createdAt": at.timestamp(), "message": message}


def _counts(service: EmulatedService, revision: EmulatedRevision) -> Json:
    return {
        "arn": revision.arn,
        "requestedTaskCount": revision.requested,
        "runningTaskCount": _number(service, revision, "RUNNING"),
        "pendingTaskCount": _number(service, revision, "PROVISIONING"),
    }


def _summary(service: EmulatedService, revision: EmulatedRevision, *, shifts: bool) -> Json:
    weights = {
        "requestedTestTrafficWeight": revision.test,
        "requestedProductionTrafficWeight": revision.production,
    }
    return {**_counts(service, revision), **(weights if shifts else {})}


def _number(service: EmulatedService, revision: EmulatedRevision, status: str) -> int:
    return sum(task.status == status for task in service.tasks if task.revision is revision)


def describe_deployment(service: EmulatedService, deployment: EmulatedDeployment) -> Json:
    """Describe a service deployment."""
    shifts = strategy.shifts(deployment.configuration)
    described = {
        **summarize_deployment(service, deployment),
        "updatedAt": _seconds(deployment.updated),
        "targetServiceRevision": _summary(service, deployment.target, shifts=shifts),
        "lifecycleStage": deployment.stage,
        "lifecycleHookDetails": [_hook(hook) for hook in deployment.hooks],
        "deploymentConfiguration": deployment.configuration,
        "deploymentCircuitBreaker": _breaker(service, deployment),
        "alarms": _alarms(deployment),
    }
    del described["targetServiceRevisionArn"]
    if deployment.source is not None:
        described["sourceServiceRevisions"] = [_summary(service, deployment.source, shifts=shifts)]
    if deployment.status == "STOPPED":
        described["stoppedAt"] = _seconds(deployment.finished)
    if deployment.rollback is not None and deployment.source is not None:
        described["rollback"] = {
            "reason": f"{deployment.rollback[0]} {SIMULATED}",
            "startedAt": deployment.rollback[1].timestamp(),
            "serviceRevisionArn": deployment.source.arn,
        }
    return described


def summarize_deployment(service: EmulatedService, deployment: EmulatedDeployment) -> Json:
    """Describe a service deployment as lists do."""
    times = {
        "createdAt": deployment.created,
        "startedAt": deployment.started,
        "finishedAt": deployment.finished,
    }
    return {
        "serviceDeploymentArn": deployment.arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster_arn,
        "targetServiceRevisionArn": deployment.target.arn,
        "status": deployment.status,
        "statusReason": deployment.reason or SIMULATED,
        **{name: at.timestamp() for name, at in times.items() if at is not None},
    }


def _breaker(service: EmulatedService, deployment: EmulatedDeployment) -> Json:
    if not strategy.has_circuit_breaker(deployment.configuration):
        return {"status": "DISABLED", "failureCount": 0, "threshold": 0}
    status = "MONITORING" if deployment.status == "IN_PROGRESS" else "MONITORING_COMPLETE"
    return {
        "status": "TRIGGERED" if deployment.breaker_open else status,
        "failureCount": deployment.target.failures,
        "threshold": strategy.failure_threshold(deployment.configuration, service.desired),
    }


def _alarms(deployment: EmulatedDeployment) -> Json:
    status = "MONITORING" if deployment.under_way else "MONITORING_COMPLETE"
    if deployment.triggered_alarms:
        status = "TRIGGERED"
    return {
        "status": status if deployment.watched_alarms else "DISABLED",
        "alarmNames": list(strategy.alarm_names(deployment.configuration)),
        "triggeredAlarmNames": list(deployment.triggered_alarms),
    }


def _hook(hook: LifecycleHook) -> Json:
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


def describe_revision(service: EmulatedService, revision: EmulatedRevision) -> Json:
    """Describe a service revision."""
    return {
        **_given(revision.request, REVISION_MEMBERS),
        "serviceRevisionArn": revision.arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster_arn,
        "taskDefinition": revision.definition_arn,
        "containerImages": [
            {"containerName": container["name"], "image": container["image"]}
            for container in revision.definition["containerDefinitions"]
        ],
        "createdAt": revision.created.timestamp(),
    }


def _placed(request: Mapping[str, Any]) -> Json:
    providers, launch = (_given(request, (name,)) for name in PLACEMENT)
    return providers or launch or {"launchType": "EC2"}


def _given(request: Mapping[str, Any], names: Sequence[str]) -> Json:
    return {name: request[name] for name in names if request.get(name) is not None}


def _seconds(at: datetime | None) -> float:
    return at.timestamp() if at is not None else 0.0
