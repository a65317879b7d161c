"""One-off tasks and `arca run`: what runs, its exit code, and a task that does not end."""

from typing import Any

import pytest

from arca.errors import ArcaError
from tests.arca.emulator.ecs.emulated_ecs import CLUSTER
from tests.arca.release.stage import URL, Arca, Stage, printed_json


def stopped(stage: Stage) -> list[Any]:
    """Return the one-off tasks of the cluster that have ended."""
    ecs = stage.client("ecs")
    arns = ecs.list_tasks(cluster=CLUSTER, desiredStatus="STOPPED")["taskArns"]
    found: list[Any] = ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"] if arns else []
    return [one for one in found if one["startedBy"] == "arca"]


def sleeps(stage: Stage) -> None:
    """Have the image's one-off tasks never end."""
    words = ["sh", "-c", "echo begun; exec sleep 600", "sh"]
    stage.cloud.control("PUT", "/arca/images", {"image": f"{URL}:1", "command": words})


def test_a_dry_run_says_what_would_run(stage: Stage, arca: Arca) -> None:
    """A dry run prints what would run, and runs nothing."""
    words = ("run", "--dry-run")
    said = arca(*words, "--", "/app/job", "a b").stdout
    assert said == "Would run in a new task of api:1: /app/job 'a b'\n"
    found = printed_json(arca(*words, "--json", "--", "/app/job", "a b"))
    assert (found["dry_run"], found["task_definition"]) == (True, "api:1")
    assert found["command"] == ["/app/job", "a b"]
    assert "ecs.run_task" not in stage.calls


def test_one_that_does_not_end_in_time_is_stopped(stage: Stage, arca: Arca) -> None:
    """A task that outlasts the timeout is stopped."""
    sleeps(stage)
    result = arca("run", "--timeout", "10m", "--", "/app/job")
    assert isinstance(result.exception, ArcaError)
    assert "The task did not end within 10 minutes; it was stopped." in str(result.exception)
    (task,) = stopped(stage)
    assert (task["lastStatus"], task["stoppedReason"].split(" (")[0]) == (
        "STOPPED",
        "stopped by arca",
    )


def test_ctrl_c_stops_it(stage: Stage, arca: Arca) -> None:
    """Ctrl-C stops the task."""
    sleeps(stage)

    def press(call: str) -> None:
        if call == "ecs.describe_tasks":
            raise KeyboardInterrupt

    stage.before = press
    arca("run", "--", "/app/job")
    stage.before = lambda _call: None
    stage.cloud.advance(5)
    assert [task["lastStatus"] for task in stopped(stage)] == ["STOPPED"]


@pytest.mark.parametrize("code", [0, 7])
def test_run_has_the_containers_exit_code(stage: Stage, arca: Arca, code: int) -> None:
    """`arca run` prints the container's lines and ends with its exit code."""
    command = ["sh", "-c", f'echo "ran $2"; exit {code}', "sh"]
    stage.cloud.control("PUT", "/arca/images", {"image": f"{URL}:1", "command": command})
    result = arca("run", "--", "/app/job", "now")
    assert result.exit_code == code
    assert result.stdout == "ran now\n"
    said = printed_json(arca("run", "--json", "--", "/app/job", "now"))
    assert (said["exit_code"], said["lines"]) == (code, ["ran now"])


def test_run_of_an_image_that_cannot_be_pulled(stage: Stage, arca: Arca) -> None:
    """A container that never ran has no exit code, and the command fails."""
    stage.cloud.fault("image-missing", image=f"{URL}:1")
    result = arca("run", "--", "/app/job")
    assert result.exit_code == 1
    assert "It never ran: CannotPullContainerError" in result.stderr
