"""A failover whose world is not as it should be says so, and goes on after the mend."""

from typing import Any

import pytest

from arca import clients
from arca.errors import ExitCode, Refused
from arca.release.run_lock import RunLock
from tests.arca.recovery.stage import (
    DATABASE,
    FAR,
    IMAGE,
    Stage,
    denial,
    ended_well,
    failed,
    last,
    mended,
    writes,
)


def test_the_accepted_loss_is_kept(stage: Stage) -> None:
    """Whoever resumes does not need to know what was accepted."""
    stage.lag = 400
    assert stage.arca("--yes", "--until", "declare", "--accept-data-loss", "500").exit_code == 0
    mended(stage)


# The database.


def test_a_database_that_is_promoted_but_not_available(stage: Stage) -> None:
    """It waits for the phase's budget, and then says what the database is."""

    def promoted(call: str) -> None:
        if "promote_read_replica" in call:
            stage.status = "modifying"

    stage.after = promoted
    began = stage.clock.now()
    error = failed(stage)
    assert "arca-dr is modifying and follows nothing" in error.what
    assert 900 < (stage.clock.now() - began).total_seconds() < 1060
    assert last(stage) == ("promote", "FAILED")
    stage.status = None
    mended(stage)


def test_a_database_that_follows_though_the_stack_is_promoting(stage: Stage) -> None:
    """An update that was interrupted before its call is made again."""
    stage.export("dr", phase="promoting")
    assert stage.arca("--yes").exit_code == ExitCode.DONE
    ended_well(stage)


def test_a_slow_promotion_is_waited_for(stage: Stage) -> None:
    """RDS takes minutes; the stack becomes active only then."""
    looks = 0

    def slow(call: str) -> None:
        nonlocal looks
        if "promote_read_replica" in call:
            stage.status = "modifying"
        elif stage.status and "describe_db_instances" in call:
            looks += 1
            stage.status = "modifying" if looks < 5 else None

    stage.after = slow
    assert stage.arca("--yes").exit_code == ExitCode.DONE
    assert looks == 5
    ended_well(stage)


def test_two_ledgers(stage: Stage) -> None:
    """A standby's database that was promoted before is refused, and nothing is written."""
    stage.client("rds").promote_read_replica(DBInstanceIdentifier=DATABASE)
    error = failed(stage)
    assert isinstance(error, Refused)
    assert "there may be two ledgers" in error.what
    assert not writes(stage)
    assert not stage.updates
    assert stage.journal is None


def test_two_ledgers_before_the_promotion(stage: Stage) -> None:
    """Somebody who promotes between two runs is noticed."""
    stage.arca("--yes", "--until", "lag")
    stage.client("rds").promote_read_replica(DBInstanceIdentifier=DATABASE)
    assert "there may be two ledgers" in failed(stage, "--resume").what
    assert stage.updates == [("prod", "fenced")]


def test_no_database(stage: Stage) -> None:
    """A missing replica is not called a second ledger."""
    stage.delete_database()
    error = failed(stage)
    assert "There is no database arca-dr" in error.what
    assert not writes(stage)


@pytest.mark.parametrize("status", ["modifying", "available"])
def test_a_database_at_work_takes_its_changes_later(stage: Stage, status: str) -> None:
    """What waits for the maintenance window does not keep the standby from serving."""

    def busy(call: str) -> None:
        if "modify_db_instance" in call:
            stage.before = lambda _call: None
            raise busy_database(stage)

    def until_smoke(_call: str) -> None:
        held = stage.journal
        serving = bool(held and held.get("first_good_smoke"))
        if held and held.get("begun", [""])[0] == "activate":
            stage.status = None if serving or status == "available" else status
        else:
            stage.status = None

    stage.before = busy if status == "available" else until_smoke
    assert stage.arca("--yes").exit_code == ExitCode.DONE
    ended_well(stage)
    seen = {one["name"]: one["seen"] for one in stage.record()["phases"]}
    assert "MultiAZ pending, " in seen["activate"]
    assert "MultiAZ applied at once" in seen["verify"]


def busy_database(stage: Stage) -> Exception:
    """Return RDS's refusal of a change of a database that it works on."""
    rds = clients.client(stage.find("dr"), "rds")
    error: Any = {"Error": {"Code": "InvalidDBInstanceState", "Message": "busy"}}
    return rds.exceptions.InvalidDBInstanceStateFault(error, "ModifyDBInstance")


