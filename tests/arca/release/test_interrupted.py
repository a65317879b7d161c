"""Ctrl-C: while ECS works on a deployment, it is said that ECS goes on; or it is rolled back."""

import getpass
from typing import NoReturn

import pytest

from arca.release.service import EcsDeployment
from arca.release.steps import Interrupted
from arca.release.verdict import Verdict
from tests.arca.release.stage import URL, Arca, Stage
from tests.arca.release.test_commands import told


def press(_call: str) -> NoReturn:
    """Ctrl-C."""
    raise KeyboardInterrupt


def press_after(stage: Stage, label: str) -> None:
    """Press it once a call was answered."""

    def after(call: str) -> None:
        if call == label:
            stage.after = lambda _call: None
            raise KeyboardInterrupt

    stage.after = after


@pytest.mark.parametrize("back", [False, True], ids=["goes on", "rolled back"])
def test_right_after_the_update(stage: Stage, *, back: bool) -> None:
    """Before the deployment has appeared."""
    press_after(stage, "ecs.update_service")
    release = stage.release(rollback_on_interrupt=back)
    if back:
        assert release.deploy("2").verdict is Verdict.ROLLED_BACK
        assert stage.journal is None
        return
    with pytest.raises(Interrupted):
        release.deploy("2")
    assert stage.journal is not None
    assert stage.cloud.deployment()["status"] in ("PENDING", "IN_PROGRESS")


def test_twice(stage: Stage) -> None:
    """The second ends the watching of the rollback."""
    pressed = 0

    def watch(deployment: EcsDeployment) -> None:
        nonlocal pressed
        if deployment.stage == "PRODUCTION_TRAFFIC_SHIFT" or pressed:
            pressed += 1
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        stage.release(watch=watch, rollback_on_interrupt=True).deploy("2")
    assert pressed == 2
    assert stage.journal is not None


def test_at_the_verdict(stage: Stage) -> None:
    """Whoever resumes judges."""

    def watch(deployment: EcsDeployment) -> None:
        if not deployment.under_way:
            stage.before = press

    with pytest.raises(Interrupted):
        stage.release(watch=watch).deploy("2")
    stage.before = lambda _call: None
    stage.abandon()
    assert stage.release().resume().verdict is Verdict.LIVE


def test_while_a_stop_is_watched(stage: Stage, arca: Arca) -> None:
    """ECS rolls back all the same."""
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    press_after(stage, "ecs.stop_service_deployment")
    result = arca("stop", "--yes")
    assert result.exit_code == 130
    assert "ECS goes on by itself" in result.stderr


def test_a_stop_that_comes_too_late(
    stage: Stage, arca: Arca, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ended while a person was asked is live, and nothing older is deployed."""
    import click

    stage.cloud.deploy(f"{URL}:2")
    found = stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))

    def confirm(_text: str, **_: bool) -> bool:
        stage.client("ecs").continue_service_deployment(
            serviceDeploymentArn=found["serviceDeploymentArn"],
            hookId=found["lifecycleHookDetails"][0]["hookId"],
        )
        stage.cloud.until(lambda one: one["status"] == "SUCCESSFUL")
        return True

    monkeypatch.setattr(click, "confirm", confirm)
    result = arca("stop", "--json")
    assert (result.exit_code, told(result)["verdict"]) == (0, "live")
    assert stage.serves() == ({"api:2"}, {"api:2"})


def test_a_stop_whose_rollback_fails(stage: Stage, arca: Arca) -> None:
    """Who serves is said as it is, with where to look."""
    stage.cloud.fault("rollback-fails")
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    assert arca("promote").exit_code == 0
    stage.cloud.until(lambda found: found["lifecycleStage"] == "PRODUCTION_TRAFFIC_SHIFT")
    result = arca("stop", "--yes", "--json")
    found = told(result)
    assert (result.exit_code, found["verdict"]) == (4, "rollback failed")
    assert found["runs"] is None
    assert found["runbook"]


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("no name")])
def test_a_user_without_a_name(
    stage: Stage, arca: Arca, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container may run as a mere number."""

    def getuser() -> NoReturn:
        raise error

    monkeypatch.setattr(getpass, "getuser", getuser)
    seen: list[str] = []
    stage.release(watch=lambda _found: seen.append(stage.journal["owner"])).deploy("2")  # type: ignore[index]
    assert seen[0].startswith("uid ")
    assert arca("status").exit_code == 0


def test_an_error_of_ours_before_the_deployment(stage: Stage) -> None:
    """Leaves no journal that waits for somebody."""

    def fail(call: str) -> None:
        if call == "ecs.register_task_definition":
            raise ZeroDivisionError

    stage.before = fail
    with pytest.raises(ZeroDivisionError):
        stage.release().deploy("2")
    stage.before = lambda _call: None
    assert stage.journal is None
