"""The release commands as a person and as a program call them."""

import json
from typing import Any

import pytest
from click.testing import Result

from arca.errors import ArcaError, Refused
from arca.release.journal import Journal
from tests.arca.emulator.ecs.emulated_ecs import ALARMS
from tests.arca.release.stage import REPOSITORY, URL, Arca, Stage
from tests.arca.release.test_release import written


def told(result: Result) -> Any:
    """The JSON on stdout, which nothing else may be on."""
    return json.loads(result.stdout)


def test_deploy(stage: Stage, arca: Arca) -> None:
    """JSON on stdout, progress on stderr, the verdict's exit code."""
    result = arca("deploy", "2", "--json")
    assert result.exit_code == 0
    said = told(result)
    assert (said["verdict"], said["runs"], said["image"]) == (
        "live", said["task_definition"], f"{URL}:2",
    )  # fmt: skip # one comparison
    assert {check["name"] for check in said["checks"]} >= {"image", "scan", "in-flight", "alarms"}
    assert "PRODUCTION_TRAFFIC_SHIFT  production 10%" in result.stderr
    assert stage.serves() == ({"api:2"}, {"api:2"})


def test_a_failed_deploy_for_a_person(stage: Stage, arca: Arca) -> None:
    """Verdict, reasons, runbook."""
    stage.cloud.fault("exits", image=f"{URL}:2", code=9)
    result = arca("deploy", "2")
    assert result.exit_code == 3
    assert result.stdout.startswith("ROLLED BACK: ECS says ROLLBACK_SUCCESSFUL, and api:1 serves")
    assert "stopped:  api exited with 9: Essential container in task exited" in result.stdout
    assert "runbook:  docs/runbooks/deployment-rollback.md" in result.stdout


@pytest.mark.parametrize("closed", [False, True])
def test_deploy_dry_run(stage: Stage, arca: Arca, *, closed: bool) -> None:
    """The gates' answers, and not a single change."""
    if closed:
        stage.cloud.alarm("ALARM")
    result = arca("deploy", "2", "--dry-run", "--json")
    assert result.exit_code == (6 if closed else 0)
    assert told(result)["closed"] == (["alarms"] if closed else [])
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
    """Exit code 2, and no cloud is asked."""
    assert arca(*words).exit_code == 2
    assert stage.calls == []


def test_status_and_history(stage: Stage, arca: Arca) -> None:
    """Of a release that failed: what serves, the reasons, the alarms; then the list of both."""
    stage.cloud.fault("image-missing", image=f"{URL}:2")
    arca("deploy", "2", "--skip-migrations")
    found = told(arca("status", "--json"))
    assert (found["image"], found["revision"]) == (f"{URL}:1", "api:1")
    assert (found["running"], found["desired"], found["release"]) == (2, 2, None)
    assert found["deployment"]["status"] == "ROLLBACK_SUCCESSFUL"
    assert "CannotPullContainerError" in found["stop_reasons"][0]
    assert found["alarms"] == dict.fromkeys(ALARMS, "OK") or set(found["alarms"]) == {*ALARMS}
    person = arca("status").stdout
    assert "runs        api:1" in person
    assert "stopped     api: CannotPullContainerError" in person
    past = told(arca("history", "--json"))["deployments"]
    assert [(one["status"], one["image"]) for one in past] == [
        ("ROLLBACK_SUCCESSFUL", f"{URL}:2"),
        ("SUCCESSFUL", f"{URL}:1"),
    ]
    assert "ROLLBACK" in arca("history", "--last", "1").stdout


def test_status_while_somebody_releases(stage: Stage, arca: Arca) -> None:
    """Who, what and which step."""
    seen: list[Any] = []
    release = stage.release(watch=lambda _found: seen.append(told(arca("status", "--json"))))
    release.deploy("2")
    assert all(f"deploy of {URL}:2 by" in one["release"] for one in seen)
    assert {"api:1", "api:1 and api:2", "api:2"} >= {one["revision"] for one in seen}


def test_stop(stage: Stage, arca: Arca) -> None:
    """It asks; it rolls back; with nothing under way it says so."""
    assert told(arca("stop", "--json"))["under_way"] is None
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    assert arca("stop", answer="n\n").exit_code == 1
    assert stage.cloud.deployment()["status"] == "IN_PROGRESS"
    dry = told(arca("stop", "--dry-run", "--json"))
    assert dry["under_way"] == stage.cloud.deployment()["serviceDeploymentArn"]
    result = arca("stop", "--yes", "--json")
    assert (result.exit_code, told(result)["verdict"]) == (3, "rolled back")
    assert stage.serves()[0] == {"api:1"}


def test_stop_closes_a_dead_journal(stage: Stage, arca: Arca) -> None:
    """And never a living one's."""
    stage.release(watch=lambda _found: None, hold=True)
    Journal.begin(stage.stack, what="deploy", image="i", clock=stage.clock)
    assert isinstance(arca("stop").exception, Refused)
    stage.abandon()
    assert told(arca("stop", "--json"))["journal_closed"] is True
    assert stage.journal is None


def test_promote(stage: Stage, arca: Arca) -> None:
    """Only what waits goes on."""
    assert "No deployment waits" in str(arca("promote").exception)
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    assert arca("promote", "--dry-run").exit_code == 0
    stage.cloud.advance(5)
    assert stage.cloud.deployment()["lifecycleStage"] == "POST_TEST_TRAFFIC_SHIFT"
    assert told(arca("promote", "--json"))["promoted"]
    stage.cloud.advance(1)
    assert stage.cloud.deployment()["lifecycleStage"] == "PRODUCTION_TRAFFIC_SHIFT"


