"""Tests of what ECS refuses in a deployment configuration, and of errors in a deployment."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from arca.emulator.ecs import strategy as strategies
from arca.emulator.ecs.health_checks import HealthCheck
from arca.emulator.ecs.moto_services import target_group_weights
from tests.arca.emulator.ecs.emulated_ecs import (
    CLUSTER,
    NEW,
    SERVICE,
    SHIFTING,
    Emulated,
    definitions,
    ended,
    went_back,
)

LAMBDA = {
    "hookTargetArn": "arn:aws:lambda:sa-east-1:123456789012:function:f",
    "roleArn": "arn:aws:iam::123456789012:role/r",
}
STAGES = {"lifecycleStages": ["POST_SCALE_UP"]}
PAUSE = {"targetType": "PAUSE"}


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("CANARY", {"strategy": "BIG_BANG"}, "Invalid deployment strategy: BIG_BANG"),
    ("CANARY", {"bakeTimeInMinutes": -1}, "bakeTimeInMinutes must be from 0 to 1440"),
    ("CANARY", {"bakeTimeInMinutes": 1441}, "bakeTimeInMinutes must be from 0 to 1440"),
    ("CANARY", {"canaryConfiguration": {"canaryPercent": 0.05}}, "from 0.1 to 100"),
    (
        "CANARY",
        {"canaryConfiguration": {"canaryBakeTimeInMinutes": 1441}},
        "canaryBakeTimeInMinutes must be from 0 to 1440",
    ),
    ("LINEAR", {"linearConfiguration": {"stepPercent": 2.9}}, "from 3 to 100"),
    ("LINEAR", {"linearConfiguration": {"stepPercent": 101.0}}, "from 3 to 100"),
    (
        "LINEAR",
        {"linearConfiguration": {"stepBakeTimeInMinutes": -1}},
        "stepBakeTimeInMinutes must be from 0 to 1440",
    ),
    ("CANARY", {"lifecycleHooks": [PAUSE]}, "must name its lifecycleStages"),
    ("CANARY", {"lifecycleHooks": [{**PAUSE, "lifecycleStages": []}]}, "lifecycleStages"),
    ("CANARY", {"lifecycleHooks": [STAGES]}, "must name its hookTargetArn"),
    ("CANARY", {"lifecycleHooks": [{**STAGES, "hookTargetArn": "f"}]}, "hookTargetArn"),
    ("CANARY", {"lifecycleHooks": [{**STAGES, "targetType": "SQS"}]}, "target type: SQS"),
    *(
        (
            "CANARY",
            {"lifecycleHooks": [{**LAMBDA, "lifecycleStages": [stage]}]},
            f"A lifecycle hook cannot be configured at {stage}",
        )
        for stage in ("SCALE_UP", "BAKE_TIME", "NOWHERE")
    ),
    *(
        (
            "CANARY",
            {"lifecycleHooks": [{**PAUSE, "lifecycleStages": [stage]}]},
            f"A PAUSE hook cannot be configured at {stage}",
        )
        for stage in ("TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT")
    ),
    (
        "CANARY",
        {"lifecycleHooks": [{**PAUSE, **STAGES, "timeoutConfiguration": {"action": "WAIT"}}]},
        "Invalid timeout action: WAIT",
    ),
    (
        "CANARY",
        {
            "lifecycleHooks": [
                {**PAUSE, **STAGES, "timeoutConfiguration": {"timeoutInMinutes": 20161}}
            ]
        },
        "timeoutInMinutes must be from 1 to 20160",
    ),
    (
        "ROLLING",
        {"lifecycleHooks": [{**PAUSE, **STAGES}]},
        r"A rolling deployment has no stage POST_SCALE_UP \(simulated\)",
    ),
]


@pytest.mark.parametrize(("strategy", "given", "said"), REFUSED)
def test_what_is_refused(cloud: Emulated, strategy: str, given: dict[str, Any], said: str) -> None:
    """CreateService and UpdateService refuse it and change nothing."""
    cloud.create_service(strategy=strategy)
    ecs, before = cloud.client("ecs"), cloud.service()
    refused = pytest.raises(ClientError, match=f"InvalidParameterException.*{said}")
    with refused:
        ecs.update_service(cluster=CLUSTER, service=SERVICE, deploymentConfiguration=given)
    with refused:
        ecs.create_service(
            cluster=CLUSTER,
            serviceName="other",
            taskDefinition="api",
            desiredCount=1,
            deploymentConfiguration={"strategy": strategy, **given},
        )
    assert cloud.service() == before
    assert ecs.list_services(cluster=CLUSTER)["serviceArns"] == [before["serviceArn"]]


def test_a_pause_of_a_rolling_deployment(cloud: Emulated) -> None:
    """A rolling deployment pauses at the stages that it has."""
    hook = {**PAUSE, "lifecycleStages": ["RECONCILE_SERVICE"]}
    cloud.create_service(strategy="ROLLING", hooks=[hook])
    cloud.deploy(NEW)
    found = cloud.until(lambda d: d.get("lifecycleHookDetails"))
    cloud.advance(30)
    assert cloud.deployment()["lifecycleStage"] == "RECONCILE_SERVICE"
    cloud.client("ecs").continue_service_deployment(
        serviceDeploymentArn=found["serviceDeploymentArn"],
        hookId=found["lifecycleHookDetails"][0]["hookId"],
    )
    assert cloud.until(ended)["status"] == "SUCCESSFUL"


def test_hooks_that_are_kept_from_another_strategy(cloud: Emulated) -> None:
    """A service may keep its hooks when it changes to rolling deployments."""
    cloud.create_service(strategy="CANARY", hooks=[{**PAUSE, **STAGES}])
    cloud.client("ecs").update_service(
        cluster=CLUSTER, service=SERVICE, deploymentConfiguration={"strategy": "ROLLING"}
    )
    cloud.deploy(NEW)
    assert cloud.until(ended)["status"] == "SUCCESSFUL"


@pytest.mark.parametrize(("strategy", "times"), [("CANARY", 2), ("LINEAR", 4)])
def test_hooks_before_every_step(cloud: Emulated, strategy: str, times: int) -> None:
    """PRE_PRODUCTION_TRAFFIC_SHIFT is a hook's stage only, and occurs at each step."""
    hook = {**LAMBDA, "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"]}
    cloud.create_service(strategy=strategy, hooks=[hook])
    cloud.deploy(NEW)
    found = cloud.until(ended)
    assert [one["status"] for one in found["lifecycleHookDetails"]] == ["SUCCEEDED"] * times


