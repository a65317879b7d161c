"""Tests of ECS's calls about tasks: placement, health and refusals."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.arca.emulator.ecs.emulated_ecs import CLUSTER, NEW, SERVICE, Emulated


def test_run_task_is_held_against_the_definition(cloud: Emulated) -> None:
    """RunTask needs the definition's network mode and containers, and a valid count."""
    cloud.create_service()
    ecs = cloud.client("ecs")
    given: dict[str, Any] = {"cluster": CLUSTER, "taskDefinition": "api"}
    with pytest.raises(ClientError, match="Network Configuration must be provided"):
        ecs.run_task(**given)
    given["networkConfiguration"] = cloud.network
    with pytest.raises(ClientError, match="container named other is not"):
        ecs.run_task(**given, overrides={"containerOverrides": [{"name": "other"}]})
    for count in (0, -1, 11):
        with pytest.raises(ClientError, match="count must be from 1 to 10"):
            ecs.run_task(**given, count=count)
    assert len(ecs.list_tasks(cluster=CLUSTER)["taskArns"]) == 2
    assert len(ecs.run_task(**given, count=3)["tasks"]) == 3


def test_where_tasks_stand(cloud: Emulated) -> None:
    """Tasks are spread over the subnets and have their subnet's zone."""
    cloud.create_service(desired=8)
    subnets = cloud.client("ec2").describe_subnets(
        SubnetIds=cloud.network["awsvpcConfiguration"]["subnets"]
    )["Subnets"]
    zones = {one["SubnetId"]: one["AvailabilityZone"] for one in subnets}
    found = {
        (one["attachments"][0]["details"][0]["value"], one["availabilityZone"])
        for one in cloud.tasks()
    }
    assert found == set(zones.items())


def test_the_health_of_containers(cloud: Emulated) -> None:
    """Only a container with a health check has a known health."""
    cloud.create_service(strategy="ROLLING")
    assert {task["healthStatus"] for task in cloud.tasks()} == {"UNKNOWN"}
    ecs, check = cloud.client("ecs"), {"healthCheck": {"command": ["CMD", "true"]}}
    for image, state in ((NEW, "HEALTHY"), ("registry/api:3", "UNHEALTHY")):
        cloud.fault("unhealthy", image="registry/api:3")
        arn = ecs.register_task_definition(
            family="api",
            containerDefinitions=[
                {"name": "api", "image": image, "memory": 9, **check},
                {"name": "beside", "image": "i", "memory": 9},
            ],
        )["taskDefinition"]["taskDefinitionArn"]
        ecs.update_service(cluster=CLUSTER, service=SERVICE, taskDefinition=arn)
        cloud.advance(0.5)
        tasks = [task for task in cloud.tasks() if task["taskDefinitionArn"] == arn]
        assert [task["healthStatus"] for task in tasks] == [state] * 2
        for task in tasks:
            states = {one["name"]: one["healthStatus"] for one in task["containers"]}
            assert states == {"api": state, "beside": "UNKNOWN"}
