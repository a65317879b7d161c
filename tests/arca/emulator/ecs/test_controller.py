"""Deployments in the emulated ECS: every strategy's way, and every way back; boto3 alone."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.arca.emulator.ecs.emulated_ecs import ALARMS, CLUSTER, SERVICE, Emulated, ended

NEW = "registry/api:2"
SHIFTING = ("BLUE_GREEN", "LINEAR", "CANARY")
PAUSE = {
    "targetType": "PAUSE",
    "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
    "timeoutConfiguration": {"timeoutInMinutes": 30, "action": "ROLLBACK"},
}
BEFORE_SHIFT = [
    ("RECONCILE_SERVICE", 0, 0),
    ("PRE_SCALE_UP", 0, 0),
    ("SCALE_UP", 0, 0),
    ("POST_SCALE_UP", 0, 0),
    ("TEST_TRAFFIC_SHIFT", 0, 100),
    ("POST_TEST_TRAFFIC_SHIFT", 0, 100),
]
AFTER_SHIFT = [
    ("PRODUCTION_TRAFFIC_SHIFT", 100, 100),
    ("POST_PRODUCTION_TRAFFIC_SHIFT", 100, 100),
    ("BAKE_TIME", 100, 100),
    ("CLEAN_UP", 100, 100),
]
PARTS = {"BLUE_GREEN": (), "LINEAR": (25, 50, 75), "CANARY": (10,)}


def stages(cloud: Emulated, arn: str) -> Iterator[tuple[str, int, int]]:
    """Each stage once, with green's weights on the real production and test rules."""
    before = None
    for _ in range(600):
        found = cloud.deployment(arn)
        seen = found["lifecycleStage"], cloud.weights()[1], cloud.weights(cloud.test_rule)[1]
        if seen != before:
            yield seen
            before = seen
        if ended(found):
            return
        cloud.advance(0.1)


def definitions(cloud: Emulated) -> set[str]:
    """The task definitions whose tasks run."""
    return {task["taskDefinitionArn"].rpartition("/")[2] for task in cloud.tasks()}


def went_back(cloud: Emulated, why: str, *, minutes: float = 60) -> Any:
    """Wait for the rollback, and hold everything against the old revision."""
    found = cloud.until(ended, minutes=minutes)
    assert found["status"] == "ROLLBACK_SUCCESSFUL"
    assert why in found["statusReason"]
    assert found["statusReason"].endswith("(simulated)")
    assert why in found["rollback"]["reason"]
    assert found["rollback"]["serviceRevisionArn"] == found["sourceServiceRevisions"][0]["arn"]
    assert definitions(cloud) == {"api:1"}
    service = cloud.service()
    assert service["taskDefinition"].endswith("api:1")
    assert [one["taskDefinition"][-5:] for one in service["deployments"]] == ["api:1"]
    assert service["runningCount"] == service["desiredCount"]
    return found


@pytest.mark.parametrize("strategy", SHIFTING)
def test_the_stages_in_order_with_the_weights_on_the_rules(cloud: Emulated, strategy: str) -> None:
    """As the guide lists them; the production rule moves by the strategy's own steps."""
    cloud.create_service(strategy=strategy)
    assert cloud.weights() == (100, 0)
    assert len(cloud.targets(cloud.blue)) == 2
    steps = [("PRODUCTION_TRAFFIC_SHIFT", part, 100) for part in PARTS[strategy]]
    found = list(stages(cloud, cloud.deploy(NEW)))
    assert found == BEFORE_SHIFT + steps + AFTER_SHIFT
    last = cloud.deployment()
    assert last["status"] == "SUCCESSFUL"
    assert last["targetServiceRevision"]["requestedProductionTrafficWeight"] == 100
    assert last["sourceServiceRevisions"][0]["runningTaskCount"] == 0
    assert definitions(cloud) == {"api:2"}
    assert cloud.targets(cloud.blue) == set()
    assert len(cloud.targets(cloud.green)) == 2


