"""Tests of ECS's calls about services: what begins a deployment, what is described."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.arca.emulator.ecs.emulated_ecs import (
    CLUSTER,
    NEW,
    PAUSE,
    SERVICE,
    Emulated,
    definitions,
    ended,
    went_back,
)


def update(cloud: Emulated, **changes: Any) -> Any:
    """Call UpdateService."""
    answer = cloud.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, **changes)
    return answer["service"]


def stable(cloud: Emulated) -> bool:
    """Return whether boto3's waiter `services_stable` succeeds at its first poll."""
    waiter = cloud.client("ecs").get_waiter("services_stable")
    once = {"MaxAttempts": 1, "Delay": 0}
    try:
        waiter.wait(cluster=CLUSTER, services=[SERVICE], WaiterConfig=once)
    except WaiterError:
        return False
    return True


def test_the_first_deployment_ends_when_all_tasks_are_well(cloud: Emulated) -> None:
    """Without a fault, the first deployment ends at once."""
    cloud.create_service()
    found = cloud.deployment()
    assert (found["status"], found["lifecycleStage"]) == ("SUCCESSFUL", "CLEAN_UP")
    assert "sourceServiceRevisions" not in found
    assert stable(cloud)


def test_a_first_deployment_that_never_gets_well(cloud: Emulated) -> None:
    """It stays in progress until it is stopped, and has no revision to go back to."""
    cloud.fault("unhealthy", image="registry/api:1")
    cloud.create_service()
    cloud.advance(30)
    found = cloud.deployment()
    assert (found["status"], found["lifecycleStage"]) == ("IN_PROGRESS", "SCALE_UP")
    assert not stable(cloud)
    cloud.client("ecs").stop_service_deployment(serviceDeploymentArn=found["serviceDeploymentArn"])
    found = cloud.until(ended)
    assert found["status"] == "STOPPED"
    assert "There is no revision to go back to." in found["statusReason"]


def test_the_circuit_breaker_of_a_first_deployment(cloud: Emulated) -> None:
    """It stops the deployment; the reason names the fault."""
    cloud.fault("exits", image="registry/api:1")
    cloud.create_service(strategy="ROLLING")
    found = cloud.until(ended)
    assert found["status"] == "STOPPED"
    assert "The deployment circuit breaker opened: 3 tasks failed." in found["statusReason"]
    assert cloud.service()["deployments"][0]["rolloutState"] == "FAILED"


@pytest.mark.parametrize(
    ("changes", "begins"),
    [
        ({"platformVersion": "1.4.0"}, True),
        ({"serviceRegistries": [{"registryArn": "arn:aws:servicediscovery:r:1:service/s"}]}, True),
        (
            {
                "vpcLatticeConfigurations": [
                    {"roleArn": "r", "targetGroupArn": "t", "portName": "p"},
                ]
            },
            True,
        ),
        ({"healthCheckGracePeriodSeconds": 31}, False),
        ({"enableExecuteCommand": True}, False),
        ({"enableECSManagedTags": True}, False),
        ({"propagateTags": "SERVICE"}, False),
        (
            {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]},
            False,
        ),
        ({"deploymentConfiguration": {"bakeTimeInMinutes": 7}}, False),
    ],
)
def test_what_begins_a_deployment(
    cloud: Emulated, changes: dict[str, Any], *, begins: bool
) -> None:
    """The API Reference says which inputs begin one; the same value begins none."""
    cloud.create_service()
    before = cloud.service()["currentServiceDeployment"]
    first = update(cloud, **changes)["currentServiceDeployment"]
    assert (first != before) is begins
    assert update(cloud, **changes)["currentServiceDeployment"] == first


def test_a_network_change_deploys(cloud: Emulated) -> None:
    """The same task definition is deployed into other subnets."""
    cloud.create_service()
    before = cloud.service()["currentServiceDeployment"]
    placed = cloud.network["awsvpcConfiguration"]
    other = {"awsvpcConfiguration": {**placed, "subnets": placed["subnets"][:1]}}
    assert update(cloud, networkConfiguration=other)["currentServiceDeployment"] != before
    cloud.until(ended)
    assert cloud.service()["networkConfiguration"] == other
    details = cloud.tasks()[0]["attachments"][0]["details"]
    assert {"name": "subnetId", "value": placed["subnets"][0]} in details


def test_a_rollback_takes_the_configuration_back(cloud: Emulated) -> None:
    """The service and its primary deployment describe the same configuration."""
    cloud.create_service()
    placed = cloud.network["awsvpcConfiguration"]
    other = {"awsvpcConfiguration": {**placed, "subnets": placed["subnets"][:1]}}
    arn = update(
        cloud,
        networkConfiguration=other,
        platformVersion="1.3.0",
        taskDefinition=cloud.register(NEW),
    )["currentServiceDeployment"]
    assert cloud.service()["networkConfiguration"] == other
    cloud.client("ecs").stop_service_deployment(serviceDeploymentArn=arn)
    service = cloud.service()
    assert service["networkConfiguration"] == cloud.network
    went_back(cloud, "StopServiceDeployment was called.")
    service = cloud.service()
    assert service["networkConfiguration"] == cloud.network
    assert service["deployments"][0]["networkConfiguration"] == cloud.network
    assert "platformVersion" not in service
    # The next deployment begins from there as well.
    cloud.deploy(NEW)
    cloud.until(ended)
    assert cloud.service()["networkConfiguration"] == cloud.network


