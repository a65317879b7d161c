"""The smoke tests of a release: on the test listener at the pause, from outside after the shift."""

from typing import Any

import pytest

from arca.check import Check
from arca.release import tasks
from arca.release.service import EcsDeployment
from arca.release.steps import Interrupted
from arca.release.verdict import Verdict
from arca.smoke import suite
from arca.stack import Stack
from tests.arca.emulator.ecs.emulated_ecs import CLUSTER
from tests.arca.release.failing import ctrl_c, denied
from tests.arca.release.stage import Stage

OK = Check("ready", "OK", "")


BAD = Check("ready", "FAILED", "HTTP 503")


def answers(monkeypatch: pytest.MonkeyPatch, *checks: Check) -> list[Check]:
    """Have the smoke tests from outside give these answers in turn; returns those left."""
    left = list(checks)

    def run(stack: Any, **_: Any) -> suite.SmokeReport:
        return suite.SmokeReport(stack.name, "https://api.test", (left.pop(0),))

    monkeypatch.setattr(suite, "run", run)
    return left


def test_the_pause_asks_the_test_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test listener's port is asked, for the production listener leads to the old release."""
    stage = Stage(monkeypatch)
    stage.push("2")
    asked: list[list[str]] = []

    def look(call: str) -> None:
        if call == "ecs.run_task":
            ecs = stage.client("ecs")
            arns = ecs.list_tasks(cluster=CLUSTER, startedBy="arca")["taskArns"]
            (task,) = ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"]
            asked.append(task["overrides"]["containerOverrides"][0]["command"])

    stage.after = look
    stage.release(migrate=False).deploy("2")
    host = stage.stack.outputs.edge.regional_origin_name
    assert asked == [["/app/smoke", f"https://{host}:8443"]]


@pytest.mark.parametrize("strategy", ["BLUE_GREEN", "CANARY"])
def test_what_fails_twice_is_rolled_back(monkeypatch: pytest.MonkeyPatch, strategy: str) -> None:
    """Smoke tests that fail twice roll the release back, and are named in the reason."""
    stage = Stage(monkeypatch, strategy=strategy)
    stage.push("2")
    left = answers(monkeypatch, BAD, BAD)
    outcome = stage.release(migrate=False).deploy("2")
    assert outcome.verdict is Verdict.ROLLED_BACK
    assert "smoke tests failed: ready: HTTP 503" in outcome.reason
    assert left == []
    assert stage.serves() == ({"api:1"}, {"api:1"})


def test_what_fails_once_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Smoke tests that fail once are asked again: one lost packet is no reason."""
    stage = Stage(monkeypatch)
    stage.push("2")
    left = answers(monkeypatch, BAD, OK, BAD, BAD)
    assert stage.release(migrate=False).deploy("2").verdict is Verdict.LIVE
    assert left == [BAD, BAD]


def test_what_is_well_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Smoke tests that pass are asked once a release."""
    stage = Stage(monkeypatch)
    stage.push("2")
    left = answers(monkeypatch, OK, BAD, BAD)
    assert stage.release(migrate=False).deploy("2").verdict is Verdict.LIVE
    assert left == [BAD, BAD]


@pytest.mark.parametrize(
    "call", ["ecs.describe_task_definition", "ecs.run_task", "ecs.describe_tasks"]
)
def test_smoke_tests_that_cannot_be_run(stage: Stage, call: str) -> None:
    """Smoke tests that cannot be run roll the release back."""

    def at_pause(deployment: EcsDeployment) -> None:
        if deployment.paused_hook is not None:
            denied(stage, call)
        elif not deployment.under_way:
            stage.before = lambda _call: None

    outcome = stage.release(watch=at_pause, migrate=False).deploy("2")
    assert outcome.verdict is Verdict.ROLLED_BACK
    assert "smoke tests on the test listener could not be run" in outcome.reason
    assert stage.serves()[0] == {"api:1"}


def smoke_says(monkeypatch: pytest.MonkeyPatch, *verdicts: str) -> list[str]:
    """Have the smoke tests from outside end so in turn; returns those left."""
    left = list(verdicts)

    def run(stack: Stack, *, url: str | None, timeout: float) -> suite.SmokeReport:
        del url, timeout
        check = Check("live", "FAILED" if left.pop(0) == "bad" else "OK", "said so")
        return suite.SmokeReport(stack.name, "https://api.example", (check,))

    monkeypatch.setattr(suite, "run", run)
    return left


def test_a_rolling_release_is_looked_at_when_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release without a look after the shift is tested at its end."""
    stage = Stage(monkeypatch, strategy="ROLLING")
    stage.push("2")
    left = smoke_says(monkeypatch, "bad", "bad")

    def hurry(deployment: EcsDeployment) -> None:
        if deployment.under_way:
            stage.cloud.advance(120)

    outcome = stage.release(watch=hurry).deploy("2")
    assert (outcome.verdict, outcome.exit_code) == (Verdict.FAILED, 1)
    assert "it is live all the same, and smoke tests failed: live: said so" in outcome.reason
    assert left == []
    assert stage.serves()[0] == {"api:2"}


def test_a_task_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A smoke task that ECS has forgotten rolls the release back."""
    stage = Stage(monkeypatch)
    stage.push("2")

    def nothing(_self: tasks.OneOffTask, _arn: str) -> None:
        return

    monkeypatch.setattr(tasks.OneOffTask, "_describe", nothing)
    monkeypatch.setattr(tasks, "MOST_MISSED_LOOKS", 2)
    outcome = stage.release(migrate=False).deploy("2")
    assert outcome.verdict is Verdict.ROLLED_BACK
    assert "could not be run: The task is gone, and nobody saw how it ended" in outcome.reason
    assert not any("may still run" in line for line in stage.said)


def test_after_its_end(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that ended while nobody followed is tested when it is resumed."""
    asked: list[str] = []

    def run(stack: Stack, *, url: str | None, timeout: float) -> suite.SmokeReport:
        del url, timeout
        asked.append(stack.name)
        return suite.SmokeReport(stack.name, None, (Check("live", "FAILED", "no answer"),))

    monkeypatch.setattr(suite, "run", run)
    with pytest.raises(Interrupted):
        stage.release(watch=ctrl_c("PRODUCTION_TRAFFIC_SHIFT")).deploy("2")
    stage.abandon()
    stage.cloud.advance(300)
    assert stage.cloud.deployment()["status"] == "SUCCESSFUL"
    assert stage.release().resume().verdict is Verdict.FAILED
    assert len(asked) == 2  # the second, for one lost packet is no reason
