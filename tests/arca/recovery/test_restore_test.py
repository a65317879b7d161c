"""`arca dr restore-test`: what it makes, what it says of a backup, and that nothing is left."""

import json
import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from arca.cli.questions import NobodyAnswers
from arca.errors import ArcaError, ExitCode, Refused
from arca.recovery.record import Record
from arca.recovery.records import read
from arca.recovery.restored_instance import PURPOSE
from tests.arca.recovery.restore_stage import GOOD, NAME, PRIMARY, RestoreStage
from tests.arca.recovery.stage import OPERATOR, denial, writes
from tests.arca.release.processes import die

BROKEN = (*GOOD[:1], ("numbers without gaps", "FAILED"))


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RestoreStage:
    """A primary with its backups."""
    return RestoreStage(monkeypatch, tmp_path)


def left_alone(stage: RestoreStage) -> None:
    """Check that the primary's database is all that is there, as it was."""
    assert stage.instances().keys() == {PRIMARY}
    touched = [call for call in writes(stage) if "rds." in call and "restore_" not in call]
    assert {call.rpartition(".")[2] for call in touched} <= {"delete_db_instance"}


def record(stage: RestoreStage) -> Record:
    """Return the only record that was written."""
    (found,) = read(stage.records)
    return found


def code(result: Result) -> Any:
    """Return the exit code of a command."""
    return result.exit_code if result.exception else result.return_value


def outcomes(stage: RestoreStage) -> list[tuple[str, str]]:
    """Return the phases of the record with their outcomes."""
    return [(one.name, one.outcome) for one in record(stage).phases]


def error(stage: RestoreStage, *words: str) -> ArcaError:
    """Run the command, which has to fail with one error for a person; returns that."""
    found = stage.arca("--yes", *words).exception
    assert isinstance(found, ArcaError), found
    assert found.where
    assert found.do
    return found


@pytest.mark.parametrize(
    ("kind", "of"),
    [
        ("snapshot", "rds:arca-prod-2"),
        ("backup", "awsbackup:job-1"),
        ("point-in-time", PRIMARY),
    ],
)
def test_a_good_backup(stage: RestoreStage, kind: str, of: str) -> None:
    """The newest backup of the kind is restored apart from everything, checked and deleted."""
    seen = list[dict[str, Any]]()

    def look(call: str) -> None:
        if call.endswith("ecs.run_task"):
            seen.append(stage.instances()[NAME])

    stage.before = look
    result = stage.arca("--yes", "--from", kind)
    assert code(result) == ExitCode.DONE, result.output
    assert f"{kind} {of}" in result.output
    (made,) = seen
    assert made["DBSubnetGroup"]["DBSubnetGroupName"] == "restored"
    groups = [one["VpcSecurityGroupId"] for one in made["VpcSecurityGroups"]]
    assert groups == [stage.outputs["prod"].network.security_group_ids["restored"]]
    off = ("DeletionProtection", "MultiAZ", "PubliclyAccessible", "BackupRetentionPeriod")
    assert [made.get(name) for name in off] == [False, False, False, 0]
    assert made["DBInstanceClass"] == "db.t4g.large"
    tags = {one["Key"]: one["Value"] for one in made["TagList"]}
    assert {**PURPOSE, "stack": "prod", "operator": OPERATOR, "restored-from": PRIMARY}.items() <= (
        tags.items()
    )
    assert "backup" not in tags
    left_alone(stage)
    assert outcomes(stage) == [("restore", "OK"), ("validate", "OK"), ("clean-up", "OK")]
    assert (record(stage).kind, record(stage).schema_after) == ("restore-test", "5e0a")
    names = [one.name for one in record(stage).invariants]
    assert names == ["the newest backup is new enough", *(name for name, _ in GOOD)]
    assert not list(
        stage.client("rds").describe_db_snapshots(DBInstanceIdentifier=NAME)["DBSnapshots"]
    )


def test_the_task_gets_the_address_and_the_moment(stage: RestoreStage) -> None:
    """It runs the migrations' family, which alone has the owner's credentials."""
    given = list[dict[str, Any]]()
    called = stage.called

    def watch(call: str, arguments: Any) -> None:
        if call.endswith("ecs.run_task"):
            given.append(dict(arguments))
        called(call, arguments)

    stage.called = watch  # type: ignore[method-assign]
    stage.arca("--yes")
    (asked,) = given
    assert ":task-definition/migrations:" in asked["taskDefinition"]
    (container,) = asked["overrides"]["containerOverrides"]
    assert container["command"][:2] == ["/app/migrate", "--check-restored"]
    variables = {one["name"]: one["value"] for one in container["environment"]}
    assert variables["RESTORED_ADDRESS"].startswith(NAME)
    assert variables["RESTORED_PORT"] == "5432"