# The tasks.


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"name": "exits", "code": 3}, "exited with 3"),
        ({"name": "image-missing"}, "CannotPullContainerError"),
    ],
)
def test_tasks_that_do_not_start(stage: Stage, fault: dict[str, object], reason: str) -> None:
    """The error has why the tasks ended; the resumed failover deploys anew."""

    def break_it(call: str) -> None:
        if "promote_read_replica" in call:
            stage.cloud.fault(str(fault["name"]), image=IMAGE, **_more(fault))

    stage.after = break_it
    began = stage.clock.now()
    error = failed(stage)
    assert "The deployment of api:3 is" in error.what
    # In a few minutes, not after the phase's budget.
    assert (stage.clock.now() - began).total_seconds() < 600
    assert reason in error.what
    assert last(stage) == ("activate", "FAILED")
    assert not stage.pulled
    stage.after = lambda _call: None
    stage.cloud.control("DELETE", "/arca/faults")
    mended(stage)


def test_a_secret_without_a_value(stage: Stage) -> None:
    """The error names the secret's failure; with a value the resumed failover goes on."""
    secrets = stage.client("secretsmanager")
    stage.secret = secrets.create_secret(Name="arca-dr/api/token")["ARN"]
    error = failed(stage)
    assert "unable to pull secrets" in error.what
    assert last(stage) == ("activate", "FAILED")
    secrets.put_secret_value(SecretId=stage.secret, SecretString="a value")

    def lag(call: str) -> None:
        # ECS shows the new deployment a moment after it began.
        if call == "sa-east-1 ecs.update_service":
            stage.after, stage.stale_lists = _let, 2

    stage.after = lag
    mended(stage)


def _more(fault: dict[str, object]) -> dict[str, object]:
    return {key: one for key, one in fault.items() if key != "name"}


def test_alarms_that_fire_do_not_roll_the_deployment_back(stage: Stage) -> None:
    """Nobody is served yet; the service's alarms come back with the restored configuration."""
    stage.cloud.fault("alarm-at", percent=100)
    assert stage.arca("--yes").exit_code == ExitCode.DONE
    ended_well(stage)


def _let(_call: str) -> None:
    """Let a call happen."""


def _none(_stage: Stage) -> list[str]:
    return []


