"""Tasks as ECS's API describes them (botocore's service model, ecs 2014-11-13)."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.ecs.api import Json, structure
from arca.emulator.ecs.faults import Unhealthy
from arca.emulator.ecs.identifiers import arn_name
from arca.emulator.ecs.model import EcsTask


def describe_task(task: EcsTask, *, tags: bool) -> Json:
    """Describe a task, with its tags if they are asked for."""
    described: Json = {
        "taskArn": task.arn,
        "clusterArn": task.cluster_arn,
        "taskDefinitionArn": task.definition["taskDefinitionArn"],
        "group": task.group,
        "lastStatus": task.status,
        "desiredStatus": task.desired,
        "healthStatus": _task_health(task),
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "connectivity": "CONNECTED",
        "cpu": str(task.definition.get("cpu", "256")),
        "memory": str(task.definition.get("memory", "512")),
        "createdAt": task.created.timestamp(),
        "overrides": task.request.get("overrides", {}),
        "attachments": [_attachment(task)],
        "containers": [_container(task, c) for c in task.definition["containerDefinitions"]],
        "enableExecuteCommand": bool(task.request.get("enableExecuteCommand")),
        "version": 1,
    }
    if task.started_by:
        described["startedBy"] = task.started_by
    if task.started is not None:
        described["startedAt"] = task.started.timestamp()
        described["pullStartedAt"] = described["pullStoppedAt"] = task.started.timestamp()
    if task.stopped is not None:
        described["stoppedAt"] = described["stoppingAt"] = task.stopped.timestamp()
        described["executionStoppedAt"] = task.stopped.timestamp()
        described |= {"stopCode": task.stop_code, "stoppedReason": task.reason}
    if tags:
        described["tags"] = task.request.get("tags", [])
    return described


def _task_health(task: EcsTask) -> str:
    """Return the worst health of the task's containers that is known."""
    found = {
        _container_health(task, container) for container in task.definition["containerDefinitions"]
    }
    return next((state for state in ("UNHEALTHY", "HEALTHY") if state in found), "UNKNOWN")


def _container_health(task: EcsTask, container: Mapping[str, Any]) -> str:
    """Return a container's health; it is unknown without a health check of its own."""
    if "healthCheck" not in container or task.status != "RUNNING":
        return "UNKNOWN"
    if task.healthy:
        return "HEALTHY"
    failed = task.process is not None and task.process.failed_checks > 0
    return "UNHEALTHY" if failed or isinstance(task.failure, Unhealthy) else "UNKNOWN"


def subnet_of(task: EcsTask) -> str | None:
    """Return a task's subnet; the service's tasks are spread over its subnets."""
    network = structure(structure(task.request, "networkConfiguration"), "awsvpcConfiguration")
    subnets: list[str] = network.get("subnets") or []
    return subnets[int(arn_name(task.arn)[:8], 16) % len(subnets)] if subnets else None


def _attachment(task: EcsTask) -> Json:
    identifier, subnet = arn_name(task.arn), subnet_of(task)
    details = [
        *([{"name": "subnetId", "value": subnet}] if subnet else []),
        {"name": "networkInterfaceId", "value": f"eni-{identifier[:17]}"},
        {"name": "privateIPv4Address", "value": task.address},
    ]
    return {
        "id": f"{identifier[:8]}-{identifier[8:12]}-4000-8000-{identifier[20:]}",
        "type": "ElasticNetworkInterface",
        "status": "ATTACHED" if task.live else "DELETED",
        "details": details,
    }


def _container(task: EcsTask, container: Mapping[str, Any]) -> Json:
    main = container["name"] == task.container["name"]
    described: Json = {
        "containerArn": f"{task.arn.replace(':task/', ':container/')}/{container['name']}",
        "taskArn": task.arn,
        "name": container["name"],
        "image": container["image"],
        "lastStatus": task.status,
        "healthStatus": _container_health(task, container),
        "networkInterfaces": [{"privateIpv4Address": task.address}],
    }
    if task.exit_code is not None:
        # The other containers end with the main one, and successfully.
        described["exitCode"] = task.exit_code if main else 0
    if main and task.stop_code == "TaskFailedToStart":
        described["reason"] = task.reason
    return described
