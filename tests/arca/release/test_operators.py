"""Two operators, an expired login, a service that refuses for a while, Ctrl-C."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from arca.errors import ArcaError, Refused
from arca.release.service import EcsDeployment
from arca.release.steps import ConnectionLost, Interrupted
from arca.release.verdict import Verdict
from tests.arca.release.stage import Stage


def test_the_second_operator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """At any moment of the first one's release, and told who holds it; the first goes on."""
    stage = Stage(monkeypatch)
    stage.push("2")
    stage.push("3")
    refusals: list[str] = []

    def second(_deployment: EcsDeployment) -> None:
        for attempt in (lambda: stage.release().deploy("3"), stage.release().resume):
            with pytest.raises(Refused) as refused:
                attempt()
            assert refused.value.exit_code == 6
            refusals.append(str(refused.value))

    outcome = stage.release(watch=second).deploy("2")
    assert outcome.verdict is Verdict.LIVE
    assert stage.serves() == ({"api:2"}, {"api:2"})
    assert len(refusals) >= 8
    assert all("deploy of" in text and "api:2, step following" in text for text in refusals)
    assert stage.calls.count("ecs.update_service") == 1


def test_a_release_that_waits_long_is_not_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrations may take an hour: the journal shows a sign of life all the while."""
    stage = Stage(monkeypatch)
    stage.push("2")
    silences: list[timedelta] = []

    def look(call: str) -> None:
        held = stage.journal
        if held is not None and call in ("ecs.describe_tasks", "ecs.describe_service_deployments"):
            from datetime import datetime

            silences.append(stage.clock.now() - datetime.fromisoformat(held["beat"]))

    stage.before = look
    stage.release().deploy("2")
    # One sleep of a command is three simulated minutes here.
    assert max(silences) <= timedelta(minutes=3)


def expire(code: str) -> Any:
    """Refuse every call as AWS does without a valid login."""

    def refuse(call: str) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "expired"}}, call)

    return refuse


def test_an_expired_login_says_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first call says it, nothing is tried again, nothing was begun."""
    stage = Stage(monkeypatch)
    stage.before = expire("ExpiredTokenException")
    with pytest.raises(ArcaError, match="ExpiredTokenException") as error:
        stage.release().deploy("2")
    assert error.value.exit_code == 1
    assert "log in again" in str(error.value)
    assert stage.calls == ["ssm.put_parameter"]
    assert stage.waits == []


def test_a_login_that_expires_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown, exit code 5, with the words to follow it again; ECS goes on, and so can they."""
    stage = Stage(monkeypatch)
    stage.push("2")

    def later(deployment: EcsDeployment) -> None:
        if deployment.stage == "PRODUCTION_TRAFFIC_SHIFT":
            stage.before = expire("ExpiredToken")

    with pytest.raises(ConnectionLost) as error:
        stage.release(watch=later).deploy("2")
    assert error.value.exit_code == 5
    assert "ECS goes on by itself." in str(error.value)
    assert "arca deploy --resume --stack prod" in str(error.value)
    stage.before = lambda _call: None
    stage.abandon()
    assert stage.release().resume().verdict is Verdict.LIVE


def test_throttled_calls_are_tried_again_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """With jitter, and not for ever (botocore, retry mode `standard`)."""
    stage = Stage(monkeypatch)
    stage.push("2")
    stage.cloud.fault("throttle", calls=2)
    assert stage.release().deploy("2").verdict is Verdict.LIVE
    assert len(stage.waits) == 2
    stage.waits.clear()
    stage.cloud.fault("throttle", calls=1000)
    with pytest.raises(ArcaError, match="ThrottlingException"):
        stage.service().deployments()
    stage.cloud.control("DELETE", "/arca/faults")
    assert len(stage.waits) == 2
    assert all(0 <= seconds <= 20 for seconds in stage.waits)
    assert len({*stage.waits}) == 2


@pytest.mark.parametrize("back", [False, True], ids=["goes on", "rolls back"])
def test_ctrl_c(monkeypatch: pytest.MonkeyPatch, *, back: bool) -> None:
    """It leaves the deployment to ECS, or takes it back where that was wished."""
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
    """Nothing was begun, and nothing is left."""
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


@pytest.mark.parametrize("fires", [False, True])
def test_a_deployment_that_nobody_follows(monkeypatch: pytest.MonkeyPatch, *, fires: bool) -> None:
    """One that `pulumi up` began is followed like a release: smoke tests, pause, verdict."""
    stage = Stage(monkeypatch)
    if fires:
        stage.cloud.fault("alarm-at", percent=10)
    stage.cloud.deploy(stage.push("2"))
    outcome = stage.release().resume()
    assert outcome.verdict is (Verdict.ROLLED_BACK if fires else Verdict.LIVE)
    assert stage.calls.count("ecs.run_task") == 1
    assert "ecs.update_service" not in stage.calls
    assert stage.journal is None
    with pytest.raises(ArcaError, match="no release to resume"):
        stage.release().resume()
