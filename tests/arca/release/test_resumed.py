"""Whoever resumes goes on as it was wished, through the gates that may have closed since."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from arca.check import Check
from arca.errors import Refused
from arca.release import journal
from arca.release.journal import Journal
from arca.release.service import EcsDeployment
from arca.release.steps import Interrupted, Step
from arca.release.verdict import Verdict
from arca.smoke import smoke
from arca.stack import Stack
from tests.arca.release.stage import URL, Arca, Stage
from tests.arca.release.test_commands import told
from tests.arca.release.test_killed import Killed

CHANGES = ("put_", "run_", "update_", "continue_", "delete_", "stop_", "register_")


def ctrl_c(at: str) -> Callable[[EcsDeployment], None]:
    """Press it at a stage."""

    def press(deployment: EcsDeployment) -> None:
        if deployment.stage == at:
            raise KeyboardInterrupt

    return press


def killed_at(stage: Stage, step: str, *, migrate: bool = True) -> None:
    """Kill a release when its journal has come to a step."""

    def kill(call: str) -> None:
        if call == "ssm.put_parameter" and stage.journal and stage.journal["step"] == step:
            raise Killed

    stage.after = kill
    with pytest.raises(Killed):
        stage.release(migrate=migrate).deploy("2")
    stage.after = lambda _call: None
    stage.abandon()


def test_a_dry_run_of_a_resumption_changes_nothing(stage: Stage, arca: Arca) -> None:
    """It says what would be gone on with."""
    with pytest.raises(Interrupted):
        stage.release(watch=ctrl_c("POST_TEST_TRAFFIC_SHIFT")).deploy("2")
    assert isinstance(arca("deploy", "--resume", "--dry-run").exception, Refused)
    stage.abandon()
    before = len(stage.calls)
    found = told(arca("deploy", "--resume", "--dry-run", "--json"))
    assert (found["what"], found["image"], found["step"]) == ("deploy", f"{URL}:2", "following")
    assert found["id"] == stage.cloud.deployment()["serviceDeploymentArn"].rpartition("/")[2]
    assert "Would resume deploy of" in arca("deploy", "--resume", "--dry-run").stdout
    made = [call for call in stage.calls[before:] if call.partition(".")[2].startswith(CHANGES)]
    assert made == []


def test_a_dry_run_where_nobody_follows(stage: Stage, arca: Arca) -> None:
    """What `pulumi up` began."""
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    assert told(arca("deploy", "--resume", "--dry-run", "--json"))["what"] == "follow"
    assert stage.journal is None


def test_a_release_that_was_held_stays_held(stage: Stage, arca: Arca) -> None:
    """The pause is a person's, whoever follows."""
    with pytest.raises(Interrupted):
        stage.release(watch=ctrl_c("POST_TEST_TRAFFIC_SHIFT"), hold=True).deploy("2")
    stage.abandon()
    result = arca("deploy", "--resume", "--json")
    assert told(result)["verdict"] == "rolled back"
    assert "ecs.continue_service_deployment" not in stage.calls


def test_migrations_that_were_not_wished(stage: Stage) -> None:
    """Are not run by whoever resumes."""
    killed_at(stage, "registered", migrate=False)
    before = stage.calls.count("ecs.run_task")
    assert stage.release().resume().verdict is Verdict.LIVE
    assert stage.calls.count("ecs.run_task") == before + 1  # the smoke tests


@pytest.mark.parametrize("step", ["registered", "migrated"])
def test_an_alarm_that_fires_by_now(stage: Stage, step: str) -> None:
    """Closes the gate that was open; nothing is deployed, and no journal waits."""
    killed_at(stage, step)
    stage.cloud.alarm("ALARM")
    outcome = stage.release().resume()
    assert (outcome.verdict, outcome.exit_code) == (Verdict.REFUSED, 6)
    assert "alarms" in outcome.reason
    assert stage.journal is None
    assert "ecs.update_service" not in stage.calls


