"""The release commands as a person and as a program call them."""

from pathlib import Path
from typing import NoReturn

import pytest

from arca import checkout
from arca.cli import release_output
from arca.errors import ArcaError
from tests.arca.release.stage import URL, Arca, Stage, printed_json, written


def test_deploy(stage: Stage, arca: Arca) -> None:
    """`arca deploy` prints JSON on stdout, progress on stderr, and ends with its verdict's code."""
    result = arca("deploy", "2", "--json")
    assert result.exit_code == 0
    said = printed_json(result)
    assert (said["verdict"], said["runs"], said["image"]) == (
        "live",
        said["task_definition"],
        f"{URL}:2",
    )
    assert {check["name"] for check in said["checks"]} >= {"image", "scan", "in-flight", "alarms"}
    assert "PRODUCTION_TRAFFIC_SHIFT  production 10%" in result.stderr
    assert stage.serves() == ({"api:2"}, {"api:2"})


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the runbooks' pages, in a checkout where none is written."""
    monkeypatch.setattr(checkout, "root", lambda: tmp_path)
    folder = tmp_path / "docs" / "runbooks"
    folder.mkdir(parents=True)
    return folder


def test_a_failed_deploy_for_a_person(stage: Stage, arca: Arca, pages: Path) -> None:
    """A failed release prints its verdict, reasons and runbook."""
    (pages / "deployment-rollback.md").touch()
    stage.cloud.fault("exits", image=f"{URL}:2", code=9)
    result = arca("deploy", "2")
    assert result.exit_code == 3
    assert result.stdout.startswith("ROLLED BACK: ECS says ROLLBACK_SUCCESSFUL, and api:1 serves")
    assert "stopped:  api exited with 9: Essential container in task exited" in result.stdout
    assert "runbook:  docs/runbooks/deployment-rollback.md" in result.stdout


@pytest.mark.parametrize(
    ("command", "of", "page"),
    [
        ("deploy 2", "service", "deployment-rollback.md"),
        ("deploy 2", "run-task", "database-migration-failure.md"),
        ("migrate --image 2", "run-task", "database-migration-failure.md"),
    ],
)
def test_only_a_page_that_is_written_is_named(
    stage: Stage, arca: Arca, pages: Path, *, command: str, of: str, page: str
) -> None:
    """A failure names its runbook's page where the checkout has it, and else no page."""
    stage.cloud.fault("exits", image=f"{URL}:2", code=9, of=of)
    words = command.split()
    before = arca(*words)
    assert before.exit_code != 0
    assert "runbook" not in before.stdout
    (pages / page).touch()
    assert f"  runbook:  docs/runbooks/{page}\n" in arca(*words).stdout


def test_without_a_checkout_no_page_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict is printed all the same."""

    def refuse() -> NoReturn:
        raise ArcaError("a", where="b", wanted="c", do="d")

    monkeypatch.setattr(checkout, "root", refuse)
    assert release_output.runbook_lines("docs/runbooks/deployment-rollback.md") == []


@pytest.mark.parametrize("closed", [False, True])
def test_deploy_dry_run(stage: Stage, arca: Arca, *, closed: bool) -> None:
    """A dry run prints the gates' answers and changes nothing."""
    if closed:
        stage.cloud.alarm("ALARM")
    result = arca("deploy", "2", "--dry-run", "--json")
    assert result.exit_code == (6 if closed else 0)
    assert printed_json(result)["closed"] == (["alarms"] if closed else [])
    assert written(stage) == []
    assert not [call for call in stage.calls if call.startswith("ssm.put")]
    person = arca("deploy", "2", "--dry-run")
    assert ("Would be refused: alarms" if closed else "Would be deployed.") in person.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("deploy",),
        ("deploy", "2", "--resume"),
        ("deploy", "2", "--override", "scan"),
        ("deploy", "2", "--override", "in-flight", "--reason", "r"),
        ("deploy", "2", "--timeout", "soon"),
        ("rollback", "--contract-ran"),
        ("scale",),
        ("run",),
        ("migrate", "--plan"),
        ("migrate", "--phase", "all"),
        ("history", "--last", "0"),
    ],
)
def test_wrong_usage(stage: Stage, arca: Arca, words: tuple[str, ...]) -> None:
    """Wrong usage ends with exit code 2 before any cloud is asked."""
    assert arca(*words).exit_code == 2
    assert stage.calls == []


def test_verify(stage: Stage, arca: Arca) -> None:
    """`arca verify` prints each reference, and ends with 1 where one is missing."""
    result = arca("verify")
    assert result.exit_code == 0
    assert f"OK      log group {stage.stack.outputs.service.log_group}" in result.stdout
    stage.client("logs").delete_log_group(logGroupName=stage.stack.outputs.service.log_group)
    result = arca("verify", "--json")
    assert result.exit_code == 1
    assert printed_json(result)["failed"] == [f"log group {stage.stack.outputs.service.log_group}"]


def test_a_stack_without_a_service(stage: Stage, arca: Arca) -> None:
    """Each command says which service is missing and what to do."""
    stage.client("ecs").delete_service(cluster="arca-test", service="api", force=True)
    for words in (("status",), ("history",), ("diff",), ("scale", "--min", "1")):
        error = arca(*words).exception
        assert isinstance(error, ArcaError), words