def test_a_dry_run_changes_nothing(stage: RestoreStage) -> None:
    """It says what would be made, and what that costs."""
    result = stage.arca("--dry-run")
    assert "would: restore snapshot rds:arca-prod-2" in result.output
    assert "costs" in result.output
    assert writes(stage) == []
    said = json.loads(stage.arca("--dry-run", "--json").stdout)
    assert (said["dry_run"], len(said["plan"])) == (True, 3)
    assert not list(stage.records.glob("*.json"))


def test_it_asks_first(stage: RestoreStage) -> None:
    """Another answer than yes, or none, changes nothing."""
    assert code(stage.arca(answer="n\n")) != ExitCode.DONE
    assert isinstance(stage.arca(answer="").exception, NobodyAnswers)
    assert [call for call in stage.calls if "restore_" in call] == []
    assert code(stage.arca(answer="y\n")) == ExitCode.DONE


def test_a_bad_backup_is_deleted_too(stage: RestoreStage) -> None:
    """The exit code is 1, and the record has the broken rule."""
    stage.checks(BROKEN)
    result = stage.arca("--yes", "--json")
    assert code(result) == ExitCode.FAILED
    said = json.loads(result.stdout)
    assert said["verdict"]["reasons"] == [
        "invariant broken: numbers without gaps: saw numbers without gaps"
    ]
    left_alone(stage)


def test_a_check_that_does_not_end(stage: RestoreStage) -> None:
    """A task without a verdict proves nothing, whatever its exit code."""
    for code, said in ((1, "ended with 1"), (0, "said nothing"), (2, "does not know --check")):
        for old in stage.records.glob("*.json"):
            old.unlink()
        stage.checks(GOOD, code, done=False)
        assert said in error(stage).what
        assert outcomes(stage) == [("restore", "OK"), ("validate", "FAILED"), ("clean-up", "OK")]
        left_alone(stage)


@pytest.mark.parametrize("status", ["incompatible-restore", "failed", "storage-full"])
def test_a_restore_that_fails(stage: RestoreStage, status: str) -> None:
    """RDS gives it up: what is left of it is deleted at once."""
    stage.status = status
    found = error(stage)
    assert f"{NAME} is {status}" in found.what
    assert "describe-events" in found.do
    assert outcomes(stage) == [("restore", "FAILED"), ("clean-up", "OK")]
    left_alone(stage)


def test_a_restore_that_takes_too_long(stage: RestoreStage) -> None:
    """After its budget it is given up, and deleted as soon as RDS lets it be."""
    stage.status = "creating"
    assert "is creating" in error(stage).what
    left_alone(stage)


def test_progress_is_said(stage: RestoreStage) -> None:
    """Each new status is a line."""
    states = iter(["creating", "backing-up"])

    def state(call: str) -> None:
        if call.endswith("describe_db_instances") and NAME in stage.instances():
            stage.status = next(states, None)

    stage.before = state
    output = stage.arca("--yes").output
    assert f"{NAME} is creating" in output
    assert f"{NAME} is backing-up" in output


@pytest.mark.parametrize(
    ("call", "phases"),
    [
        ("restore_db_instance_from_db_snapshot", [("restore", "FAILED"), ("clean-up", "OK")]),
        ("run_task", [("restore", "OK"), ("validate", "FAILED"), ("clean-up", "OK")]),
    ],
)
def test_a_refused_permission(
    stage: RestoreStage, call: str, phases: list[tuple[str, str]]
) -> None:
    """The message names the call, and nothing is left."""

    def refuse(made: str) -> None:
        if made.endswith(call):
            raise denial(made)

    stage.before = refuse
    assert "AccessDenied" in error(stage).what
    assert outcomes(stage) == phases
    left_alone(stage)


def test_a_refused_deletion_is_the_error(stage: RestoreStage) -> None:
    """The instance stays, the record says so, and the next test removes it."""

    def refuse(made: str) -> None:
        if made.endswith("delete_db_instance"):
            raise denial(made)

    stage.before = refuse
    assert f"{NAME} cannot be deleted" in error(stage).what
    assert outcomes(stage)[-1] == ("clean-up", "FAILED")
    (left,) = record(stage).cleaned_up
    assert not left.gone
    stage.before = lambda _call: None
    result = stage.arca("--yes")
    assert f"removing {NAME}, which a test by {OPERATOR} left" in result.output
    left_alone(stage)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("call", ["rds.describe_db_instances", "ecs.describe_tasks"])