def test_a_smoke_test_that_stays_bad(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The customers are not moved to a standby that does not answer."""
    monkeypatch.setattr(Stage, "serving_tasks", _none)
    error = failed(stage)
    assert "The smoke tests of dr fail" in error.what
    assert last(stage) == ("smoke", "FAILED")
    assert not stage.pulled


# The permissions.


CALLS = (
    "ssm.get_parameter",
    "ssm.put_parameter",
    "ssm.delete_parameter",
    "ecs.describe_services",
    f"{FAR} ecs.list_tasks",
    f"{FAR} ecs.describe_tasks",
    f"{FAR} ecs.update_service",
    "cloudwatch.get_metric_statistics",
    "rds.describe_db_instances",
    "rds.promote_read_replica",
    "ecs.describe_task_definition",
    "ecs.register_task_definition",
    "sa-east-1 ecs.update_service",
    "ecs.list_service_deployments",
    "ecs.describe_service_revisions",
    "route53.get_health_check",
    "route53.update_health_check",
    "cloudwatch.describe_alarms",
)


@pytest.mark.parametrize("refused", CALLS)
def test_a_refused_permission(stage: Stage, refused: str) -> None:
    """One error names the call; nothing is done beyond it, and the next run goes on."""

    def refuse(call: str) -> None:
        if call.endswith(refused):
            raise denial(call)

    stage.before = refuse
    error = failed(stage)
    assert "AccessDenied" in error.what
    assert "the permission for" in error.wanted
    assert error.exit_code == ExitCode.FAILED
    held = stage.journal
    if held is not None and held["phases"]:
        assert held["phases"][-1]["outcome"] == ("OK" if "delete" in refused else "FAILED")
    stage.before = lambda _call: None
    result = stage.arca("--yes", *(("--resume",) if held else ()))
    assert result.exit_code == ExitCode.DONE, result.output
    ended_well(stage)


# The customers.


def test_dns_does_not_switch(stage: Stage) -> None:
    """The phase ends after its budget; the lever stays pulled, and the resumed one waits anew."""
    stage.dns_follows = False
    error = failed(stage)
    assert "DNS does not switch" in error.what
    assert stage.lever in error.do
    assert last(stage) == ("switch", "FAILED")
    assert stage.pulled
    stage.dns_follows = True
    mended(stage)


def test_a_primary_without_a_lever(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person changes the origin name, and the failover sees it."""
    edge = stage.outputs["prod"].edge.model_copy(update={"failover_lever_id": None})
    stage.export("prod", edge=edge)
    stage.dns_follows = False
    assert "point it to the standby by hand" in failed(stage).do
    stage.dns_follows = True
    monkeypatch.setattr(Stage, "pulled", True)
    mended(stage)


# The primary.


@pytest.mark.parametrize("phase", ["switch", "verify"])
def test_the_primary_comes_back(stage: Stage, phase: str) -> None:
    """A primary that was lost and answers again is fenced, and the record says so."""
    stage.lost = True

    def come_back(_call: str) -> None:
        held = stage.journal
        if held and held.get("begun", [""])[0] == phase:
            stage.lost = False

    stage.after = come_back
    result = stage.arca("--yes")
    assert result.exit_code == ExitCode.DONE
    assert stage.primary_tasks() == 0
    assert ("prod", "fenced") in stage.updates
    assert "prod came back, and is fenced" in stage.record()["phases"][-1]["seen"]
    ended_well(stage)


def test_a_primary_that_comes_back_and_cannot_be_fenced(stage: Stage) -> None:
    """The lever is pulled before that, so that no customer reaches it."""
    stage.lost = True

    def come_back(_call: str) -> None:
        held = stage.journal
        stage.lost = not (held and held.get("begun", [""])[0] == "switch")

    def refuse(call: str) -> None:
        if call == f"{FAR} ecs.update_service":
            raise denial(call)

    stage.after, stage.before = come_back, refuse
    assert "AccessDenied" in failed(stage).what
    assert stage.pulled
    assert last(stage) == ("switch", "FAILED")
    stage.after = stage.before = lambda _call: None
    mended(stage)


def test_tasks_of_the_primary_that_do_not_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A primary that may still write is not left behind."""
    real = stage.update

    def forget(name: str, settings: dict[str, str]) -> None:
        if name == "prod":
            stage.export("prod", phase="fenced")
        else:
            real(name, settings)

    monkeypatch.setattr("arca.cli.dr_scene._emulated_update", lambda: forget)
    error = failed(stage)
    assert "2 tasks of prod still run" in error.what
    assert "aws ecs stop-task" in error.do
    assert stage.follows
    stage.client("ecs", FAR).update_service(cluster="arca-prod", service="api", desiredCount=0)
    mended(stage)


# The alarms.


def test_an_alarm_that_stays_red(stage: Stage) -> None:
    """The failover ends, and the record has the alarm's name and no moment of green."""
    name = max(stage.outputs["dr"].observability.alarm_names.values())
    stage.alarm(name, "ALARM")
    assert stage.arca("--yes").exit_code == ExitCode.DONE
    record = stage.record()
    assert name in record["phases"][-1]["seen"]
    assert record["alarms_green"] is None


def test_a_run_that_lives_is_not_taken_over(stage: Stage) -> None:
    """A process on this machine keeps its failover however long it is silent here."""
    stage.arca("--yes", "--until", "lag")
    held = stage.journal
    assert held is not None
    stage.elsewhere(silent=0)
    living = RunLock(held["run"])
    assert isinstance(failed(stage, "--resume"), Refused)
    living.free()
    mended(stage)


def test_a_primary_that_is_half_lost(stage: Stage) -> None:
    """It answers, and no update of it ends: the operator goes on without the fence."""

    def broken(call: str) -> None:
        if FAR in call and "update_service" in call:
            raise denial(call)

    stage.before = broken
    assert "The update of prod fails" in failed(stage).what
    assert last(stage) == ("fence", "FAILED")
    mended(stage, "--without-fence")
    assert ("prod", "fenced") not in stage.updates
    seen = {one["name"]: one["seen"] for one in stage.record()["phases"]}
    assert seen["fence"] == "prod is not fenced, as the operator wants"
    assert "prod is NOT fenced" in seen["verify"]
