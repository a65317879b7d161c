"""PAUSE hooks of the emulated ECS: answered, answered wrongly, not answered at all."""

import pytest
from botocore.exceptions import ClientError

from tests.arca.emulator.ecs.emulated_ecs import Emulated, ended
from tests.arca.emulator.ecs.test_controller import NEW, PAUSE, went_back


@pytest.mark.parametrize(("action", "end"), [("CONTINUE", "SUCCESSFUL"), (None, "SUCCESSFUL")])
def test_a_pause_waits_for_an_answer(cloud: Emulated, action: str | None, end: str) -> None:
    """CONTINUE is what an answer without a word means."""
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
    """The way back begins at once."""
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
    """Its timeout's action is carried out, not before its time."""
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
