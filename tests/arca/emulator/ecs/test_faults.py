"""Tests of injected faults: what each does to a deployment, and how it ends."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.arca.emulator.ecs.emulated_ecs import (
    ALARMS,
    CLUSTER,
    NEW,
    SERVICE,
    SHIFTING,
    Emulated,
    definitions,
    ended,
    went_back,
)


def stop(cloud: Emulated, arn: str) -> None:
    """Stop the latest deployment with a rollback."""
    cloud.client("ecs").stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")


BROKEN = [
    ({"name": "image-missing"}, "TaskFailedToStart", "CannotPullContainerError", None),
    ({"name": "exits", "code": 3}, "EssentialContainerExited", "Essential container", 3),
    ({"name": "unhealthy"}, "ServiceSchedulerInitiated", "failed ELB health checks", 143),
]


@pytest.mark.parametrize(("fault", "code", "reason", "exit_code"), BROKEN)
def test_the_circuit_breaker_of_a_rolling_deployment(
    cloud: Emulated, fault: dict[str, Any], code: str, reason: str, exit_code: int | None
) -> None:
    """It opens after three failed tasks or half of them; stopped tasks give the reason."""
    cloud.create_service(strategy="ROLLING")
    cloud.fault(image=NEW, **fault)
    cloud.deploy(NEW)
    found = went_back(cloud, "The deployment circuit breaker opened: 3 tasks failed.")
    breaker = found["deploymentCircuitBreaker"]
    assert breaker["status"] == "TRIGGERED"
    assert breaker["threshold"] == 3
    assert breaker["failureCount"] >= 3
    dead = [task for task in cloud.tasks(stopped=True) if task["stopCode"] == code]
    assert len(dead) >= 3
    for task in dead[:3]:
        assert reason in task["stoppedReason"]
        assert task["stoppedReason"].endswith("(simulated)")
        assert task["containers"][0].get("exitCode") == exit_code


def test_a_breaker_without_rollback_stops(cloud: Emulated) -> None:
    """The old tasks keep running, and no new ones are started."""
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    cloud.create_service(strategy="ROLLING", configuration=breaker)
    cloud.fault("image-missing", image=NEW)
    cloud.deploy(NEW)
    assert cloud.until(ended)["status"] == "STOPPED"
    assert cloud.service()["deployments"][0]["rolloutState"] == "FAILED"
    cloud.advance(30)
    assert definitions(cloud) == {"api:1"}


@pytest.mark.parametrize(
    ("desired", "configured", "threshold"),
    [
        (1, None, 3),
        (25, None, 13),
        (12, {"type": "COUNT", "value": 2}, 2),
        (2, {"type": "UNBOUNDED_PERCENT", "value": 50}, 1),
    ],
)
def test_thresholds(
    cloud: Emulated, desired: int, configured: dict[str, Any] | None, threshold: int
) -> None:
    """The default is half of the tasks rounded up, from 3 to 200."""
    breaker: dict[str, Any] = {"enable": True, "rollback": True}
    if configured:
        breaker["thresholdConfiguration"] = configured
    cloud.create_service(
        strategy="ROLLING", desired=desired, configuration={"deploymentCircuitBreaker": breaker}
    )
    cloud.deploy(NEW)
    assert cloud.deployment()["deploymentCircuitBreaker"]["threshold"] == threshold


@pytest.mark.parametrize("strategy", SHIFTING)
def test_shifting_strategies_try_until_somebody_stops_them(cloud: Emulated, strategy: str) -> None:
    """They have no circuit breaker, and can be stopped."""
    cloud.create_service(strategy=strategy)
    cloud.fault("exits", image=NEW)
    arn = cloud.deploy(NEW)
    cloud.advance(30)
    found = cloud.deployment(arn)
    assert (found["status"], found["lifecycleStage"]) == ("IN_PROGRESS", "SCALE_UP")
    assert found["deploymentCircuitBreaker"]["status"] == "DISABLED"
    assert len(cloud.tasks(stopped=True)) > 10
    stop(cloud, arn)
    went_back(cloud, "StopServiceDeployment was called.")


def test_dead_tasks_are_forgotten_after_an_hour(cloud: Emulated) -> None:
    """Stopped tasks are described for one simulated hour."""
    cloud.create_service(strategy="BLUE_GREEN")
    cloud.fault("image-missing", image=NEW)
    stop(cloud, cloud.deploy(NEW))
    cloud.advance(1)
    cloud.deploy(NEW)
    cloud.advance(1)
    stop(cloud, cloud.service()["currentServiceDeployment"])
    cloud.until(ended)
    assert cloud.tasks(stopped=True)
    cloud.advance(61)
    assert cloud.tasks(stopped=True) == []


@pytest.mark.parametrize(("percent", "green"), [(10, 10), (50, 100)])
def test_alarm_at(cloud: Emulated, percent: float, green: int) -> None:
    """CloudWatch's alarm fires when the traffic reaches the percentage, not before."""
    cloud.create_service(strategy="CANARY")
    cloud.fault("alarm-at", percent=percent)
    cloud.deploy(NEW)
    before = 0
    while not ended(cloud.deployment()):
        before = max(before, cloud.weights()[1])
        cloud.advance(0.05)
    assert before == green
    went_back(cloud, f"Alarm detected: {ALARMS[0]}.")
    states = cloud.client("cloudwatch").describe_alarms(AlarmNames=[ALARMS[0]])["MetricAlarms"]
    assert states[0]["StateValue"] == "ALARM"