def test_the_next_deployment_goes_to_the_other_group(cloud: Emulated) -> None:
    """Blue and green change their parts with every deployment."""
    cloud.create_service(strategy="BLUE_GREEN")
    cloud.deploy(NEW)
    cloud.until(ended)
    cloud.deploy("registry/api:3")
    cloud.until(ended)
    assert cloud.weights() == (100, 0)
    assert definitions(cloud) == {"api:3"}


def test_a_rolling_deployment_has_no_weights(cloud: Emulated) -> None:
    """Old tasks go when the new ones are healthy; one target group serves."""
    cloud.create_service(strategy="ROLLING")
    arn = cloud.deploy(NEW)
    seen = [stage for stage, _, _ in stages(cloud, arn)]
    assert seen == ["RECONCILE_SERVICE", "SCALE_UP", "BAKE_TIME", "CLEAN_UP"]
    found = cloud.deployment(arn)
    assert found["status"] == "SUCCESSFUL"
    assert "requestedProductionTrafficWeight" not in found["targetServiceRevision"]
    assert definitions(cloud) == {"api:2"}
    assert len(cloud.targets(cloud.blue)) == 2


def test_times_of_the_canary(cloud: Emulated) -> None:
    """The canary's bake and the last bake take what the service says, in simulated minutes."""
    cloud.create_service(strategy="CANARY")
    cloud.deploy(NEW)
    cloud.until(lambda _: cloud.weights() == (90, 10))
    cloud.advance(2.8)
    assert cloud.weights() == (90, 10)
    cloud.advance(0.2)
    assert cloud.weights() == (0, 100)
    cloud.until(lambda d: d["lifecycleStage"] == "BAKE_TIME")
    cloud.advance(4.8)
    assert cloud.deployment()["lifecycleStage"] == "BAKE_TIME"
    cloud.advance(0.5)
    assert cloud.deployment()["status"] == "SUCCESSFUL"


def test_one_look_after_a_long_time_sees_the_same_end(cloud: Emulated) -> None:
    """What nobody watched happened all the same, each thing at its own moment."""
    cloud.create_service(strategy="LINEAR")
    arn = cloud.deploy(NEW)
    created = cloud.deployment(arn)["createdAt"]
    cloud.advance(600)
    found = cloud.deployment(arn)
    assert found["status"] == "SUCCESSFUL"
    minutes = (found["finishedAt"] - created).total_seconds() / 60
    assert 3 * 2 + 5 < minutes < 3 * 2 + 5 + 3
    assert cloud.weights() == (0, 100)


@pytest.mark.parametrize("strategy", ["ROLLING", *SHIFTING])
def test_an_alarm_rolls_back(cloud: Emulated, strategy: str) -> None:
    """Set from outside, for real, during the bake."""
    cloud.create_service(strategy=strategy)
    cloud.deploy(NEW)
    cloud.until(lambda d: d["lifecycleStage"] == "BAKE_TIME")
    cloud.alarm("ALARM")
    found = went_back(cloud, f"Alarm detected: {ALARMS[0]}.")
    assert found["alarms"]["status"] == "TRIGGERED"
    assert found["alarms"]["triggeredAlarmNames"] == [ALARMS[0]]
    assert cloud.weights() == (100, 0)


def test_an_alarm_before_the_shift_is_not_looked_at(cloud: Emulated) -> None:
    """Traffic has not moved: nothing of the new revision can be seen in it."""
    cloud.create_service(strategy="BLUE_GREEN", hooks=[PAUSE])
    cloud.deploy(NEW)
    cloud.until(lambda d: d.get("lifecycleHookDetails"))
    cloud.alarm("ALARM")
    assert cloud.deployment()["status"] == "IN_PROGRESS"
    cloud.alarm("OK")


def test_an_alarm_that_fires_already_disables_the_watch(cloud: Emulated) -> None:
    """As AWS documents."""
    cloud.create_service(strategy="CANARY")
    cloud.alarm("ALARM")
    cloud.deploy(NEW)
    found = cloud.until(ended)
    assert found["status"] == "SUCCESSFUL"
    assert found["alarms"]["status"] == "DISABLED"


