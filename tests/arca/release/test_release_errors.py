"""Calls that fail on the way: an expired login, throttling, a refused update, an error of ours."""

import pytest

from arca.errors import ArcaError
from arca.release.journal import Journal
from arca.release.service import EcsDeployment
from arca.release.steps import ConnectionLost
from arca.release.verdict import Verdict
from tests.arca.release.failing import denied, expire
from tests.arca.release.stage import Stage


def test_an_expired_login_says_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first call says that the login expired; nothing is retried or begun."""
    stage = Stage(monkeypatch)
    stage.before = expire("ExpiredTokenException")
    with pytest.raises(ArcaError, match="ExpiredTokenException") as error:
        stage.release().deploy("2")
    assert error.value.exit_code == 1
    assert "log in again" in str(error.value)
    assert stage.calls == ["ssm.put_parameter"]
    assert stage.waits == []


def test_a_login_that_expires_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A login that expires later ends with exit code 5, and the release can be resumed."""
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
    """Retries have jitter and a bound (botocore, retry mode `standard`)."""
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


def test_a_lock_that_cannot_be_freed_hides_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """The release is live, whether or not its journal can be deleted; who frees it is said."""
    stage = Stage(monkeypatch)
    stage.push("2")
    denied(stage, "ssm.delete_parameter")
    outcome = stage.release().deploy("2")
    assert outcome.verdict is Verdict.LIVE
    assert outcome.reason.endswith("its lock is left, and `arca stop --stack prod` frees it")
    assert stage.serves() == ({"api:2"}, {"api:2"})
    assert any("AccessDenied" in line for line in stage.said)
    stage.before = lambda _call: None
    stage.abandon()
    assert Journal.close_dead(stage.stack, clock=stage.clock)
    assert stage.release().deploy(stage.push("3")).verdict is Verdict.LIVE


def test_an_error_of_ours_while_ecs_works(stage: Stage) -> None:
    """A fault in arca itself is no traceback: ECS goes on, and the release can be resumed."""

    def broken(deployment: EcsDeployment) -> None:
        if deployment.stage == "PRODUCTION_TRAFFIC_SHIFT":
            raise KeyError("weight")

    with pytest.raises(ConnectionLost, match=r"KeyError: 'weight'\. ECS goes on") as error:
        stage.release(watch=broken).deploy("2")
    assert error.value.exit_code == 5
    stage.abandon()
    assert stage.release().resume().verdict is Verdict.LIVE


def test_an_update_that_is_refused(stage: Stage) -> None:
    """A refused UpdateService call is a failure, and leaves no journal."""
    denied(stage, "ecs.update_service")
    with pytest.raises(ArcaError, match="The service cannot be updated") as raised:
        stage.release().deploy("2")
    assert raised.value.exit_code == 1
    assert "goes on by itself" not in str(raised.value)
    assert stage.journal is None


def test_an_update_of_which_nobody_knows(stage: Stage) -> None:
    """After an error within AWS the deployment may have begun, so the journal stays."""
    denied(stage, "ecs.update_service", status=500)
    with pytest.raises(ArcaError) as raised:
        stage.release().deploy("2")
    assert raised.value.exit_code == 5
    assert stage.journal is not None
    assert stage.journal["step"] == "updating"


def test_an_error_of_ours_before_the_deployment(stage: Stage) -> None:
    """An unexpected error before the deployment leaves no journal."""

    def fail(call: str) -> None:
        if call == "ecs.register_task_definition":
            raise ZeroDivisionError

    stage.before = fail
    with pytest.raises(ZeroDivisionError):
        stage.release().deploy("2")
    stage.before = lambda _call: None
    assert stage.journal is None
