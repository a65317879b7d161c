"""The bootstrap's stack in each of its states, and deployments that fail or take long."""

import pytest

from arca.bootstrap import stack
from arca.errors import ArcaError, Refused
from tests.arca.bootstrap.accounts import RESOURCES, EmulatedAccount, all_are
from tests.arca.bootstrap.scripted import ScriptedCloudFormation, change

NAMED = "--stack-name arca-bootstrap --region us-east-1"
EVERY_STATUS = (
    "CREATE_IN_PROGRESS",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "IMPORT_ROLLBACK_IN_PROGRESS",
    "DELETE_IN_PROGRESS",
)


@pytest.mark.parametrize("how", ["--yes", "--dry-run"])
@pytest.mark.parametrize("status", EVERY_STATUS)
def test_a_stack_that_somebody_changes_is_refused(
    aws: EmulatedAccount, scripted: ScriptedCloudFormation, status: str, how: str
) -> None:
    """Wait for its end."""
    scripted.status = status
    result = aws.run(how)
    assert isinstance(result.exception, Refused)
    assert f"arca-bootstrap is {status}" in result.exception.what
    assert f"aws cloudformation describe-stacks {NAMED}" in result.exception.do
    assert scripted.called("CreateChangeSet") == []


@pytest.mark.parametrize("how", ["--yes", "--dry-run"])
@pytest.mark.parametrize(
    ("status", "command"),
    [
        ("ROLLBACK_COMPLETE", "delete-stack"),
        ("ROLLBACK_FAILED", "delete-stack"),
        ("CREATE_FAILED", "delete-stack"),
        ("DELETE_FAILED", "delete-stack"),
        ("IMPORT_ROLLBACK_COMPLETE", "delete-stack"),
        ("IMPORT_ROLLBACK_FAILED", "delete-stack"),
        ("UPDATE_FAILED", "delete-stack"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
    ],
)
def test_a_stack_that_failed_says_the_way_out(
    aws: EmulatedAccount, scripted: ScriptedCloudFormation, status: str, command: str, how: str
) -> None:
    """A command to paste; the state stays with each of them."""
    scripted.status = status
    result = aws.run(how)
    assert isinstance(result.exception, ArcaError)
    assert f"arca-bootstrap is {status}" in result.exception.what
    assert f"aws cloudformation {command} {NAMED}" in result.exception.do
    assert scripted.called("CreateChangeSet") == []


@pytest.mark.parametrize("status", sorted(stack.USABLE))
def test_a_stack_that_ended_well_is_updated(
    aws: EmulatedAccount, scripted: ScriptedCloudFormation, status: str
) -> None:
    """One that was imported shows no version yet."""
    scripted.status, scripted.version = status, None
    scripted.resources = {name: f"{name}-1" for name in RESOURCES}
    scripted.changes = [[]]
    assert aws.outcomes() == all_are("already there")


def test_an_empty_stack_is_no_stack(aws: EmulatedAccount, scripted: ScriptedCloudFormation) -> None:
    """A run that was interrupted at the question has left it."""
    scripted.status = "REVIEW_IN_PROGRESS"
    scripted.changes = [[change(name, "Add") for name in RESOURCES]]
    assert aws.outcomes() == all_are("created")
    (call,) = scripted.called("CreateChangeSet")
    assert (call["ChangeSetType"], call["OnStackFailure"]) == ("CREATE", "DELETE")


def test_progress_is_told(aws: EmulatedAccount, scripted: ScriptedCloudFormation) -> None:
    """On stderr, each event once; stdout stays the table's."""
    scripted.waits = 3
    scripted.changes = [[change(name, "Add") for name in RESOURCES]]
    result = aws.run("--yes")
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    assert lines[-8:] == [
        "arca-bootstrap CREATE_IN_PROGRESS",
        *(f"{name} CREATE_COMPLETE" for name in RESOURCES),
        "arca-bootstrap CREATE_COMPLETE",
    ]
    assert lines.count("arca-bootstrap CREATE_IN_PROGRESS") == 1
    assert "CREATE_COMPLETE" not in result.stdout


@pytest.mark.parametrize(
    "ended", ["ROLLBACK_COMPLETE", "DELETE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]
)
def test_a_deployment_that_fails_says_why(
    aws: EmulatedAccount, scripted: ScriptedCloudFormation, ended: str
) -> None:
    """With each resource's reason, and the command for all events."""
    scripted.failure = ended
    scripted.changes = [[change("StateKey", "Add"), change("Boundary", "Add")]]
    result = aws.run("--yes")
    assert isinstance(result.exception, ArcaError)
    assert f"ended as {ended}" in result.exception.what
    assert "StateKey CREATE_FAILED (StateKey cannot be made)" in result.exception.what
    assert "Boundary CREATE_FAILED" in result.exception.what
    assert "aws cloudformation describe-stack-events --stack-name arn:" in result.exception.do


def test_a_change_set_that_is_refused_says_why(
    aws: EmulatedAccount, scripted: ScriptedCloudFormation
) -> None:
    """It is deleted, with the empty stack."""
    scripted.refusal = "Some reason of CloudFormation's"
    scripted.changes = [[change("StateKey", "Add")]]
    result = aws.run("--yes")
    assert isinstance(result.exception, ArcaError)
    assert "refuses the change set: Some reason of CloudFormation's" in result.exception.what
    assert len(scripted.called("DeleteChangeSet")) == len(scripted.called("DeleteStack")) == 1


def test_a_deployment_without_an_end_is_said(
    aws: EmulatedAccount, scripted: ScriptedCloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on at AWS, and can be looked at."""
    monkeypatch.setattr(stack, "MAX_POLLS", 5)
    scripted.changes = [[change("StateKey", "Add")]]
    scripted.waits = 5
    result = aws.run("--yes")
    assert isinstance(result.exception, ArcaError)
    assert "is still CREATE_IN_PROGRESS" in result.exception.what
    assert "describe-stack-events" in result.exception.do
