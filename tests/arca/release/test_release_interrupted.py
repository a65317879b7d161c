"""Ctrl-C: ECS goes on and the operator is told so, or the deployment is rolled back."""

from typing import Any

import pytest
from click.testing import Result

from arca.release.service import EcsDeployment
from arca.release.steps import Interrupted
from arca.release.verdict import Verdict
from tests.arca.release.failing import press, press_after
from tests.arca.release.stage import Arca, Stage


def interrupted(stage: Stage, arca: Arca) -> Result:
    """Press Ctrl-C while the new release takes a part of the traffic."""
    pressed: list[Any] = []

    def press(call: str) -> None:
        shares = stage.cloud.weights() if call == "ecs.describe_service_deployments" else (0, 0)
        if min(shares) and not pressed:
            pressed.append(call)
            raise KeyboardInterrupt

    stage.before = press
    result = arca("deploy", "2", "--skip-migrations")
    stage.before = lambda _call: None
    assert pressed
    return result


def test_ctrl_c_has_an_exit_code_of_its_own(stage: Stage, arca: Arca) -> None:
    """Ctrl-C ends with 130, and prints how to follow the deployment again."""
    result = interrupted(stage, arca)
    assert result.exit_code == 130
    assert "arca deploy --resume --stack prod" in result.stderr
    assert stage.cloud.deployment()["status"] == "IN_PROGRESS"


def test_stop_closes_the_journal_of_what_it_stopped(stage: Stage, arca: Arca) -> None:
    """`arca stop` closes the interrupted release's journal, so the next one may begin."""
    interrupted(stage, arca)
    assert stage.journal is not None
    assert arca("stop", "--yes").exit_code == 3
    assert stage.journal is None
    stage.push("3")
    assert arca("deploy", "3", "--skip-migrations").exit_code == 0


def test_ctrl_c_of_a_release_is_told_from_others(stage: Stage) -> None:
    """Ctrl-C while ECS goes on raises an exception of its own."""

    def press(_deployment: EcsDeployment) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        stage.release(watch=press, migrate=False).deploy("2")


@pytest.mark.parametrize("back", [False, True], ids=["goes on", "rolled back"])
def test_right_after_the_update(stage: Stage, *, back: bool) -> None:
    """Ctrl-C before ECS lists the deployment leaves it to ECS, or rolls it back."""
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
    """A second Ctrl-C ends the watching of the rollback."""
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
    """After Ctrl-C at the verdict the resumed release gives the verdict."""

    def watch(deployment: EcsDeployment) -> None:
        if not deployment.under_way:
            stage.before = press

    with pytest.raises(Interrupted):
        stage.release(watch=watch).deploy("2")
    stage.before = lambda _call: None
    stage.abandon()
    assert stage.release().resume().verdict is Verdict.LIVE


@pytest.mark.parametrize("back", [False, True], ids=["goes on", "rolls back"])
def test_ctrl_c(monkeypatch: pytest.MonkeyPatch, *, back: bool) -> None:
    """Ctrl-C leaves the deployment to ECS, or rolls it back where the options say so."""
    stage = Stage(monkeypatch)
    stage.push("2")
    pressed = False

    def press(deployment: EcsDeployment) -> None:
        nonlocal pressed
        if deployment.stage == "PRODUCTION_TRAFFIC_SHIFT" and not pressed:
            pressed = True
            raise KeyboardInterrupt

    release = stage.release(watch=press, rollback_on_interrupt=back)
    if back:
        outcome = release.deploy("2")
        assert (outcome.exit_code, stage.serves()[0]) == (3, {"api:1"})
        assert "stopped because interrupted" in outcome.reason
        return
    with pytest.raises(Interrupted):
        release.deploy("2")
    assert stage.cloud.deployment()["status"] == "IN_PROGRESS"
    assert stage.journal is not None
    stage.abandon()
    assert stage.release().resume().verdict is Verdict.LIVE


def test_ctrl_c_before_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C before the deployment leaves nothing behind."""
    stage = Stage(monkeypatch)
    stage.push("2")

    def press(call: str) -> None:
        if call == "ecs.run_task":
            raise KeyboardInterrupt

    stage.after = press
    with pytest.raises(KeyboardInterrupt):
        stage.release().deploy("2")
    assert stage.journal is None
    assert stage.serves()[0] == {"api:1"}
