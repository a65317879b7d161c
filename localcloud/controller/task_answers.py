"""Tasks in the API's shape (botocore's model, ecs 2014-11-13)."""

from collections.abc import Mapping
from typing import Any

from localcloud.controller.model import Task
from localcloud.controller.names import last

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
        "healthStatus": _health(one),
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


def _health(one: Task) -> str:
    if one.process is None and not one.live:
        return "UNKNOWN"
    return "HEALTHY" if one.healthy else "UNKNOWN"


def _attachment(one: Task) -> Json:
    network = one.request.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    subnets = network.get("subnets", [])
    identifier = last(one.arn)
    details = [
        *({"name": "subnetId", "value": subnet} for subnet in subnets[:1]),
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
        "healthStatus": _health(one),
        "networkInterfaces": [{"privateIpv4Address": one.address}],
    }
    if one.exit_code is not None:
        # What runs beside the container that matters ends with it, and ends well.
        described["exitCode"] = one.exit_code if main else 0
    if main and one.stop_code == "TaskFailedToStart":
        described["reason"] = one.reason
    return described
