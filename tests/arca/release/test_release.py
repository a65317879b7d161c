"""A release from its gates to its verdict, in every strategy; and what closes its gates."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from arca.errors import ArcaError
from arca.release import gates, tasks
from arca.release.verdict import Verdict
from arca.stack import Stack
from tests.arca.emulator.ecs.emulated_ecs import ALARMS, GROUP, ended
from tests.arca.release.stage import REPOSITORY, URL, Stage

STRATEGIES = ("ROLLING", "BLUE_GREEN", "LINEAR", "CANARY")
WRITES = ("register_", "run_", "update_", "continue_", "stop_", "create_", "modify_")


def written(stage: Stage) -> list[str]:
    """What a command changed, the journal apart."""
    return [call for call in stage.calls if call.partition(".")[2].startswith(WRITES)]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_good_release(monkeypatch: pytest.MonkeyPatch, strategy: str) -> None:
    """It ends live, it is what runs, and the journal is free for the next one."""
    stage = Stage(monkeypatch, strategy=strategy)
    image = stage.push("2")
    shares: list[float | None] = []
    release = stage.release(watch=lambda found: shares.append(found.target.production_percent))
    outcome = release.deploy("2")
    assert (outcome.verdict, outcome.exit_code) == (Verdict.LIVE, 0)
    assert outcome.image == image
    assert outcome.runs == outcome.task_definition
    assert stage.serves() == ({"api:2"}, {"api:2"})
    assert outcome.reason.endswith("Service deployment completed. (simulated)")
    assert stage.journal is None
    if strategy == "CANARY":
        assert {10.0, 100.0} <= {*shares}


def test_the_order_of_a_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrations before the deployment, smoke tests at the pause before its answer."""
    stage = Stage(monkeypatch)
    stage.push("2")
    stage.release().deploy("2")
    assert written(stage) == [
        "ecs.register_task_definition",
        "ecs.register_task_definition",
        "ecs.run_task",
        "ecs.update_service",
        "ecs.run_task",
        "ecs.continue_service_deployment",
    ]
    assert "migrations:2: /app/migrate --phases expand,migrate --release 2" in stage.said


def test_the_same_image_again_is_deployed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """New tasks of the revision that runs."""
    stage = Stage(monkeypatch)
    before = {task["taskArn"] for task in stage.cloud.tasks()}
    outcome = stage.release().deploy("1")
    # ECS itself says which revision came first; both run the same definition.
    assert outcome.verdict is Verdict.LIVE
    assert not before & {task["taskArn"] for task in stage.cloud.tasks()}


def scan_lost(stage: Stage) -> None:
    """An image that nobody scanned."""
    image_gone(stage)
    stage.push("2", scanned=False)


def image_gone(stage: Stage) -> None:
    """An image that was never pushed."""
    stage.client("ecr").batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "2"}])


def group_gone(stage: Stage) -> None:
    """The task's log group."""
    stage.client("logs").delete_log_group(logGroupName=GROUP)


def in_flight(stage: Stage) -> None:
    """Somebody deploys by hand."""
    stage.cloud.deploy("registry/api:9")


def firing(stage: Stage) -> None:
    """A watched alarm."""
    stage.cloud.alarm("ALARM")


def alarm_gone(stage: Stage) -> None:
    """The other watched alarm."""
    stage.client("cloudwatch").delete_alarms(AlarmNames=[ALARMS[1]])


CLOSED = [
    ("image", image_gone, "is not in the registry"),
    ("scan", scan_lost, "never scanned"),
    ("references", group_gone, GROUP),
    ("in-flight", in_flight, "is PENDING"),
    ("alarms", firing, f"nobody would watch: ['{ALARMS[0]}']"),
    ("alarms", alarm_gone, f"there is no alarm {ALARMS[1]}"),
]


@pytest.mark.parametrize(("gate", "breaks", "said"), CLOSED)
def test_a_closed_gate_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, gate: str, breaks: Any, said: str
) -> None:
    """Refused, exit code 6, with the gate and the reason; nothing was written."""
    stage = Stage(monkeypatch)
    stage.push("2")
    breaks(stage)
    outcome = stage.release().deploy("2")
    assert (outcome.verdict, outcome.exit_code) == (Verdict.REFUSED, 6)
    assert said in outcome.reason
    failed = [check["name"] for check in outcome.checks if check["verdict"] == "FAILED"]
    assert failed == ([f"log group {GROUP}"] if gate == "references" else [gate])
    assert written(stage) == []
    assert stage.journal is None


@pytest.mark.parametrize("gate", ["alarms", "scan"])
def test_a_gate_opened_by_hand(monkeypatch: pytest.MonkeyPatch, gate: str) -> None:
    """With its reason on the record; the release goes on."""
    stage = Stage(monkeypatch)
    stage.push("2")
    if gate == "alarms":
        stage.cloud.alarm("ALARM")
    else:
        scan_lost(stage)
    outcome = stage.release(override=(gate,), reason="it is the repair").deploy("2")
    assert outcome.verdict is Verdict.LIVE
    assert any(
        line.startswith(f"gate {gate} opened by hand (it is the repair)") for line in stage.said
    )