def states(cloud: Emulated) -> list[str]:
    """Return the states of the alarms that the service watches."""
    found = cloud.client("cloudwatch").describe_alarms(AlarmNames=list(ALARMS))["MetricAlarms"]
    return [
        one["StateValue"] for one in sorted(found, key=lambda one: ALARMS.index(one["AlarmName"]))
    ]


def test_a_cleared_fault_gives_its_alarm_back(cloud: Emulated) -> None:
    """The alarm that the fault set is OK again, and the next deployment succeeds."""
    cloud.create_service(strategy="CANARY")
    cloud.fault("alarm-at", percent=10)
    cloud.deploy(NEW)
    went_back(cloud, f"Alarm detected: {ALARMS[0]}.")
    cloud.alarm("ALARM", ALARMS[1])
    assert states(cloud) == ["ALARM", "ALARM"]
    cloud.control("DELETE", "/arca/faults")
    assert states(cloud) == ["OK", "ALARM"]
    cloud.alarm("OK", ALARMS[1])
    cloud.deploy(NEW)
    assert cloud.until(ended)["status"] == "SUCCESSFUL"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_alarm_that_somebody_set_stays(cloud: Emulated, moment: str) -> None:
    """A person's ALARM before or after that of the fault outlives the fault."""
    cloud.create_service(strategy="CANARY")
    if moment == "before":
        cloud.alarm("ALARM")
    cloud.fault("alarm-at", percent=10)
    cloud.deploy(NEW)
    cloud.until(lambda _: states(cloud)[0] == "ALARM" and cloud.weights() == (90, 10))
    if moment == "after":
        cloud.alarm("ALARM")
    cloud.control("DELETE", "/arca/faults")
    assert states(cloud)[0] == "ALARM"


def test_a_cleared_fault_sets_no_alarm_later(cloud: Emulated) -> None:
    """A deployment that is under way goes on without it."""
    cloud.create_service(strategy="CANARY")
    cloud.fault("alarm-at", percent=100)
    cloud.deploy(NEW)
    cloud.until(lambda _: cloud.weights() == (90, 10))
    cloud.control("DELETE", "/arca/faults")
    assert cloud.until(ended)["status"] == "SUCCESSFUL"
    assert "ALARM" not in states(cloud)


