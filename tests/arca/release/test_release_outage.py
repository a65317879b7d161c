"""An AWS that cannot be reached for a while, and replies that get lost on the way."""

from datetime import datetime, timedelta
from typing import Any, NoReturn

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from arca.errors import ArcaError
from arca.release import given_reasons
from arca.release.service import EcsDeployment, short
from arca.release.steps import ConnectionLost, Interrupted
from arca.release.verdict import Verdict
from tests.arca.release.failing import ctrl_c, denied, killed_at
from tests.arca.release.stage import URL, Arca, Stage, printed_json


def lose_replies(stage: Stage, label: str, *, replies: int = 1) -> list[str]:
    """Let the first replies to a call get lost, after AWS did what it was asked."""
    lost: list[str] = []

    def lose(call: str) -> None:
        if call == label and len(lost) < replies:
            lost.append(call)
            raise ReadTimeoutError(endpoint_url="https://aws")

    stage.after = lose
    return lost


def unreachable(_call: str) -> NoReturn:
    """Fail as botocore does where nobody listens."""
    raise EndpointConnectionError(endpoint_url="https://aws")


def one_off_tasks(stage: Stage) -> list[Any]:
    """Return the tasks that no service started, whether or not they still run."""
    ecs = stage.client("ecs")
    found = [
        arn
        for status in ("RUNNING", "STOPPED")
        for arn in ecs.list_tasks(cluster="arca-test", desiredStatus=status)["taskArns"]
    ]
    tasks = ecs.describe_tasks(cluster="arca-test", tasks=found)["tasks"]
    return [task for task in tasks if not task["group"].startswith("service:")]


@pytest.mark.parametrize(
    "label",
    [
        "ssm.put_parameter",
        "ecs.register_task_definition",
        "ecs.run_task",
        "ecs.update_service",
        "ecs.list_service_deployments",
        "ecs.continue_service_deployment",
        "elbv2.describe_target_health",
    ],
)
def test_a_lost_reply_changes_no_verdict(stage: Stage, label: str) -> None:
    """What AWS did although its reply got lost is found by asking, and is not done twice."""
    lost = lose_replies(stage, label)
    try:
        outcome = stage.release().deploy("2")
    except ArcaError as error:
        # Nothing was begun, and the operator may simply try again.
        assert error.exit_code == 1  # noqa: PT017 - some of the calls come before anything is begun
        assert stage.journal is None
        outcome = stage.release().deploy("2")
    assert lost == [label]
    assert outcome.verdict is Verdict.LIVE
    assert stage.serves() == ({"api:2"}, {"api:2"})
    assert len(stage.service().deployments()) == 2
    assert len(one_off_tasks(stage)) == 2  # the migrations and the smoke tests
    assert stage.journal is None


def test_a_lost_reply_begins_no_second_deployment(stage: Stage) -> None:
    """Deploying what serves already forces a deployment, and only one."""
    assert stage.release().deploy("2").verdict is Verdict.LIVE
    lose_replies(stage, "ecs.update_service")
    assert stage.release(migrate=False).deploy("2").verdict is Verdict.LIVE
    assert len(stage.service().deployments()) == 3


def test_a_lost_reply_to_a_stop(stage: Stage) -> None:
    """A release that stopped itself says why, whether or not it heard ECS's answer."""
    stage.cloud.fault("exits", image=f"{URL}:2")
    lost = lose_replies(stage, "ecs.stop_service_deployment")
    outcome = stage.release(migrate=False).deploy("2")
    assert lost
    assert outcome.verdict is Verdict.ROLLED_BACK
    assert "; stopped because " in outcome.reason
    kept = given_reasons.read_reasons(stage.stack)
    assert "died" in kept[short(str(outcome.deployment))].why


def test_a_lost_reply_to_a_promotion(stage: Stage, arca: Arca) -> None:
    """`arca promote` did what was asked, though the reply got lost."""
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    lose_replies(stage, "ecs.continue_service_deployment")
    assert printed_json(arca("promote", "--json"))["promoted"]
    found = stage.service().deployments(most=1)[0]
    assert (found.status, found.paused_hook) == ("IN_PROGRESS", None)


def cut_at(stage: Stage, moment: str, *, minutes: float) -> Any:
    """Return a watcher that cuts the connection for so many simulated minutes.

    It does so at a stage, or at the first look for none.
    """
    ends: list[datetime] = []

    def cut(_call: str) -> None:
        if stage.clock.now() < ends[0]:
            unreachable(_call)

    def watch(deployment: EcsDeployment) -> None:
        if moment in ("", deployment.stage) and not ends:
            ends.append(stage.clock.now() + timedelta(minutes=minutes))
            stage.before = cut

    return watch


