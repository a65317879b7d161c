"""Tasks in the API's shape (botocore's model, ecs 2014-11-13)."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.ecs.faults import Unhealthy
from arca.emulator.ecs.model import Task
from arca.emulator.ecs.names import last
from arca.emulator.ecs.shapes import part

Json = dict[str, Any]


def task(one: Task, *, tags: bool) -> Json:
    """A task."""
    described: Json = {
        "taskArn": one.arn,
        "clusterArn": one.cluster_arn,
        "taskDefinitionArn": one.definition["taskDefinitionArn"],
        "group": one.group,
        "lastStatus": one.status,
        "desiredStatus": one.desired,
        "healthStatus": _worst(one),
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "connectivity": "CONNECTED",
        "cpu": str(one.definition.get("cpu", "256")),
        "memory": str(one.definition.get("memory", "512")),
        "createdAt": one.created.timestamp(),
        "overrides": one.request.get("overrides", {}),
        "attachments": [_attachment(one)],
        "containers": [_container(one, c) for c in one.definition["containerDefinitions"]],
        "enableExecuteCommand": bool(one.request.get("enableExecuteCommand")),
        "version": 1,
    }
    if one.started_by:
        described["startedBy"] = one.started_by
    if one.started is not None:
        described["startedAt"] = one.started.timestamp()
        described["pullStartedAt"] = described["pullStoppedAt"] = one.started.timestamp()
    if one.stopped is not None:
        described["stoppedAt"] = described["stoppingAt"] = one.stopped.timestamp()
        described["executionStoppedAt"] = one.stopped.timestamp()
        described |= {"stopCode": one.stop_code, "stoppedReason": one.reason}
    if tags:
        described["tags"] = one.request.get("tags", [])
    return described


def _worst(one: Task) -> str:
    """A task is as well as its containers; the sick are told of first."""
    found = {_health(one, container) for container in one.definition["containerDefinitions"]}
    return next((state for state in ("UNHEALTHY", "HEALTHY") if state in found), "UNKNOWN")


def _health(one: Task, container: Mapping[str, Any]) -> str:
    """Without a health check of its own, nobody knows."""
    if "healthCheck" not in container or one.status != "RUNNING":
        return "UNKNOWN"
    if one.healthy:
        return "HEALTHY"
    missed = one.process is not None and one.process.misses > 0
    return "UNHEALTHY" if missed or isinstance(one.broken, Unhealthy) else "UNKNOWN"


def subnet(one: Task) -> str | None:
    """Where a task stands; tasks are spread over what they may stand in."""
    network = part(part(one.request, "networkConfiguration"), "awsvpcConfiguration")
    subnets: list[str] = network.get("subnets") or []
    return subnets[int(last(one.arn)[:8], 16) % len(subnets)] if subnets else None


def _attachment(one: Task) -> Json:
    identifier, placed = last(one.arn), subnet(one)
    details = [
        *([{"name": "subnetId", "value": placed}] if placed else []),
        {"name": "networkInterfaceId", "value": f"eni-{identifier[:17]}"},
        {"name": "privateIPv4Address", "value": one.address},
    ]
    return {
        "id": f"{identifier[:8]}-{identifier[8:12]}-4000-8000-{identifier[20:]}",
        "type": "ElasticNetworkInterface",
        "status": "ATTACHED" if one.live else "DELETED",
        "details": details,
    }


def _container(one: Task, container: Mapping[str, Any]) -> Json:
    main = container["name"] == one.container["name"]
    described: Json = {
        "containerArn": f"{one.arn.replace(':task/', ':container/')}/{container['name']}",
        "taskArn": one.arn,
        "name": container["name"],
        "image": container["image"],
        "lastStatus": one.status,
        "healthStatus": _health(one, container),
        "networkInterfaces": [{"privateIpv4Address": one.address}],
    }
    if one.exit_code is not None:
        # What runs beside the container that matters ends with it, and ends well.
        described["exitCode"] = one.exit_code if main else 0
    if main and one.stop_code == "TaskFailedToStart":
        described["reason"] = one.reason
    return described