def test_other_load_balancers_leave_no_stale_target(cloud: Emulated) -> None:
    """Old tasks leave their own groups, and new tasks enter the new groups."""
    cloud.create_service(strategy="ROLLING")
    balancer = {"containerName": "api", "containerPort": 8080}
    assert len(cloud.targets(cloud.blue)) == 2
    update(cloud, loadBalancers=[{"targetGroupArn": cloud.green, **balancer}])
    assert cloud.until(ended)["status"] == "SUCCESSFUL"
    assert cloud.targets(cloud.blue) == set()
    assert len(cloud.targets(cloud.green)) == 2


def test_an_old_task_is_replaced_as_it_was(cloud: Emulated) -> None:
    """The old revision keeps its load balancers until the new tasks are healthy."""
    cloud.create_service(strategy="BLUE_GREEN", desired=1)
    (old,) = cloud.targets(cloud.blue)
    balancer = cloud.service()["loadBalancers"][0]
    cloud.fault("stall", stage="PRE_SCALE_UP")
    update(cloud, loadBalancers=[{**balancer, "containerPort": 9090}])
    cloud.client("ecs").stop_task(cluster=CLUSTER, task=cloud.tasks()[0]["taskArn"])
    cloud.advance(1)
    (new,) = cloud.targets(cloud.blue)
    assert new[0] != old[0]
    assert new[1] == 8080
    cloud.control("DELETE", "/arca/faults")
    cloud.until(ended)
    assert {port for _, port in cloud.targets(cloud.green)} == {9090}
    assert cloud.targets(cloud.blue) == set()


def test_the_waiter_is_not_content_with_a_rollback(cloud: Emulated) -> None:
    """The waiter fails during a rollback, even if the target has no task."""
    cloud.create_service(strategy="ROLLING")
    cloud.fault("image-missing", image=NEW)
    cloud.fault("rollback-stalls")
    cloud.deploy(NEW)
    assert not stable(cloud)
    cloud.until(lambda d: d["status"] == "ROLLBACK_IN_PROGRESS")
    cloud.advance(5)
    update(cloud, desiredCount=0)
    assert cloud.service()["runningCount"] == cloud.service()["desiredCount"] == 0
    assert not stable(cloud)
    cloud.control("DELETE", "/arca/faults")
    cloud.until(ended)
    assert stable(cloud)


def test_an_update_keeps_the_rest_of_the_configuration(cloud: Emulated) -> None:
    """Only the given members change; an invalid update changes nothing."""
    cloud.create_service(strategy="CANARY")
    before = cloud.service()["deploymentConfiguration"]
    update(cloud, deploymentConfiguration={"bakeTimeInMinutes": 7})
    assert cloud.service()["deploymentConfiguration"] == {**before, "bakeTimeInMinutes": 7}
    with pytest.raises(ClientError, match="bakeTimeInMinutes must be from 0 to 1440"):
        update(cloud, deploymentConfiguration={"bakeTimeInMinutes": 1441})
    assert cloud.service()["deploymentConfiguration"]["bakeTimeInMinutes"] == 7


def test_an_inactive_definition_is_refused(cloud: Emulated) -> None:
    """Each call that would run an inactive definition refuses it."""
    cloud.create_service()
    ecs, arn = cloud.client("ecs"), cloud.register(NEW)
    update(cloud, taskDefinition=arn)
    cloud.until(ended)
    ecs.run_task(cluster=CLUSTER, taskDefinition=arn, networkConfiguration=cloud.network)
    ecs.deregister_task_definition(taskDefinition=arn)
    inactive = pytest.raises(ClientError, match="TaskDefinition is inactive")
    with inactive:
        update(cloud, taskDefinition=arn)
    with inactive:
        ecs.run_task(cluster=CLUSTER, taskDefinition=arn, networkConfiguration=cloud.network)
    with inactive:
        ecs.create_service(cluster=CLUSTER, serviceName="o", taskDefinition=arn, desiredCount=1)
    assert ecs.list_services(cluster=CLUSTER)["serviceArns"] == [cloud.service()["serviceArn"]]
    # What runs already goes on, and can be deployed again (as the platform's own does).
    assert definitions(cloud) == {"api:2"}


