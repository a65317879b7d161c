"""Following a deployment: when it is stopped, how long it is watched, who answers its pause."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from arca.errors import Refused
from arca.release import failures, smoke_tests
from arca.release.deployment import DeploymentFollower
from arca.release.journal import Journal
from arca.release.verdict import Verdict
from tests.arca.emulator.ecs.emulated_ecs import CLUSTER, SERVICE, ended
from tests.arca.release.stage import URL, Arca, Stage, printed_json


def follower(stage: Stage, *, minutes: int = 120) -> DeploymentFollower:
    """Return a follower whose checks find nothing wrong."""
    return DeploymentFollower(
        stage.service(), stage.clock, lambda _found: None, timedelta(minutes=minutes)
    )


@pytest.mark.parametrize(
    ("wanted", "died", "given_up"),
    [(2, 2, False), (2, 3, True), (6, 2, False), (6, 3, True), (10, 4, False), (10, 5, True)],
)
def test_how_many_tasks_may_die(
    monkeypatch: pytest.MonkeyPatch, wanted: int, died: int, *, given_up: bool
) -> None:
    """Three failed tasks stop it, or half of those wanted: the rule of ECS's circuit breaker."""
    stage = Stage(monkeypatch)
    stage.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, desiredCount=wanted)
    stage.cloud.advance(30)

    def of(*_: Any, **__: Any) -> failures.TaskFailures:
        return failures.TaskFailures(died, (("they died", died),), ())

    monkeypatch.setattr(failures, "failed_tasks", of)
    arn = stage.cloud.deploy(stage.push("2"))
    stage.cloud.until(lambda found: found["targetServiceRevision"].get("requestedTaskCount"))
    one = follower(stage)
    found = one.follow(arn)
    assert found.status == ("ROLLBACK_SUCCESSFUL" if given_up else found.status)
    assert ("ecs.stop_service_deployment" in stage.calls) is given_up
    assert one.stopped_because == (
        f"{died} tasks had died by then: they died" if given_up else None
    )


def test_a_deployment_that_ended_before_it_could_be_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A deployment that has ended is left as it is, and that is noted."""
    stage = Stage(monkeypatch)
    arn = stage.cloud.deploy(stage.push("2"))
    before = stage.service().deployment(arn)
    stage.cloud.until(ended, minutes=200)
    status = stage.cloud.deployment(arn)["status"]
    late = follower(stage)
    late.stop(before, "somebody asked for it")
    assert (late.stopped_because, late.too_late) == (None, "somebody asked for it")
    assert stage.calls.count("ecs.stop_service_deployment") == 1
    assert stage.cloud.deployment(arn)["status"] == status


@pytest.mark.parametrize("minutes", [30, 90])
def test_a_release_is_watched_until_its_timeout(
    monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    """After the timeout the verdict is unknown, because ECS goes on."""
    stage = Stage(monkeypatch)
    stage.push("2")
    stage.cloud.fault("stall", stage="SCALE_UP")
    begun = stage.clock.now()
    timeout = timedelta(minutes=minutes)
    outcome = stage.release(migrate=False, timeout=timeout).deploy("2")
    assert outcome.verdict is Verdict.UNKNOWN
    assert timeout < stage.clock.now() - begun < timeout + timedelta(minutes=20)


def test_the_timeout_of_the_command_is_the_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    """`arca deploy --timeout` reaches the release."""
    stage = Stage(monkeypatch)
    stage.push("2")
    stage.cloud.fault("stall", stage="SCALE_UP")
    arca = stage.commands(monkeypatch)
    begun = stage.clock.now()
    result = arca("deploy", "2", "--skip-migrations", "--timeout", "30m")
    assert result.exit_code == 5
    assert stage.clock.now() - begun < timedelta(minutes=50)


def test_a_held_release_waits_for_its_promotion(monkeypatch: pytest.MonkeyPatch) -> None:
    """A held release stays paused, and is rolled back when the pause times out."""
    stage = Stage(monkeypatch)
    stage.push("2")
    outcome = stage.release(hold=True).deploy("2")
    assert outcome.exit_code == 3
    asked = [text for text in stage.said if text.startswith("paused until a person answers: ")]
    assert len(asked) == 1
    assert "`arca promote --stack prod` moves" in asked[0]
    assert "`arca stop --stack prod` rolls back" in asked[0]
    assert "The pause at POST_TEST_TRAFFIC_SHIFT timed out." in outcome.reason
    assert stage.serves() == ({"api:1"}, {"api:1"})


def promoted_meanwhile(stage: Stage, *, run_task: int, to_the_end: bool = False) -> None:
    """Have somebody answer the pause after that many one-off tasks were started."""

    def promote(call: str) -> None:
        if call == "ecs.run_task" and stage.calls.count(call) == run_task:
            stage.after = lambda _call: None
            found = stage.cloud.deployment()
            stage.client("ecs").continue_service_deployment(
                serviceDeploymentArn=found["serviceDeploymentArn"],
                hookId=found["lifecycleHookDetails"][0]["hookId"],
            )
            if to_the_end:
                stage.cloud.until(ended)

    stage.after = promote


def test_a_pause_that_somebody_else_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person's answer counts when it comes before the smoke tests end."""
    stage = Stage(monkeypatch)
    stage.push("2")
    promoted_meanwhile(stage, run_task=2)
    assert stage.release().deploy("2").verdict is Verdict.LIVE
    assert "ecs.continue_service_deployment" not in stage.calls