@pytest.mark.parametrize("stage", ["PRE_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "CLEAN_UP"])
def test_a_hook_refuses(cloud: Emulated, stage: str) -> None:
    """The hook fails at the given stage and has the status FAILED."""
    cloud.create_service(strategy="BLUE_GREEN")
    cloud.fault("hook-refuses", stage=stage)
    cloud.deploy(NEW)
    found = went_back(cloud, f"A lifecycle hook failed at {stage}.")
    assert found["lifecycleStage"] == stage
    assert [hook["status"] for hook in found["lifecycleHookDetails"]] == ["FAILED"]


def test_lambda_hooks_succeed_otherwise(cloud: Emulated) -> None:
    """Each Lambda hook without a fault is listed as SUCCEEDED."""
    hook = {
        "hookTargetArn": "arn:aws:lambda:sa-east-1:123456789012:function:f",
        "roleArn": "arn:aws:iam::123456789012:role/r",
        "lifecycleStages": ["PRE_SCALE_UP", "POST_SCALE_UP", "PRODUCTION_TRAFFIC_SHIFT"],
    }
    cloud.create_service(strategy="BLUE_GREEN", hooks=[hook])
    cloud.deploy(NEW)
    found = cloud.until(ended)
    assert [one["status"] for one in found["lifecycleHookDetails"]] == ["SUCCEEDED"] * 3
    assert found["status"] == "SUCCESSFUL"


@pytest.mark.parametrize("stage", ["RECONCILE_SERVICE", "SCALE_UP", "BAKE_TIME"])
def test_a_stall_ends_when_faults_are_taken_back(cloud: Emulated, stage: str) -> None:
    """The deployment stands still until the faults are cleared, then goes on."""
    cloud.create_service(strategy="CANARY")
    cloud.fault("stall", stage=stage)
    cloud.deploy(NEW)
    cloud.advance(600)
    assert cloud.deployment()["lifecycleStage"] == stage
    cloud.control("DELETE", "/arca/faults")
    assert cloud.until(ended)["status"] == "SUCCESSFUL"


def test_a_stalled_deployment_can_be_stopped(cloud: Emulated) -> None:
    """Stopping works during a stall, unless the rollback stalls too."""
    cloud.create_service(strategy="CANARY")
    cloud.fault("stall", stage="BAKE_TIME")
    cloud.fault("rollback-stalls")
    arn = cloud.deploy(NEW)
    cloud.advance(600)
    stop(cloud, arn)
    cloud.advance(600)
    assert cloud.deployment()["status"] == "ROLLBACK_IN_PROGRESS"
    assert cloud.weights() == (0, 100)
    cloud.control("DELETE", "/arca/faults")
    went_back(cloud, "StopServiceDeployment was called.")


def test_a_rollback_fails(cloud: Emulated) -> None:
    """Both revisions keep what they have, and the status is ROLLBACK_FAILED."""
    cloud.create_service(strategy="CANARY")
    cloud.fault("rollback-fails")
    arn = cloud.deploy(NEW)
    cloud.until(lambda _: cloud.weights() == (90, 10))
    stop(cloud, arn)
    found = cloud.until(ended)
    assert found["status"] == "ROLLBACK_FAILED"
    assert "The rollback failed." in found["statusReason"]
    assert cloud.weights() == (90, 10)
    assert definitions(cloud) == {"api:1", "api:2"}
    cloud.control("DELETE", "/arca/faults")
    cloud.deploy("registry/api:3")
    assert cloud.until(ended)["status"] == "SUCCESSFUL"
    assert definitions(cloud) == {"api:3"}


def test_a_rule_that_is_gone_fails_the_deployment(cloud: Emulated) -> None:
    """Traffic can be shifted neither forward nor back."""
    cloud.create_service(strategy="BLUE_GREEN")
    cloud.deploy(NEW)
    cloud.client("elbv2").delete_rule(RuleArn=cloud.rule)
    found = cloud.until(ended)
    assert found["status"] == "ROLLBACK_FAILED"
    assert "Traffic cannot be shifted" in found["statusReason"]


def test_faults_concern_what_begins_after_them(cloud: Emulated) -> None:
    """A fault does not concern what begins before it or after it was cleared."""
    cloud.create_service(strategy="BLUE_GREEN")
    cloud.deploy(NEW)
    cloud.fault("image-missing", image=NEW)
    assert cloud.until(ended)["status"] == "SUCCESSFUL"
    cloud.control("DELETE", "/arca/faults")
    cloud.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, forceNewDeployment=True)
    assert cloud.until(ended)["status"] == "SUCCESSFUL"


def test_throttling_is_used_up(cloud: Emulated) -> None:
    """The fault refuses as many calls as given; the rest can be read."""
    cloud.create_service()
    cloud.fault("throttle", calls=2)
    ecs = cloud.client("ecs")
    for left in (1, 0):
        with pytest.raises(ClientError, match="ThrottlingException"):
            ecs.list_tasks(cluster=CLUSTER)
        listed = cloud.control("GET", "/arca/faults")[1]["faults"]
        assert [one["calls"] for one in listed] == [left] * bool(left)
    ecs.list_tasks(cluster=CLUSTER)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([{"fault": "exits"}], "image: Field required"),
        ([{"fault": "exits", "image": "i", "colour": 1}], "Extra inputs are not permitted"),
        ([{"fault": "nonsense"}], "does not match any of the expected tags"),
        ([{"fault": "stall", "stage": "NOWHERE"}], "Input should be 'RECONCILE_SERVICE'"),
        ({"fault": "exits"}, "Input should be a valid array"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(cloud: Emulated, content: Any, said: str) -> None:
    """An invalid fault is refused with a message; the earlier faults stay."""
    cloud.fault("rollback-fails")
    status, answer = cloud.control("PUT", "/arca/faults", content)
    assert status == 400
    assert said in answer["error"]
    _, kept = cloud.control("GET", "/arca/faults")
    assert kept["faults"] == [{"fault": "rollback-fails"}]


def test_other_paths_are_refused(cloud: Emulated) -> None:
    """Unknown paths and methods are answered with 404 and 405, and a message."""
    assert cloud.control("GET", "/arca/nothing")[0] == 404
    assert cloud.control("POST", "/arca/faults", [])[0] == 405
    assert cloud.control("PUT", "/arca/images", {"image": "i", "command": []})[0] == 400