def test_deleting_a_service(cloud: Emulated) -> None:
    """A service with tasks needs `force`; a deleted one cannot be updated."""
    cloud.create_service()
    ecs = cloud.client("ecs")
    with pytest.raises(ClientError, match="scaled above 0"):
        ecs.delete_service(cluster=CLUSTER, service=SERVICE)
    assert cloud.service()["runningCount"] == 2
    ecs.delete_service(cluster=CLUSTER, service=SERVICE, force=True)
    assert cloud.targets(cloud.blue) == set()
    with pytest.raises(ecs.exceptions.ServiceNotActiveException):
        update(cloud, desiredCount=1)
    with pytest.raises(ecs.exceptions.ServiceNotFoundException):
        ecs.update_service(cluster=CLUSTER, service="never", desiredCount=1)


def test_a_negative_count_is_refused(cloud: Emulated) -> None:
    """CreateService and UpdateService refuse a negative count."""
    cloud.create_service()
    ecs, negative = cloud.client("ecs"), pytest.raises(ClientError, match="negative")
    with negative:
        update(cloud, desiredCount=-1)
    with negative:
        ecs.create_service(cluster=CLUSTER, serviceName="o", taskDefinition="api", desiredCount=-3)


def test_what_a_cluster_counts(cloud: Emulated) -> None:
    """A cluster counts running tasks, pending tasks and services."""
    cloud.create_service()
    ecs = cloud.client("ecs")
    ecs.run_task(cluster=CLUSTER, taskDefinition="api", networkConfiguration=cloud.network)
    found = ecs.describe_clusters(clusters=[CLUSTER])["clusters"][0]
    assert (found["runningTasksCount"], found["pendingTasksCount"]) == (2, 1)
    assert found["activeServicesCount"] == 1
    ecs.delete_service(cluster=CLUSTER, service=SERVICE, force=True)
    cloud.advance(1)
    found = ecs.describe_clusters(clusters=[CLUSTER])["clusters"][0]
    assert (found["runningTasksCount"], found["pendingTasksCount"]) == (0, 0)
    assert found["activeServicesCount"] == 0


def test_what_a_service_tells_of_itself(cloud: Emulated) -> None:
    """A service describes its creation, its placement and its simulated events."""
    cloud.create_service()
    service = cloud.service()
    assert service["createdAt"] == cloud.deployment()["createdAt"]
    assert "launchType" not in service
    messages = [event["message"] for event in service["events"]]
    assert messages[0] == "(service api) has reached a steady state. (simulated)"
    assert f"registered 1 targets in (target-group {cloud.blue})" in " ".join(messages)
    assert all(message.endswith("(simulated)") for message in messages)


EMERGENCY: dict[str, Any] = {
    "strategy": "BLUE_GREEN",
    "bakeTimeInMinutes": 0,
    "lifecycleHooks": [],
    "alarms": {"alarmNames": [], "enable": False, "rollback": False},
}


def test_a_configuration_is_of_the_next_deployment(cloud: Emulated) -> None:
    """It begins no deployment, changes none in progress, and replaces hooks and alarms by none."""
    cloud.create_service(strategy="CANARY", hooks=[PAUSE])
    first = cloud.service()["currentServiceDeployment"]
    arn = update(cloud, taskDefinition=cloud.register(NEW))["currentServiceDeployment"]
    cloud.until(lambda found: found.get("lifecycleHookDetails"))
    with pytest.raises(ClientError, match=r"strategy cannot change .* \(simulated\)"):
        update(cloud, deploymentConfiguration=EMERGENCY)
    kept = {name: value for name, value in EMERGENCY.items() if name != "strategy"}
    assert update(cloud, deploymentConfiguration=kept)["currentServiceDeployment"] == arn != first
    found = cloud.deployment(arn)
    assert found["lifecycleHookDetails"][0]["status"] == "AWAITING_ACTION"
    assert found["deploymentConfiguration"]["bakeTimeInMinutes"] == 5
    cloud.client("ecs").stop_service_deployment(serviceDeploymentArn=arn)
    cloud.until(ended)
    cloud.alarm("ALARM")
    update(cloud, deploymentConfiguration=EMERGENCY, taskDefinition=cloud.register(NEW))
    begun = cloud.clock.now()
    found = cloud.until(ended)
    assert (found["status"], found["lifecycleHookDetails"]) == ("SUCCESSFUL", [])
    assert found["alarms"]["status"] == "DISABLED"
    assert (cloud.clock.now() - begun).total_seconds() < 120
    assert cloud.service()["deploymentConfiguration"]["strategy"] == "BLUE_GREEN"


def test_what_blue_green_needs(cloud: Emulated) -> None:
    """It needs a bake time, and a second target group."""
    cloud.create_service(strategy="ROLLING")
    with pytest.raises(ClientError, match=r"BLUE_GREEN needs an alternateTargetGroupArn .*"):
        update(cloud, deploymentConfiguration=EMERGENCY)
    assert cloud.service()["deploymentConfiguration"]["strategy"] == "ROLLING"
    with pytest.raises(ClientError, match="bakeTimeInMinutes must be specified"):
        cloud.client("ecs").create_service(
            cluster=CLUSTER,
            serviceName="other",
            taskDefinition="api",
            deploymentConfiguration={"strategy": "BLUE_GREEN"},
        )