@pytest.mark.parametrize(
    "moment", ["", "POST_TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME"]
)
def test_a_short_outage_is_waited_out(
    stage: Stage, moment: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Four minutes without AWS end no release, and the operator reads what is waited for."""
    outcome = stage.release(watch=cut_at(stage, moment, minutes=4)).deploy("2")
    assert outcome.verdict is Verdict.LIVE
    assert "AWS does not answer" in caplog.text
    assert "trying again for up to 5 minutes" in caplog.text
    assert stage.journal is None


def test_a_long_outage_leaves_the_release_to_be_resumed(stage: Stage) -> None:
    """After five minutes the command gives up, and says that ECS goes on."""
    with pytest.raises(ConnectionLost, match="ECS goes on by itself") as lost:
        stage.release(watch=cut_at(stage, "BAKE_TIME", minutes=60)).deploy("2")
    assert lost.value.exit_code == 5
    stage.before = lambda _call: None
    assert stage.release().resume().verdict is Verdict.LIVE
    assert stage.journal is None


def test_nothing_is_waited_for_before_anything_is_begun(stage: Stage) -> None:
    """An operator without a network reads so at once."""
    stage.before = unreachable
    began = stage.clock.now()
    with pytest.raises(ArcaError, match="AWS does not answer") as error:
        stage.release().deploy("2")
    assert error.value.exit_code == 1
    assert stage.clock.now() == began


def under_way(stage: Stage) -> None:
    """Have a deployment of image 2 wait at its pause, begun by somebody else."""
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))


def test_a_stop_whose_reply_is_lost(stage: Stage, arca: Arca) -> None:
    """The stop is followed to its verdict, though the first reply got lost."""
    under_way(stage)
    lose_replies(stage, "ecs.stop_service_deployment")
    assert printed_json(arca("stop", "--yes", "--json"))["verdict"] == "rolled back"


@pytest.mark.parametrize("verb", [("stop", "--yes"), ("rollback",)])
def test_a_stop_whose_end_cannot_be_read(stage: Stage, arca: Arca, verb: tuple[str, ...]) -> None:
    """ECS rolls back and nobody sees it end: that is 5, and never a plain failure."""
    under_way(stage)
    asked: list[str] = []

    def cut(call: str) -> None:
        asked.append(call)
        if call == "ecs.describe_services" and "ecs.stop_service_deployment" in asked:
            raise ReadTimeoutError(endpoint_url="https://aws")

    stage.after = cut
    result = arca(*verb)
    assert isinstance(result.exception, ConnectionLost)
    assert stage.cloud.deployment()["status"].startswith("ROLLBACK_")


def test_a_stop_that_is_refused(stage: Stage, arca: Arca) -> None:
    """Where ECS does not take the call, nothing was done, and that is 1."""
    under_way(stage)
    denied(stage, "ecs.stop_service_deployment")
    error = arca("stop", "--yes").exception
    assert isinstance(error, ArcaError)
    assert (error.exit_code, isinstance(error, ConnectionLost)) == (1, False)


def test_a_step_that_cannot_be_written_is_not_reached(stage: Stage) -> None:
    """Where the journal refuses the step before the update, ECS was never asked: 1, and not 5."""

    def refuse(call: str) -> None:
        held = stage.journal
        if call == "ssm.put_parameter" and held and held["step"] == "migrated":
            denied(stage, "ssm.put_parameter")
            stage.before(call)

    stage.before = refuse
    with pytest.raises(ArcaError, match="journal cannot be written") as error:
        stage.release().deploy("2")
    stage.before = lambda _call: None
    assert error.value.exit_code == 1
    assert "ecs.update_service" not in stage.calls
    assert stage.journal is None


def test_a_deployment_that_is_replaced_while_it_is_read(stage: Stage, arca: Arca) -> None:
    """Between its listing and its description another one takes its place: that one is stopped."""
    under_way(stage)
    first = stage.cloud.deployment()["serviceDeploymentArn"]

    def replace(call: str) -> None:
        if call == "ecs.list_service_deployments":
            stage.after = lambda _call: None
            force = {"cluster": "arca-test", "service": "api", "forceNewDeployment": True}
            stage.client("ecs").update_service(**force)

    stage.after = replace
    stopped = printed_json(arca("stop", "--yes", "--json"))
    assert stopped["verdict"] == "rolled back"
    assert stopped["deployment"] != first


def test_a_resumption_waits_too(stage: Stage) -> None:
    """ECS may work on the deployment: the end of the wait is 5, and not a failure."""
    with pytest.raises(Interrupted):
        stage.release(watch=ctrl_c("BAKE_TIME")).deploy("2")
    stage.before = unreachable
    with pytest.raises(ConnectionLost) as lost:
        stage.release().resume()
    assert lost.value.exit_code == 5
    assert "Whether ECS works on a release is not known" in lost.value.what
    stage.before = lambda _call: None
    assert stage.release().resume().verdict is Verdict.LIVE


@pytest.mark.parametrize("forever", [False, True])
@pytest.mark.parametrize(("step", "lost"), [("registered", False), ("updating", True)])
def test_a_resumption_that_cannot_begin(
    stage: Stage, step: str, *, lost: bool, forever: bool
) -> None:
    """Before ECS was asked nothing goes on, so the end of the wait is a plain failure."""
    killed_at(stage, step)
    refused: list[str] = []

    def refuse(call: str) -> None:
        if call == "ssm.put_parameter" or (forever and refused):
            refused.append(call)
            unreachable(call)

    stage.before = refuse
    with pytest.raises(ArcaError) as raised:
        stage.release().resume()
    assert isinstance(raised.value, ConnectionLost) is lost
    assert raised.value.exit_code == (5 if lost else 1)
    assert ("ECS goes on" in raised.value.what) is lost


def test_nothing_can_fail_between_the_journal_and_the_call(stage: Stage) -> None:
    """A reading that failed there would be reported as a deployment that goes on."""
    calls: list[str] = []
    stage.before = calls.append
    assert stage.release(migrate=False).deploy("2").verdict is Verdict.LIVE
    asked = calls.index("ecs.update_service")
    assert calls[asked - 1].startswith("ssm."), calls[asked - 5 : asked]