@pytest.mark.parametrize(
    ("share", "found"),
    [
        (0, (100, 0)),
        (0.1, (99, 1)),
        (0.4, (99, 1)),
        (33.3, (67, 33)),
        (99.9, (1, 99)),
        (100, (0, 100)),
    ],
)
def test_weights(share: float, found: tuple[int, int]) -> None:
    """Weights are whole numbers, and a percentage above 0 never becomes 0."""
    assert target_group_weights(share) == found


@pytest.mark.parametrize("strategy", ["ROLLING", *SHIFTING])
def test_a_script_that_breaks_is_no_success(
    cloud: Emulated, monkeypatch: pytest.MonkeyPatch, strategy: str
) -> None:
    """Any error of the controller rolls back, and the reason names it."""
    cloud.create_service(strategy=strategy)

    def broken(_configuration: Any, _stage: str) -> Any:
        raise KeyError("lifecycleStages")

    monkeypatch.setattr(strategies, "hooks", broken)
    cloud.deploy(NEW)
    found = went_back(cloud, "The controller failed: KeyError('lifecycleStages').")
    assert found["lifecycleStage"] == "RECONCILE_SERVICE"
    assert len(cloud.targets(cloud.blue)) == 2


def test_a_way_back_that_breaks_is_no_success(
    cloud: Emulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error during the rollback never ends as ROLLBACK_SUCCESSFUL."""
    cloud.create_service()
    arn = cloud.deploy(NEW)
    cloud.until(lambda _: cloud.weights() == (90, 10))

    def broken(_service: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cloud.application.backend.moto, "set_weights", broken)
    cloud.client("ecs").stop_service_deployment(serviceDeploymentArn=arn)
    found = cloud.until(ended)
    assert found["status"] == "ROLLBACK_FAILED"
    assert "The controller failed: ZeroDivisionError()." in found["statusReason"]


@pytest.mark.parametrize("stage", ["PRE_SCALE_UP", "BAKE_TIME"])
def test_a_stall_lasts_until_it_is_taken_back(cloud: Emulated, stage: str) -> None:
    """The waits after a stall begin when it is cleared, even without a request."""
    cloud.create_service(strategy="CANARY")
    cloud.fault("stall", stage=stage)
    arn = cloud.deploy(NEW)
    cloud.until(lambda d: d["lifecycleStage"] == stage)
    created = cloud.deployment(arn)["createdAt"]
    cloud.advance(300)
    cloud.control("DELETE", "/arca/faults")
    assert cloud.deployment(arn)["lifecycleStage"] == stage
    assert cloud.weights() == ((100, 0) if stage == "PRE_SCALE_UP" else (0, 100))
    found = cloud.until(ended)
    assert found["status"] == "SUCCESSFUL"
    minutes = (found["finishedAt"] - created).total_seconds() / 60
    assert minutes > 300 + (8 if stage == "PRE_SCALE_UP" else 5)


def test_a_rollback_that_stalls_goes_on_from_where_it_was(cloud: Emulated) -> None:
    """The waits after a stalled rollback begin when the stall is cleared."""
    cloud.create_service()
    cloud.fault("rollback-stalls")
    arn = cloud.deploy(NEW)
    cloud.until(lambda _: cloud.weights() == (90, 10))
    cloud.client("ecs").stop_service_deployment(serviceDeploymentArn=arn)
    cloud.until(lambda d: d["status"] == "ROLLBACK_IN_PROGRESS")
    cloud.advance(300)
    cloud.control("DELETE", "/arca/faults")
    assert cloud.deployment(arn)["status"] == "ROLLBACK_IN_PROGRESS"
    went_back(cloud, "StopServiceDeployment was called.")
    assert definitions(cloud) == {"api:1"}


def test_what_fails_is_tried_again_whoever_looks(cloud: Emulated) -> None:
    """A single late request finds what many requests would have found."""
    cloud.create_service(strategy="BLUE_GREEN", desired=1)
    cloud.fault("image-missing", image=NEW)
    tried = list[int]()
    for looks in (100, 2):
        arn = cloud.deploy(NEW)
        before = len(cloud.tasks(stopped=True))
        for _ in range(looks):
            cloud.advance(10 / looks)
            cloud.service()
        tried.append(len(cloud.tasks(stopped=True)) - before)
        cloud.client("ecs").stop_service_deployment(serviceDeploymentArn=arn)
        cloud.until(ended)
    often, seldom = tried
    assert 5 < seldom == often


def test_an_answer_is_of_the_moment_when_it_is_heard(
    cloud: Emulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A health result counts from the request that reads it, not from earlier."""
    cloud.create_service(strategy="BLUE_GREEN", desired=1)
    arn = cloud.deploy(NEW)
    cloud.until(lambda d: d["lifecycleStage"] == "SCALE_UP")
    backend = cloud.application.backend
    service = backend.service_controller.services[cloud.service()["serviceArn"]]
    (task,) = service.live(service.revisions[-1])
    process: Any = SimpleNamespace(port=None, failed_checks=0, code=lambda: None, lines=list)
    task.status, task.due, task.process = "RUNNING", None, process
    cloud.advance(300)
    answers = [(HealthCheck(task, process, "/"), True)]
    monkeypatch.setattr(backend.task_scheduler.health_checker, "results", lambda: answers)
    assert cloud.deployment(arn)["lifecycleStage"] == "SCALE_UP"
    assert cloud.weights() == (100, 0)
    assert cloud.until(ended)["status"] == "SUCCESSFUL"
