"""A resumed release keeps its options and passes the gates again."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from arca.errors import ArcaError, Refused
from arca.release import held_lock
from arca.release.journal import Journal
from arca.release.steps import Interrupted, LockLost, Step
from arca.release.verdict import Verdict
from tests.arca.release.failing import Killed, ctrl_c, killed_at, killer
from tests.arca.release.stage import JOURNAL, URL, Arca, Stage, printed_json

CHANGES = ("put_", "run_", "update_", "continue_", "delete_", "stop_", "register_")


def test_a_dry_run_of_a_resumption_changes_nothing(stage: Stage, arca: Arca) -> None:
    """A dry run says what would be resumed, and changes nothing."""
    with pytest.raises(Interrupted):
        stage.release(watch=ctrl_c("POST_TEST_TRAFFIC_SHIFT")).deploy("2")
    before = len(stage.calls)
    found = printed_json(arca("deploy", "--resume", "--dry-run", "--json"))
    assert (found["what"], found["image"], found["step"]) == ("deploy", f"{URL}:2", "following")
    assert found["id"] == stage.cloud.deployment()["serviceDeploymentArn"].rpartition("/")[2]
    assert "Would resume deploy of" in arca("deploy", "--resume", "--dry-run").stdout
    made = [call for call in stage.calls[before:] if call.partition(".")[2].startswith(CHANGES)]
    assert made == []


def test_a_dry_run_where_nobody_follows(stage: Stage, arca: Arca) -> None:
    """A dry run names a deployment that `pulumi up` began."""
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    assert printed_json(arca("deploy", "--resume", "--dry-run", "--json"))["what"] == "follow"
    assert stage.journal is None


def test_a_release_that_was_held_stays_held(stage: Stage, arca: Arca) -> None:
    """A held release stays held, whoever resumes it."""
    with pytest.raises(Interrupted):
        stage.release(watch=ctrl_c("POST_TEST_TRAFFIC_SHIFT"), hold=True).deploy("2")
    stage.abandon()
    result = arca("deploy", "--resume", "--json")
    assert printed_json(result)["verdict"] == "rolled back"
    assert "ecs.continue_service_deployment" not in stage.calls


def test_two_who_resume_at_the_same_time(stage: Stage) -> None:
    """The one whose entry was replaced finds that at once, before it follows anything."""
    with pytest.raises(Interrupted):
        stage.release(watch=ctrl_c("POST_TEST_TRAFFIC_SHIFT")).deploy("2")
    stage.abandon()
    taken: list[str] = []

    def another(call: str) -> None:
        if call == "ssm.put_parameter" and not taken:
            taken.append(call)
            held = json.dumps({**(stage.journal or {}), "run": "another"})
            ssm = stage.client("ssm")
            ssm.put_parameter(Name=JOURNAL, Value=held, Type="String", Overwrite=True)

    stage.after = another
    began = stage.clock.now()
    with pytest.raises(LockLost):
        stage.release().resume()
    assert stage.clock.now() - began < timedelta(minutes=1)


def test_skipped_migrations_stay_skipped(stage: Stage) -> None:
    """A resumed release does not run migrations that were skipped."""
    killed_at(stage, "registered", migrate=False)
    before = stage.calls.count("ecs.run_task")
    assert stage.release().resume().verdict is Verdict.LIVE
    assert stage.calls.count("ecs.run_task") == before + 1  # the smoke tests


@pytest.mark.parametrize("step", ["registered", "migrated"])
def test_an_alarm_that_fires_by_now(stage: Stage, step: str) -> None:
    """An alarm that fires meanwhile refuses the resumed release; no journal stays."""
    killed_at(stage, step)
    stage.cloud.alarm("ALARM")
    outcome = stage.release().resume()
    assert (outcome.verdict, outcome.exit_code) == (Verdict.REFUSED, 6)
    assert "alarms" in outcome.reason
    assert stage.journal is None
    assert "ecs.update_service" not in stage.calls


@pytest.mark.parametrize("what", ["deploy", "rollback"])
def test_a_deployment_that_somebody_began_meanwhile(stage: Stage, arca: Arca, what: str) -> None:
    """A deployment that somebody began meanwhile is not replaced."""
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


@pytest.mark.parametrize("label", ["ssm.put_parameter", "ecs.update_service"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_rollback_that_was_killed(stage: Stage, arca: Arca, label: str, *, after: bool) -> None:
    """A killed rollback is resumed as a rollback, though an alarm fires."""
    stage.release().deploy("2")
    setattr(stage, "after" if after else "before", killer(label))
    with pytest.raises(Killed):
        arca("rollback")
    stage.before = stage.after = lambda _call: None
    stage.abandon()
    stage.cloud.alarm("ALARM")
    result = arca(*(("deploy", "--resume") if stage.journal else ("rollback",)), "--json")
    assert printed_json(result)["task_definition"].endswith("api:1"), result.output
    assert stage.journal is None


def test_a_journal_that_was_closed_stops_its_release(stage: Stage) -> None:
    """A release whose lock was freed stops, for another one may have begun."""
    mine = Journal.begin(stage.stack, what="deploy", image="i", clock=stage.clock)
    held_lock.delete(stage.stack)
    with pytest.raises(LockLost, match="was freed by somebody else"):
        mine.record(step=Step.MIGRATED)
    assert stage.journal is None


def test_a_migration_is_no_release(stage: Stage, arca: Arca) -> None:
    """A killed migration is run again, and never deployed."""
    Journal.begin(stage.stack, what="migrate", image=f"{URL}:2 (expand)", clock=stage.clock)
    stage.abandon()
    for words in (("deploy", "--resume", "--dry-run"), ("deploy", "--resume")):
        error = arca(*words).exception
        assert isinstance(error, Refused)
        assert "run `arca migrate --stack prod` again" in str(error)


def test_migrations_that_still_run(stage: Stage, tmp_path: Path) -> None:
    """A resumed release follows the migration task that still runs, and starts no second one."""
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


@pytest.mark.parametrize("fires", [False, True])
def test_a_deployment_that_nobody_follows(monkeypatch: pytest.MonkeyPatch, *, fires: bool) -> None:
    """A deployment of `pulumi up` is followed like a release, to its verdict."""
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
