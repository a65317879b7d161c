"""Tests of ECS's calls about tasks: placement, health and refusals."""

import re
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


def test_a_client_token_starts_one_task(cloud: Emulated) -> None:
    """A repeated call returns the first one's task; the token serves no other request."""
    cloud.create_service()
    ecs = cloud.client("ecs")
    given: dict[str, Any] = {
        "cluster": CLUSTER,
        "taskDefinition": cloud.register(NEW),
        "networkConfiguration": cloud.network,
        "clientToken": "once",
    }
    first, again = ecs.run_task(**given)["tasks"], ecs.run_task(**given)["tasks"]
    assert [task["taskArn"] for task in first] == [task["taskArn"] for task in again]
    with pytest.raises(ecs.exceptions.ConflictException, match="same client token"):
        ecs.run_task(**given, count=2)
    other = ecs.run_task(**{**given, "clientToken": "another"})["tasks"]
    assert other[0]["taskArn"] != first[0]["taskArn"]


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


RESERVED = [
    *("PATH", "HOME", "BROWSER", "IFS", "ENV", "BASH_ENV", "PYTHONPATH", "PYTHONSTARTUP"),
    *("LD_PRELOAD", "LD_LIBRARY_PATH", "NODE_OPTIONS", "GIT_SSH_COMMAND", "A=B", "A\0B"),
]


@pytest.mark.parametrize("name", RESERVED)
def test_a_variable_that_runs_code_here_is_refused(name: str, cloud: Emulated) -> None:
    """Neither a task definition nor RunTask may set it; the message names both."""
    cloud.create_service()
    ecs, shown = cloud.client("ecs"), re.escape(name if name.isidentifier() else repr(name))
    variables: dict[str, Any] = {"environment": [{"name": name, "value": "x"}]}
    with pytest.raises(ClientError, match=f"variable {shown} of the container api"):
        cloud.register(NEW, **variables)
    with pytest.raises(ClientError, match="InvalidParameterException"):
        cloud.register(NEW, **variables)
    with pytest.raises(ClientError, match=f"variable {shown} of the container api"):
        ecs.run_task(
            cluster=CLUSTER,
            taskDefinition="api",
            networkConfiguration=cloud.network,
            overrides={"containerOverrides": [{"name": "api", **variables}]},
        )
    families = ecs.list_task_definitions(familyPrefix="api")["taskDefinitionArns"]
    assert len(families) == 1


def test_ordinary_variables_are_accepted(cloud: Emulated) -> None:
    """Names that only resemble a reserved one are the container's own business."""
    cloud.create_service()
    names = ["APP_PATH", "NODE_ENV", "JAVA_OPTS", "MY_LD_PRELOAD", "LANG", "PORT", "path"]
    arn = cloud.register(NEW, environment=[{"name": name, "value": "x"} for name in names])
    found = cloud.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    shown = found["containerDefinitions"][0]["environment"]
    assert {one["name"] for one in shown} == set(names)
