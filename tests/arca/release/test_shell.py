"""`arca exec`: where a shell is refused, and which task it opens in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from arca.errors import ArcaError, Refused
from arca.release.service import EcsService
from arca.release.shell import shell_command
from arca.stack import Stack
from tests.arca.release.stage import Arca, Stage

BEGAN = datetime(2026, 11, 24, tzinfo=UTC)


def on_aws(stage: Stage) -> Stack:
    """Return the stack as if it were on AWS; its clients are the test's own."""
    return replace(stage.stack, endpoint=None)


def allow(stage: Stage, monkeypatch: pytest.MonkeyPatch, *tasks: dict[str, Any]) -> None:
    """Have the service allow shells, and run these tasks."""
    described = {**stage.cloud.service(), "enableExecuteCommand": True}

    def describe(_service: EcsService) -> dict[str, Any]:
        return described

    def running(_service: EcsService) -> list[dict[str, Any]]:
        return list(tasks)

    monkeypatch.setattr(EcsService, "describe", describe)
    monkeypatch.setattr(EcsService, "tasks", running)


def task(name: str, **more: Any) -> dict[str, Any]:
    """Return a task as ECS describes it."""
    return {"taskArn": f"arn:aws:ecs:sa-east-1:1:task/arca-test/{name}", **more}


@pytest.mark.parametrize("emulated", [False, True])
def test_refused_where_shells_are_not_allowed(stage: Stage, *, emulated: bool) -> None:
    """A shell is refused in the emulated cloud, and where the stack forbids it."""
    stack = stage.stack if emulated else on_aws(stage)
    with pytest.raises(Refused) as refused:
        shell_command(stack, task=None, words=["sh"])
    said = "no shell to open" if emulated else "enableExecuteCommand is false"
    assert said in str(refused.value)
    assert "arca run --stack prod -- CMD" in refused.value.do
    assert refused.value.exit_code == 6


@pytest.mark.parametrize("words", [(), ("--dry-run",), ("--", "id")])
def test_the_command_refuses_before_it_runs_anything(arca: Arca, words: tuple[str, ...]) -> None:
    """`arca exec` is refused before it runs anything, also with --dry-run."""
    assert isinstance(arca("exec", *words).exception, Refused)


def test_the_newest_task_is_taken(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task that started last is taken, unless another is named."""
    minute = timedelta(minutes=1)
    allow(
        stage,
        monkeypatch,
        task("middle", startedAt=BEGAN + minute),
        task("newest", startedAt=BEGAN + 2 * minute),
        task("oldest", startedAt=BEGAN),
        task("pending"),
    )
    words = shell_command(on_aws(stage), task=None, words=["sh", "-c", "echo a b"])
    assert words[words.index("--task") + 1] == "newest"
    assert words[-1] == "sh -c 'echo a b'"
    assert words[:3] == ["aws", "ecs", "execute-command"]
    named = shell_command(on_aws(stage), task="oldest", words=["sh"])
    assert named[named.index("--task") + 1] == "oldest"


def test_a_task_that_does_not_run(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that does not run is refused, with those that do."""
    allow(stage, monkeypatch, task("one", startedAt=BEGAN))
    with pytest.raises(ArcaError, match="There is no running task two") as error:
        shell_command(on_aws(stage), task="two", words=["sh"])
    assert error.value.wanted == "one of one"
    allow(stage, monkeypatch)
    with pytest.raises(ArcaError, match=r"There is no running task\.") as error:
        shell_command(on_aws(stage), task=None, words=["sh"])
    assert error.value.wanted == "one of none that runs"


def test_exec_is_refused_in_the_emulated_cloud(arca: Arca) -> None:
    """The refusal says what to do instead."""
    result = arca("exec")
    assert isinstance(result.exception, Refused)
    assert "arca run --stack prod -- CMD" in str(result.exception)
