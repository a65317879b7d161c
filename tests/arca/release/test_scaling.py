"""`arca scale`: the range of autoscaling, or the number of tasks where there is none."""

from collections.abc import Iterator
from typing import Any

import pytest

from arca.cli.questions import NobodyAnswers
from arca.errors import ArcaError
from tests.arca.emulator.ecs.emulated_ecs import CLUSTER, SERVICE
from tests.arca.release.stage import Arca, Stage, printed_json

TARGET = {
    "ServiceNamespace": "ecs",
    "ResourceId": f"service/{CLUSTER}/{SERVICE}",
    "ScalableDimension": "ecs:service:DesiredCount",
}


@pytest.fixture
def scaled(stage: Stage) -> Iterator[Stage]:
    """A stack with autoscaling between two and six tasks."""
    scaling = stage.client("application-autoscaling")
    scaling.register_scalable_target(**TARGET, MinCapacity=2, MaxCapacity=6)
    yield stage
    # Only what the emulated ECS holds is forgotten from test to test.
    scaling.deregister_scalable_target(**TARGET)


def limits(stage: Stage) -> tuple[int, int]:
    """Return the range that autoscaling itself holds."""
    found: Any = stage.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="ecs"
    )["ScalableTargets"][0]
    return found["MinCapacity"], found["MaxCapacity"]


def desired(stage: Stage) -> int:
    """Return how many tasks the service wants."""
    return stage.cloud.service()["desiredCount"]


def test_the_range_is_set_and_the_tasks_follow(scaled: Stage, arca: Arca) -> None:
    """The range is set before the tasks, after a dry run that changes nothing."""
    dry = printed_json(arca("scale", "--min", "4", "--max", "8", "--dry-run", "--json"))
    assert (dry["before"], dry["after"], dry["tasks_after"]) == ([2, 6], [4, 8], 4)
    assert (limits(scaled), desired(scaled)) == ((2, 6), 2)
    result = arca("scale", "--min", "4", "--max", "8")
    assert "2-6 -> 4-8, 2 -> 4 tasks at once" in result.stdout
    assert (limits(scaled), desired(scaled)) == ((4, 8), 4)
    writes = [call for call in scaled.calls if "register_" in call or "update_" in call]
    assert writes == ["application-autoscaling.register_scalable_target", "ecs.update_service"]


def test_the_other_end_stays(scaled: Stage, arca: Arca) -> None:
    """Without --max the greater end stays, and bounds --min."""
    assert arca("scale", "--min", "3").exit_code == 0
    assert limits(scaled) == (3, 6)
    assert "7 to 6 tasks is not a range" in str(arca("scale", "--min", "7").exception)
    assert limits(scaled) == (3, 6)


def test_fewer_at_most(scaled: Stage, arca: Arca) -> None:
    """A smaller --max reduces the tasks at once."""
    arca("scale", "--min", "5")
    assert arca("scale", "--min", "1", "--max", "3").exit_code == 0
    assert (limits(scaled), desired(scaled)) == ((1, 3), 3)


@pytest.mark.parametrize("autoscaling", [False, True])
def test_no_task_at_all(
    request: pytest.FixtureRequest, stage: Stage, arca: Arca, *, autoscaling: bool
) -> None:
    """`arca scale` asks before the service may lose its last task; `--yes` does not."""
    if autoscaling:
        request.getfixturevalue("scaled")
    for answer in ("n\n", ""):
        result = arca("scale", "--min", "0", answer=answer)
        assert result.exit_code == 1
        assert "may no task be left to serve?" in result.stderr
        assert isinstance(result.exception, NobodyAnswers) is (not answer)
        assert desired(stage) == 2
    assert arca("scale", "--min", "0", "--dry-run").exit_code == 0
    assert arca("scale", "--min", "0", "--json", answer="y\n").exit_code == 0
    assert desired(stage) == (2 if autoscaling else 0)
    # There is nothing left to ask about.
    assert arca("scale", "--min", "0").exit_code == 0
    arca("scale", "--min", "2")
    assert arca("scale", "--min", "0", "--yes").exit_code == 0
    assert desired(stage) == (2 if autoscaling else 0)


def test_max_without_autoscaling(stage: Stage, arca: Arca) -> None:
    """--max is refused where there is no autoscaling."""
    for words in (("--max", "5"), ("--max", "5", "--dry-run")):
        error = arca("scale", "--min", "3", *words).exception
        assert isinstance(error, ArcaError)
        assert "--max 5 has no effect here: the stack has no autoscaling" in str(error)
    assert desired(stage) == 2


def test_a_range_that_is_none(stage: Stage, arca: Arca) -> None:
    """A range that is none is wrong usage, and no cloud is asked."""
    result = arca("scale", "--min", "3", "--max", "2")
    assert result.exit_code == 2
    assert "--min 3 is more than --max 2" in result.stderr
    assert stage.calls == []


def test_scale(stage: Stage, arca: Arca) -> None:
    """A stack without autoscaling gets exactly --min tasks."""
    assert printed_json(arca("scale", "--min", "4", "--dry-run", "--json"))["tasks_after"] == 4
    assert stage.cloud.service()["desiredCount"] == 2
    arca("scale", "--min", "4")
    assert stage.cloud.service()["desiredCount"] == 4
    stage.cloud.advance(1)
    assert stage.cloud.service()["runningCount"] == 4