def test_a_pause_that_somebody_answered_before_the_smoke_tests_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Failed smoke tests still roll the release back after somebody answered the pause."""
    stage = Stage(monkeypatch)
    stage.cloud.fault("exits", image=stage.push("2"), of="run-task", code=1)
    promoted_meanwhile(stage, run_task=1)
    outcome = stage.release(migrate=False).deploy("2")
    assert outcome.verdict is Verdict.ROLLED_BACK
    assert "stopped because smoke tests on the test listener ended with 1" in outcome.reason
    assert stage.serves() == ({"api:1"}, {"api:1"})


def test_smoke_tests_that_fail_when_all_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release whose smoke tests fail after its end stays live, and has failed."""
    stage = Stage(monkeypatch)
    stage.cloud.fault("exits", image=stage.push("2"), of="run-task", code=1)
    promoted_meanwhile(stage, run_task=1, to_the_end=True)
    outcome = stage.release(migrate=False).deploy("2")
    assert outcome.verdict is Verdict.FAILED
    assert "it is live all the same, and smoke tests on the test listener" in outcome.reason
    assert stage.serves() == ({"api:2"}, {"api:2"})


def test_smoke_tests_that_fail_too_late_for_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that ended before its failed smoke tests could stop it has failed."""
    stage = Stage(monkeypatch)
    stage.push("2")

    def end_first(call: str) -> None:
        if call == "ecs.stop_service_deployment":
            stage.cloud.until(ended, minutes=200)

    def fails(_stack: object, _say: object) -> str:
        return "smoke tests failed: ready"

    stage.before = end_first
    monkeypatch.setattr(smoke_tests, "check_after_shift", fails)
    outcome = stage.release(migrate=False).deploy("2")
    assert outcome.verdict is Verdict.FAILED
    assert "it is live all the same, and smoke tests failed: ready" in outcome.reason
    assert stage.serves() == ({"api:2"}, {"api:2"})


def test_the_pause_of_a_living_release_is_its_own(stage: Stage, arca: Arca) -> None:
    """Nobody moves traffic while its smoke tests run; with --hold, and once it is dead, one may."""
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    paused = stage.service().deployments(most=1)[0].arn
    living = Journal.begin(
        stage.stack, what="deploy", image=f"{URL}:2", clock=stage.clock, deployment=paused
    )
    for asked in (arca("promote"), arca("promote", "--dry-run")):
        assert isinstance(asked.exception, Refused)
        assert "answers its pause after its smoke tests" in str(asked.exception)
    living.record(options=replace(living.entry.options, hold=True))
    assert arca("promote", "--dry-run").exit_code == 0
    living.record(options=replace(living.entry.options, hold=False))
    living.record(deployment="another")
    assert arca("promote", "--dry-run").exit_code == 0
    living.record(deployment=paused)
    living.leave()
    assert arca("promote").exit_code == 0


def test_promote(stage: Stage, arca: Arca) -> None:
    """Only a paused deployment can be promoted."""
    assert "No deployment waits" in str(arca("promote").exception)
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    would = arca("promote", "--dry-run")
    assert (would.exit_code, would.stdout.rstrip().endswith("  paused")) == (0, True)
    stage.cloud.advance(5)
    assert stage.cloud.deployment()["lifecycleStage"] == "POST_TEST_TRAFFIC_SHIFT"
    assert printed_json(arca("promote", "--json"))["promoted"]
    stage.cloud.advance(1)
    assert stage.cloud.deployment()["lifecycleStage"] == "PRODUCTION_TRAFFIC_SHIFT"