def test_an_interrupted_one_is_cleaned_up(
    stage: RestoreStage, call: str, number: signal.Signals
) -> None:
    """Ctrl-C and SIGTERM end it, and the instance goes; the record says INTERRUPTED."""
    pressed = list[str]()

    def press(made: str) -> None:
        if made.endswith(call) and NAME in stage.instances() and not pressed:
            pressed.append(made)
            os.kill(os.getpid(), number)

    stage.before = press
    stage.status = "creating" if call.startswith("rds") else None

    def settle(_call: str) -> None:
        if pressed:
            stage.status = None

    stage.after = settle
    # A shell ignores SIGINT for what it runs in the background, and that is inherited.
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        result = stage.arca("--yes")
    finally:
        signal.signal(signal.SIGINT, inherited)
    assert pressed
    assert code(result) != ExitCode.DONE
    assert "INTERRUPTED" in {outcome for _, outcome in outcomes(stage)}
    assert outcomes(stage)[-1] == ("clean-up", "OK")
    left_alone(stage)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def abandoned(stage: RestoreStage) -> str:
    """Leave an instance as a living test has it; returns the id of its run."""

    def refuse(made: str) -> None:
        if made.endswith(("run_task", "delete_db_instance")):
            raise denial(made)

    stage.before = refuse
    stage.arca("--yes")
    stage.before = lambda _call: None
    stage.calls.clear()
    for one in stage.records.glob("*.json"):
        one.unlink()
    return stage.tags()["run"]


def test_what_a_killed_one_left_is_removed(stage: RestoreStage) -> None:
    """A dry run says so, and the next test does it."""
    die(abandoned(stage))
    assert f"would: remove {NAME}" in stage.arca("--dry-run").output
    assert NAME in stage.instances()
    assert code(stage.arca("--yes")) == ExitCode.DONE
    assert [call for call in writes(stage) if "delete_db" in call] == [
        "sa-east-1 rds.delete_db_instance"
    ] * 2
    left_alone(stage)


def test_a_second_operator_is_refused(stage: RestoreStage) -> None:
    """While a test on another machine may run, nothing is touched; afterwards it is removed."""
    abandoned(stage)
    stage.tag(run="elsewhere", operator="berta")
    found = error(stage)
    assert isinstance(found, Refused)
    assert "by berta" in found.what
    assert [call for call in writes(stage) if "rds." in call] == []
    assert isinstance(stage.arca("--dry-run").exception, Refused)
    stage.cloud.advance(60 * 6)
    assert f"removing {NAME}, which a test by berta left" in stage.arca("--yes").output
    left_alone(stage)


def test_two_at_once(stage: RestoreStage) -> None:
    """The one that RDS refuses leaves the other's instance, and no record."""

    def overtake(made: str) -> None:
        if made.endswith("restore_db_instance_from_db_snapshot"):
            stage.before = lambda _call: None
            stage.client("rds").restore_db_instance_from_db_snapshot(
                DBSnapshotIdentifier="rds:arca-prod-1",
                DBInstanceIdentifier=NAME,
                Tags=[
                    {"Key": key, "Value": value}
                    for key, value in {
                        **PURPOSE,
                        "stack": "prod",
                        "run": "elsewhere",
                        "operator": "berta",
                        "until": "2099-01-01T00:00:00+00:00",
                    }.items()
                ],
            )

    stage.before = overtake
    assert isinstance(error(stage), Refused)
    assert stage.tags()["run"] == "elsewhere"
    assert not list(stage.records.glob("*.json"))


def test_an_instance_of_somebody_else(stage: RestoreStage) -> None:
    """It has the name and not the tags: nothing is done."""
    stage.client("rds").restore_db_instance_from_db_snapshot(
        DBSnapshotIdentifier="rds:arca-prod-1", DBInstanceIdentifier=NAME
    )
    found = error(stage)
    assert isinstance(found, Refused)
    assert "no restore test made" in found.what
    assert [call for call in writes(stage) if "rds." in call] == []


def test_no_backup_and_no_place(stage: RestoreStage) -> None:
    """What is missing is named before anything is made."""
    rds = stage.client("rds")
    for one in rds.describe_db_snapshots(SnapshotType="automated")["DBSnapshots"]:
        rds.delete_db_snapshot(DBSnapshotIdentifier=one["DBSnapshotIdentifier"])
    assert "no backup of the kind snapshot" in error(stage).what
    stage.export("prod", backups=None)
    assert "`backups.enabled`" in error(stage).wanted
    assert writes(stage) == []


def test_an_old_backup_fails(stage: RestoreStage) -> None:
    """What the newest backup lacks is lost with the database."""
    stage.age_snapshots(timedelta(hours=27))
    assert code(stage.arca("--yes")) == ExitCode.FAILED
    (first, *_) = record(stage).invariants
    assert (first.name, first.outcome) == ("the newest backup is new enough", "FAILED")
    assert first.seen.startswith("27 h 5 min old")
