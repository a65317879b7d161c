"""A release from its gates to its verdict, in every strategy."""

import re
from pathlib import Path

import pytest

from arca.release.verdict import Verdict
from tests import ROOT
from tests.arca.release.stage import Stage, written

STRATEGIES = ("ROLLING", "BLUE_GREEN", "LINEAR", "CANARY")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_good_release(monkeypatch: pytest.MonkeyPatch, strategy: str) -> None:
    """A good release ends live, is what runs, and frees the lock."""
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
    """Migrations come before the deployment, smoke tests before the pause is answered."""
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
    """The same image again starts new tasks of the revision that runs."""
    stage = Stage(monkeypatch)
    before = {task["taskArn"] for task in stage.cloud.tasks()}
    outcome = stage.release().deploy("1")
    # ECS itself says which revision came first; both run the same definition.
    assert outcome.verdict is Verdict.LIVE
    assert not before & {task["taskArn"] for task in stage.cloud.tasks()}


WALL_CLOCK = re.compile(
    r"\bClock\(\)|\b(?:datetime|date)\.(?:now|today|utcnow)\(|\btime\.(?:time|sleep|monotonic)\("
)
MODULES = sorted((ROOT / "arca" / "release").glob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_module_reads_the_wall_clock(path: Path) -> None:
    """A clock is passed in: nothing of a release makes one or asks the system."""
    assert WALL_CLOCK.findall(path.read_text(encoding="utf-8")) == []