def test_diff(stage: Stage, arca: Arca) -> None:
    """What runs against what would; the template's latest comes along."""
    assert arca("diff").stdout == "No difference.\n"
    found = told(arca("diff", "2", "--json"))
    assert [one["path"] for one in found["differences"]] == ["containerDefinitions[api].image"]
    stage.cloud.register(f"{URL}:1", environment=[{"name": "STAGE", "value": "other"}])
    found = told(arca("diff", "--json"))
    assert found["template"] == "api:2"
    assert [one["right"] for one in found["differences"]] == ["other"]


def test_diff_against_an_image_that_nobody_pushed(stage: Stage, arca: Arca) -> None:
    """No deployment could run it: nothing to compare with."""
    result = arca("diff", "9999")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{URL}:9999 is not in the registry" in str(result.exception)
    assert "is not an image of this stack" in str(arca("diff", "other/api:2").exception)
    # What runs already is not looked up: it may have left the registry.
    stage.client("ecr").batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "1"}])
    assert arca("diff").stdout == "No difference.\n"


def test_a_refusal_is_json_too(stage: Stage, arca: Arca) -> None:
    """Whoever holds the journal is named on stdout, for a program."""
    Journal.begin(stage.stack, what="deploy", image="i", clock=stage.clock)
    result = arca("deploy", "2", "--json")
    said = told(result)["error"]
    assert (said["exit_code"], isinstance(result.exception, Refused)) == (6, True)
    assert "Somebody else releases to prod" in said["what"]
    assert arca("deploy", "2").stdout == ""


def test_verify(stage: Stage, arca: Arca) -> None:
    """A tree; 1 where something is missing."""
    result = arca("verify")
    assert result.exit_code == 0
    assert f"OK      log group {stage.stack.outputs.service.log_group}" in result.stdout
    stage.client("logs").delete_log_group(logGroupName=stage.stack.outputs.service.log_group)
    result = arca("verify", "--json")
    assert result.exit_code == 1
    assert told(result)["failed"] == [f"log group {stage.stack.outputs.service.log_group}"]


def test_scale(stage: Stage, arca: Arca) -> None:
    """Dry first; a stack without a range gets the number."""
    assert told(arca("scale", "--min", "4", "--dry-run", "--json"))["tasks_after"] == 4
    assert stage.cloud.service()["desiredCount"] == 2
    arca("scale", "--min", "4")
    assert stage.cloud.service()["desiredCount"] == 4
    stage.cloud.advance(1)
    assert stage.cloud.service()["runningCount"] == 4


@pytest.mark.parametrize("code", [0, 7])
def test_run_has_the_containers_exit_code(stage: Stage, arca: Arca, code: int) -> None:
    """A real process on this machine; its words on stdout, its code ours."""
    command = ["sh", "-c", f'echo "ran $2"; exit {code}', "sh"]
    stage.cloud.control("PUT", "/arca/images", {"image": f"{URL}:1", "command": command})
    result = arca("run", "--", "/app/job", "now")
    assert result.exit_code == code
    assert result.stdout == "ran now\n"
    said = told(arca("run", "--json", "--", "/app/job", "now"))
    assert (said["exit_code"], said["lines"]) == (code, ["ran now"])


def test_run_of_an_image_that_cannot_be_pulled(stage: Stage, arca: Arca) -> None:
    """No exit code is not zero."""
    stage.cloud.fault("image-missing", image=f"{URL}:1")
    result = arca("run", "--", "/app/job")
    assert result.exit_code == 1
    assert "It never ran: CannotPullContainerError" in result.stderr


def test_exec_is_refused_in_the_emulated_cloud(arca: Arca) -> None:
    """With what to do instead."""
    result = arca("exec")
    assert isinstance(result.exception, Refused)
    assert "arca run -- CMD" in str(result.exception)


def test_migrate(stage: Stage, arca: Arca) -> None:
    """The image's own runner, with the phases that were asked for."""
    command = ["sh", "-c", 'echo "$@"', "sh"]
    stage.cloud.control("PUT", "/arca/images", {"image": f"{URL}:2", "command": command})
    assert arca("migrate", "--image", "2", "--dry-run").exit_code == 0
    assert "ecs.run_task" not in stage.calls
    said = told(arca("migrate", "--image", "2", "--phase", "expand", "--json"))
    assert said["lines"] == ["/app/migrate --phases expand --release 2"]


def test_a_contract_waits(stage: Stage, arca: Arca) -> None:
    """Until what runs has been live for a day, or for what --wait says."""
    refused = arca("migrate", "--phase", "contract")
    assert isinstance(refused.exception, Refused)
    assert "a rollback must stay possible for 24 hours" in str(refused.exception)
    stage.cloud.advance(24 * 60 + 1)
    assert arca("migrate", "--phase", "contract").exit_code == 0


def test_a_stack_without_a_service(stage: Stage, arca: Arca) -> None:
    """Each command says which service is missing, and what to do."""
    stage.client("ecs").delete_service(cluster="arca-test", service="api", force=True)
    for words in (("status",), ("history",), ("diff",), ("scale", "--min", "1")):
        error = arca(*words).exception
        assert isinstance(error, ArcaError), words