def test_alarms_without_rollback_leave_all_as_it_is(cloud: Emulated) -> None:
    """The deployment stops, both revisions stay, and the next one begins from the old."""
    alarms = {"enable": True, "rollback": False, "alarmNames": list(ALARMS)}
    cloud.create_service(strategy="CANARY", configuration={"alarms": alarms})
    cloud.deploy(NEW)
    cloud.until(lambda _: cloud.weights() == (90, 10))
    cloud.alarm("ALARM")
    assert cloud.until(ended)["status"] == "STOPPED"
    assert cloud.weights() == (90, 10)
    assert definitions(cloud) == {"api:1", "api:2"}
    cloud.alarm("OK")
    cloud.deploy("registry/api:3")
    assert cloud.weights() == (100, 0)
    cloud.until(ended)
    assert definitions(cloud) == {"api:3"}


def test_a_newer_deployment_replaces_the_one_under_way(cloud: Emulated) -> None:
    """The replaced one is STOPPED; the new one begins from the old source revision."""
    cloud.create_service(strategy="CANARY")
    first = cloud.deploy(NEW)
    source = cloud.deployment(first)["sourceServiceRevisions"][0]["arn"]
    cloud.until(lambda _: cloud.weights() == (90, 10))
    second = cloud.deploy("registry/api:3")
    stopped = cloud.deployment(first)
    assert stopped["status"] == "STOPPED"
    assert stopped["statusReason"] == "Replaced by a newer service deployment. (simulated)"
    assert cloud.weights() == (100, 0)
    assert cloud.deployment(second)["sourceServiceRevisions"][0]["arn"] == source
    assert cloud.until(ended)["status"] == "SUCCESSFUL"
    assert definitions(cloud) == {"api:3"}


def test_stop_rolls_back(cloud: Emulated) -> None:
    """Requested, in progress, done; a second stop is a conflict."""
    cloud.create_service(strategy="CANARY")
    arn = cloud.deploy(NEW)
    cloud.until(lambda _: cloud.weights() == (90, 10))
    ecs = cloud.client("ecs")
    ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    assert cloud.deployment(arn)["status"] == "ROLLBACK_REQUESTED"
    with pytest.raises(ecs.exceptions.ConflictException):
        ecs.stop_service_deployment(serviceDeploymentArn=arn)
    cloud.advance(0.1)
    assert cloud.deployment(arn)["status"] == "ROLLBACK_IN_PROGRESS"
    assert cloud.weights() == (90, 10)
    went_back(cloud, "StopServiceDeployment was called.")
    assert cloud.weights() == (100, 0)


def test_abort_leaves_all_where_it_is(cloud: Emulated) -> None:
    """Both revisions keep what they have."""
    cloud.create_service(strategy="CANARY")
    arn = cloud.deploy(NEW)
    cloud.until(lambda _: cloud.weights() == (90, 10))
    cloud.client("ecs").stop_service_deployment(serviceDeploymentArn=arn, stopType="ABORT")
    assert cloud.deployment(arn)["status"] == "STOP_REQUESTED"
    assert cloud.until(ended)["status"] == "STOPPED"
    assert cloud.weights() == (90, 10)
    assert definitions(cloud) == {"api:1", "api:2"}


def test_the_desired_count_alone_scales(cloud: Emulated) -> None:
    """Without a deployment; targets follow."""
    cloud.create_service(strategy="BLUE_GREEN")
    before = cloud.service()["currentServiceDeployment"]
    for desired in (4, 1, 0, 3):
        cloud.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, desiredCount=desired)
        cloud.advance(0.3)
        service = cloud.service()
        assert (service["desiredCount"], service["runningCount"]) == (desired, desired)
        assert service["currentServiceDeployment"] == before
        assert len(cloud.targets(cloud.blue)) == desired


def test_force_deploys_the_same_definition_again(cloud: Emulated) -> None:
    """New tasks of a new service revision."""
    cloud.create_service(strategy="BLUE_GREEN")
    before = {task["taskArn"] for task in cloud.tasks()}
    cloud.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, forceNewDeployment=True)
    assert cloud.until(ended)["status"] == "SUCCESSFUL"
    assert not before & {task["taskArn"] for task in cloud.tasks()}
    assert definitions(cloud) == {"api:1"}
