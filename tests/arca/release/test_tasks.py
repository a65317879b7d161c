"""One-off tasks: what would run, and what becomes of one that does not end."""

from typing import Any

from arca.errors import ArcaError
from tests.arca.emulator.ecs.emulated_ecs import CLUSTER
from tests.arca.release.stage import URL, Arca, Stage
from tests.arca.release.test_commands import told


def stopped(stage: Stage) -> list[Any]:
    """The cluster's tasks that are of no service and have ended."""
    ecs = stage.client("ecs")
    arns = ecs.list_tasks(cluster=CLUSTER, desiredStatus="STOPPED")["taskArns"]
    found: list[Any] = ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []
    return [one for one in found if one["startedBy"] == "arca"]


def sleeps(stage: Stage) -> None:
    """Have the image's one-off tasks never end."""
    words = ["sh", "-c", "echo begun; exec sleep 600", "sh"]
    stage.cloud.control("PUT", "/arca/images", {"image": f"{URL}:1", "command": words})


def test_a_dry_run_says_what_would_run(stage: Stage, arca: Arca) -> None:
    """On stdout, for a person and for a program; nothing runs."""
    words = ("run", "--dry-run")
    said = arca(*words, "--", "/app/job", "a b").stdout
    assert said == "Would run in a new task of api:1: /app/job 'a b'\n"
    found = told(arca(*words, "--json", "--", "/app/job", "a b"))
    assert (found["dry_run"], found["task_definition"]) == (True, "api:1")
    assert found["command"] == ["/app/job", "a b"]
    assert "ecs.run_task" not in stage.calls


def test_one_that_does_not_end_in_time_is_stopped(stage: Stage, arca: Arca) -> None:
    """Said, with its last lines above; it does not run on and cost money."""
    sleeps(stage)
    result = arca("run", "--timeout", "10m", "--", "/app/job")
    assert isinstance(result.exception, ArcaError)
    assert "The task did not end within 0:10:00; it was stopped." in str(result.exception)
    (task,) = stopped(stage)
    assert (task["lastStatus"], task["stoppedReason"].split(" (")[0]) == (
        "STOPPED", "stopped by arca",
    )  # fmt: skip # one comparison


def test_ctrl_c_stops_it(stage: Stage, arca: Arca) -> None:
    """As `arca run --help` says."""
    sleeps(stage)

    def press(call: str) -> None:
        if call == "ecs.describe_tasks":
            raise KeyboardInterrupt

    stage.before = press
    arca("run", "--", "/app/job")
    stage.before = lambda _call: None
    stage.cloud.advance(5)
    assert [task["lastStatus"] for task in stopped(stage)] == ["STOPPED"]