def test_a_used_up_budget_closes_its_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the objectives say is asked for real."""
    stage = Stage(monkeypatch)
    stage.push("2")
    exhausted = SimpleNamespace(title="API errors", consumed_percent=130.0)

    def status(_stack: Stack, *, now: datetime) -> list[SimpleNamespace]:
        return [exhausted] if now else []

    monkeypatch.setattr(gates, "status", status)
    outcome = stage.release().deploy("2")
    assert outcome.exit_code == 6
    assert "used up: API errors" in outcome.reason
    assert stage.release(override=("budget",), reason="r").deploy("2").exit_code == 0


@pytest.mark.parametrize("image", ["other/api:2", "docker.io/library/nginx:1", "a b", ""])
def test_an_image_of_somewhere_else(monkeypatch: pytest.MonkeyPatch, image: str) -> None:
    """One clear error, and not even a journal."""
    stage = Stage(monkeypatch)
    with pytest.raises(ArcaError, match="is not an image of this stack"):
        stage.release().deploy(image)
    assert stage.calls == []


@pytest.mark.parametrize("name", ["2", f"{URL}:2"])
def test_names_of_an_image(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A tag, or the whole reference."""
    stage = Stage(monkeypatch)
    stage.push("2")
    assert stage.release(migrate=False).deploy(name).image == f"{URL}:2"


def test_a_held_release_waits_for_its_promotion(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays at the pause; nobody's answer within the time of the pause rolls it back."""
    stage = Stage(monkeypatch)
    stage.push("2")
    outcome = stage.release(hold=True).deploy("2")
    assert outcome.exit_code == 3
    assert "The pause at POST_TEST_TRAFFIC_SHIFT timed out." in outcome.reason
    assert stage.serves() == ({"api:1"}, {"api:1"})


def promoted_meanwhile(stage: Stage, *, run_task: int, to_the_end: bool = False) -> None:
    """Have somebody answer the pause once that many one-off tasks were started."""

    def promote(call: str) -> None:
        if call == "ecs.run_task" and stage.calls.count(call) == run_task:
            stage.after = lambda _call: None
            found = stage.cloud.deployment()
            stage.client("ecs").continue_service_deployment(
                serviceDeploymentArn=found["serviceDeploymentArn"],
                hookId=found["lifecycleHookDetails"][0]["hookId"],
            )
            if to_the_end:
                stage.cloud.until(ended)

    stage.after = promote


def test_a_pause_that_somebody_else_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Smoke tests take their time; the answer of a person before their end counts."""
    stage = Stage(monkeypatch)
    stage.push("2")
    promoted_meanwhile(stage, run_task=2)
    assert stage.release().deploy("2").verdict is Verdict.LIVE
    assert "ecs.continue_service_deployment" not in stage.calls


def test_a_pause_that_somebody_answered_before_the_smoke_tests_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What they found still counts: the release is rolled back."""
    stage = Stage(monkeypatch)
    stage.cloud.fault("exits", image=stage.push("2"), of="run-task", code=1)
    promoted_meanwhile(stage, run_task=1)
    outcome = stage.release(migrate=False).deploy("2")
    assert outcome.verdict is Verdict.ROLLED_BACK
    assert "stopped because smoke tests on the test listener ended with 1" in outcome.reason
    assert stage.serves() == ({"api:1"}, {"api:1"})


def test_a_task_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """ECS forgets stopped tasks: nobody knows how the smoke tests ended, so the release ends."""
    stage = Stage(monkeypatch)
    stage.push("2")

    def nothing(_self: tasks.OneOffTask, _arn: str) -> None:
        return

    monkeypatch.setattr(tasks.OneOffTask, "_describe", nothing)
    monkeypatch.setattr(tasks, "MOST_MISSED_LOOKS", 2)
    outcome = stage.release(migrate=False).deploy("2")
    assert outcome.verdict is Verdict.ROLLED_BACK
    assert "could not be run: The task is gone, and nobody saw how it ended" in outcome.reason
    assert not any("may still run" in line for line in stage.said)


def test_smoke_tests_that_fail_when_all_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs stays, for nothing is under way any more; and it is no success."""
    stage = Stage(monkeypatch)
    stage.cloud.fault("exits", image=stage.push("2"), of="run-task", code=1)
    promoted_meanwhile(stage, run_task=1, to_the_end=True)
    outcome = stage.release(migrate=False).deploy("2")
    assert outcome.verdict is Verdict.FAILED
    assert "it is live all the same, and smoke tests on the test listener" in outcome.reason
    assert stage.serves() == ({"api:2"}, {"api:2"})
