"""Who serves is asked of the load balancer and of the tasks, and nothing blurs what they say."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from arca.check import Check
from arca.errors import ArcaError
from arca.release.service import EcsDeployment
from arca.release.verdict import Verdict
from arca.smoke import suite
from arca.stack import Stack
from tests.arca.release.stage import URL, Arca, Stage
from tests.arca.release.test_commands import told


def denied(stage: Stage, label: str, *, status: int = 400) -> None:
    """Have a call answered as AWS answers who may not."""

    def deny(call: str) -> None:
        if call == label:
            content: Any = {
                "Error": {"Code": "AccessDeniedException", "Message": "not you"},
                "ResponseMetadata": {"HTTPStatusCode": status},
            }
            raise ClientError(content, label.partition(".")[2])

    stage.before = deny


def smoke_says(monkeypatch: pytest.MonkeyPatch, *verdicts: str) -> list[str]:
    """Have the smoke tests from outside answer so, one after the other; gives those left."""
    left = list(verdicts)

    def run(stack: Stack, *, url: str | None, timeout: float) -> suite.SmokeReport:
        del url, timeout
        check = Check("live", "FAILED" if left.pop(0) == "bad" else "OK", "said so")
        return suite.SmokeReport(stack.name, "https://api.example", (check,))

    monkeypatch.setattr(suite, "run", run)
    return left


def test_traffic_that_goes_elsewhere(stage: Stage) -> None:
    """ECS says SUCCESSFUL and the new tasks run, but the rule sends customers to nobody."""

    def turn(deployment: EcsDeployment) -> None:
        if not deployment.under_way:
            stage.turn_the_rule()

    outcome = stage.release(watch=turn).deploy("2")
    assert (outcome.verdict, outcome.runs) == (Verdict.UNKNOWN, None)
    assert "ECS says SUCCESSFUL, and nothing serves" in outcome.reason
    assert stage.journal is not None


def test_a_target_that_is_no_task(stage: Stage) -> None:
    """It takes a share of the traffic, and is named by its address."""

    def add(deployment: EcsDeployment) -> None:
        if not deployment.under_way:
            serving = (stage.cloud.blue, stage.cloud.green)[stage.cloud.weights()[1] > 0]
            stage.client("elbv2").register_targets(
                TargetGroupArn=serving, Targets=[{"Id": "10.0.0.250", "Port": 8080}]
            )

    outcome = stage.release(watch=add).deploy("2")
    assert outcome.verdict is Verdict.UNKNOWN
    assert "10.0.0.250 and api:2 serves" in outcome.reason


def test_status_on_the_way(stage: Stage, arca: Arca) -> None:
    """At the pause the old release serves, and its image stands beside it."""
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    found = told(arca("status", "--json"))
    assert (found["revision"], found["image"]) == ("api:1", f"{URL}:1")
    assert stage.serves()[0] == {"api:1"}


def test_who_runs_when_a_release_is_refused(stage: Stage) -> None:
    """Not the deployment that is under way."""
    stage.push("3")
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.advance(1)
    outcome = stage.release().deploy("3")
    assert (outcome.exit_code, str(outcome.runs).rpartition("/")[2]) == (6, "api:1")


def test_an_update_that_is_refused(stage: Stage) -> None:
    """Nothing was asked of ECS: a failure, and no journal that waits for somebody."""
    denied(stage, "ecs.update_service")
    with pytest.raises(ArcaError, match="The service cannot be updated") as raised:
        stage.release().deploy("2")
    assert raised.value.exit_code == 1
    assert "goes on by itself" not in str(raised.value)
    assert stage.journal is None


def test_an_update_of_which_nobody_knows(stage: Stage) -> None:
    """An error within AWS may come after the deed: whoever resumes looks for its deployment."""
    denied(stage, "ecs.update_service", status=500)
    with pytest.raises(ArcaError) as raised:
        stage.release().deploy("2")
    assert raised.value.exit_code == 5
    assert stage.journal is not None
    assert stage.journal["step"] == "updating"


def test_evidence_that_cannot_be_read(stage: Stage) -> None:
    """The verdict stays what it is, and what could be read is told."""
    stage.cloud.fault("exits", image=f"{URL}:2", code=3)

    def close(deployment: EcsDeployment) -> None:
        if not deployment.under_way:
            denied(stage, "logs.get_log_events")

    outcome = stage.release(watch=close, migrate=False).deploy("2")
    assert outcome.verdict is Verdict.ROLLED_BACK
    assert "api exited with 3" in outcome.stop_reasons[0]
    assert outcome.log_lines == ()
    assert stage.journal is None


@pytest.mark.parametrize("call", ["ecs.run_task", "ecs.describe_tasks"])
def test_smoke_tests_that_cannot_be_run(stage: Stage, call: str) -> None:
    """Who cannot look does not let it go on."""

    def at_pause(deployment: EcsDeployment) -> None:
        if deployment.paused_hook is not None:
            denied(stage, call)
        elif not deployment.under_way:
            stage.before = lambda _call: None

    outcome = stage.release(watch=at_pause, migrate=False).deploy("2")
    assert outcome.verdict is Verdict.ROLLED_BACK
    assert "smoke tests on the test listener could not be run" in outcome.reason
    assert stage.serves()[0] == {"api:1"}


def test_a_rolling_release_is_looked_at_when_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no stage of it left the time: live, and no success."""
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