@pytest.mark.parametrize("what", ["deploy", "rollback"])
def test_a_deployment_that_somebody_began_meanwhile(stage: Stage, arca: Arca, what: str) -> None:
    """Is not replaced."""
    stage.push("3")
    if what == "deploy":
        killed_at(stage, "migrated")
    else:
        assert stage.release().deploy("2").verdict is Verdict.LIVE
        stage.after = killer("ssm.put_parameter")
        with pytest.raises(Killed):
            arca("rollback")
        stage.after = lambda _call: None
        stage.abandon()
    asked = stage.calls.count("ecs.update_service")
    stage.cloud.deploy(f"{URL}:3")
    stage.cloud.advance(1)
    outcome = stage.release().resume()
    assert outcome.verdict is Verdict.REFUSED
    assert stage.cloud.deployment()["status"] == "IN_PROGRESS"
    assert stage.calls.count("ecs.update_service") == asked


def killer(label: str) -> Callable[[str], None]:
    """Kill at a call."""

    def kill(call: str) -> None:
        if call == label:
            raise Killed

    return kill


@pytest.mark.parametrize("label", ["ssm.put_parameter", "ecs.update_service"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_rollback_that_was_killed(stage: Stage, arca: Arca, label: str, *, after: bool) -> None:
    """Goes on as a rollback: to the revision of before, through an alarm that fires."""
    stage.release().deploy("2")
    setattr(stage, "after" if after else "before", killer(label))
    with pytest.raises(Killed):
        arca("rollback")
    stage.before = stage.after = lambda _call: None
    stage.abandon()
    stage.cloud.alarm("ALARM")
    result = arca(*(("deploy", "--resume") if stage.journal else ("rollback",)), "--json")
    assert told(result)["task_definition"].endswith("api:1"), result.output
    assert stage.journal is None


def test_a_journal_that_was_closed_stops_its_release(stage: Stage) -> None:
    """Whoever closed it may have begun another one."""
    mine = Journal.begin(stage.stack, what="deploy", image="i", clock=stage.clock)
    journal.delete(stage.stack)
    with pytest.raises(Refused, match="was closed by somebody else"):
        mine.record(step=Step.MIGRATED)
    assert stage.journal is None


def test_a_migration_is_no_release(stage: Stage, arca: Arca) -> None:
    """It is run again, and not shipped."""
    Journal.begin(stage.stack, what="migrate", image=f"{URL}:2 (expand)", clock=stage.clock)
    stage.abandon()
    for words in (("deploy", "--resume", "--dry-run"), ("deploy", "--resume")):
        error = arca(*words).exception
        assert isinstance(error, Refused)
        assert "run `arca migrate --stack prod` again" in str(error)


def test_after_its_end(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smoke tests from outside are made up for."""
    asked: list[str] = []

    def run(stack: Stack, *, url: str | None, timeout: float) -> smoke.Report:
        del url, timeout
        asked.append(stack.name)
        return smoke.Report(stack.name, None, (Check("live", "FAILED", "no answer"),))

    monkeypatch.setattr(smoke, "run", run)
    with pytest.raises(Interrupted):
        stage.release(watch=ctrl_c("PRODUCTION_TRAFFIC_SHIFT")).deploy("2")
    stage.abandon()
    stage.cloud.advance(300)
    assert stage.cloud.deployment()["status"] == "SUCCESSFUL"
    assert stage.release().resume().verdict is Verdict.FAILED
    assert len(asked) == 2  # the second, for one lost packet is no reason


def test_migrations_that_still_run(stage: Stage, tmp_path: Path) -> None:
    """They hold the runner's lock: whoever resumes follows their task, and starts no second one."""
    command = ["flock", "-n", "-E", "6", f"{tmp_path}/lock", "sh", "-c", "sleep 2", "sh"]
    stage.cloud.control("PUT", "/arca/images", {"image": f"{URL}:2", "command": command})
    stage.after = killer("ecs.run_task")
    with pytest.raises(Killed):
        stage.release().deploy("2")
    stage.abandon()
    stage.after = killer("ecs.update_service")
    with pytest.raises(Killed):
        stage.release(timeout=timedelta(days=2)).resume()
    assert any("which was started before" in line for line in stage.said)
    assert stage.calls.count("ecs.run_task") == 1
