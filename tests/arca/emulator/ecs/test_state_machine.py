"""Tests of deployments with every strategy, forward and back, through boto3 alone."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.arca.emulator.ecs.emulated_ecs import (
    ALARMS,
    CLUSTER,
    NEW,
    PAUSE,
    SERVICE,
    SHIFTING,
    Emulated,
    definitions,
    ended,
    went_back,
)

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
    """Return each stage once, with green's weights of the production and the test rule."""
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


@pytest.mark.parametrize("strategy", SHIFTING)
def test_the_stages_in_order_with_the_weights_on_the_rules(cloud: Emulated, strategy: str) -> None:
    """The stages follow the guide; the weights follow the strategy's steps."""
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
    """Blue and green swap their roles with every deployment."""
    cloud.create_service(strategy="BLUE_GREEN")
    cloud.deploy(NEW)
    cloud.until(ended)
    cloud.deploy("registry/api:3")
    cloud.until(ended)
    assert cloud.weights() == (100, 0)
    assert definitions(cloud) == {"api:3"}


def test_a_rolling_deployment_has_no_weights(cloud: Emulated) -> None:
    """Old tasks stop when the new ones are healthy; one target group serves."""
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
    """The canary's bake and the last bake take the configured simulated minutes."""
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
    """A late request finds the same result and moments as many requests."""
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
    """The test sets the alarm in CloudWatch during the bake."""
    cloud.create_service(strategy=strategy)
    cloud.deploy(NEW)
    cloud.until(lambda d: d["lifecycleStage"] == "BAKE_TIME")
    cloud.alarm("ALARM")
    found = went_back(cloud, f"Alarm detected: {ALARMS[0]}.")
    assert found["alarms"]["status"] == "TRIGGERED"
    assert found["alarms"]["triggeredAlarmNames"] == [ALARMS[0]]
    assert cloud.weights() == (100, 0)


def test_an_alarm_before_the_shift_is_not_looked_at(cloud: Emulated) -> None:
    """An alarm counts only after the traffic shift has begun."""
    cloud.create_service(strategy="BLUE_GREEN", hooks=[PAUSE])
    cloud.deploy(NEW)
    cloud.until(lambda d: d.get("lifecycleHookDetails"))
    cloud.alarm("ALARM")
    assert cloud.deployment()["status"] == "IN_PROGRESS"
    cloud.alarm("OK")


def test_an_alarm_that_fires_already_disables_the_watch(cloud: Emulated) -> None:
    """The Developer Guide documents this."""
    cloud.create_service(strategy="CANARY")
    cloud.alarm("ALARM")
    cloud.deploy(NEW)
    found = cloud.until(ended)
    assert found["status"] == "SUCCESSFUL"
    assert found["alarms"]["status"] == "DISABLED"


def test_alarms_without_rollback_leave_all_as_it_is(cloud: Emulated) -> None:
    """The deployment stops with both revisions; the next one begins from the old one."""
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
    """The statuses are requested, in progress, done; a second stop is a conflict."""
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
    """Both revisions keep their tasks and their traffic."""
    cloud.create_service(strategy="CANARY")
    arn = cloud.deploy(NEW)
    cloud.until(lambda _: cloud.weights() == (90, 10))
    cloud.client("ecs").stop_service_deployment(serviceDeploymentArn=arn, stopType="ABORT")
    assert cloud.deployment(arn)["status"] == "STOP_REQUESTED"
    assert cloud.until(ended)["status"] == "STOPPED"
    assert cloud.weights() == (90, 10)
    assert definitions(cloud) == {"api:1", "api:2"}


def test_the_desired_count_alone_scales(cloud: Emulated) -> None:
    """Scaling begins no deployment, and the targets follow the tasks."""
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
    """A new service revision gets new tasks."""
    cloud.create_service(strategy="BLUE_GREEN")
    before = {task["taskArn"] for task in cloud.tasks()}
    cloud.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, forceNewDeployment=True)
    assert cloud.until(ended)["status"] == "SUCCESSFUL"
    assert not before & {task["taskArn"] for task in cloud.tasks()}
    assert definitions(cloud) == {"api:1"}


@pytest.mark.parametrize(("action", "end"), [("CONTINUE", "SUCCESSFUL"), (None, "SUCCESSFUL")])
def test_a_pause_waits_for_an_answer(cloud: Emulated, action: str | None, end: str) -> None:
    """An answer without an action means CONTINUE."""
    cloud.create_service(strategy="BLUE_GREEN", hooks=[PAUSE])
    arn = cloud.deploy(NEW)
    found = cloud.until(lambda d: d.get("lifecycleHookDetails"))
    (hook,) = found["lifecycleHookDetails"]
    assert hook["status"] == "AWAITING_ACTION"
    assert hook["timeoutAction"] == "ROLLBACK"
    cloud.advance(20)
    assert cloud.deployment()["lifecycleStage"] == "POST_TEST_TRAFFIC_SHIFT"
    ecs = cloud.client("ecs")
    with pytest.raises(ClientError, match="does not await"):
        ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId="other")
    chosen = {"action": action} if action else {}
    ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook["hookId"], **chosen)
    assert cloud.until(ended)["status"] == end
    with pytest.raises(ClientError, match="does not await"):
        ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook["hookId"])


def test_a_pause_is_answered_with_rollback(cloud: Emulated) -> None:
    """The rollback begins at once."""
    cloud.create_service(strategy="CANARY", hooks=[PAUSE])
    arn = cloud.deploy(NEW)
    found = cloud.until(lambda d: d.get("lifecycleHookDetails"))
    hook = found["lifecycleHookDetails"][0]["hookId"]
    cloud.client("ecs").continue_service_deployment(
        serviceDeploymentArn=arn, hookId=hook, action="ROLLBACK"
    )
    went_back(cloud, "The pause at POST_TEST_TRAFFIC_SHIFT was answered with ROLLBACK.")


@pytest.mark.parametrize(
    ("action", "end"), [("ROLLBACK", "ROLLBACK_SUCCESSFUL"), ("CONTINUE", "SUCCESSFUL")]
)
def test_nobody_answers_a_pause(cloud: Emulated, action: str, end: str) -> None:
    """The timeout's action follows at the timeout and not before."""
    timeout = {"timeoutInMinutes": 30, "action": action}
    cloud.create_service(strategy="BLUE_GREEN", hooks=[{**PAUSE, "timeoutConfiguration": timeout}])
    cloud.deploy(NEW)
    cloud.until(lambda d: d.get("lifecycleHookDetails"))
    cloud.advance(29.8)
    assert cloud.deployment()["status"] == "IN_PROGRESS"
    cloud.advance(0.3)
    found = cloud.until(ended)
    assert found["status"] == end
    assert found["lifecycleHookDetails"][0]["status"] == "TIMED_OUT"
