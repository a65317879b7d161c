"""What users of comparable projects ask of the pipeline (docs/asks.md)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from arca.ci import deployment, review_stack
from arca.release import status
from arca.release.journal import Journal
from tests.arca.ci.deployments import Commands
from tests.arca.release.stage import Stage
from tests.github.workflows import jobs_of

if TYPE_CHECKING:
    from arca.clock import Clock


@pytest.mark.parametrize(
    ("statuses", "code", "promoted"),
    [
        (["PENDING", "IN_PROGRESS", "SUCCESSFUL"], 0, 0),
        (["IN_PROGRESS", "PAUSED", "IN_PROGRESS", "SUCCESSFUL"], 0, 1),
        (["IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL"], 3, 0),
        (["STOP_REQUESTED", "STOPPED"], 3, 0),
        (["ROLLBACK_FAILED"], 4, 0),
        (["IN_PROGRESS"], 5, 0),
    ],
)
def test_ask_1_an_update_fails_when_ecs_rolls_back(
    statuses: list[str], code: int, promoted: int
) -> None:
    """`pulumi up` ends before ECS does, so the pipeline follows the deployment."""
    commands = Commands(*statuses)
    assert commands.follow("old") == code
    assert commands.promoted == promoted
    names = [step.get("name") for step in jobs_of("stack")["stack"]["steps"]]
    assert names.index("Update") + 1 == names.index("Follow the deployment")


def test_ask_1_an_update_that_deploys_nothing_is_over() -> None:
    """A release that was rolled back earlier does not fail this update."""
    commands = Commands("ROLLBACK_SUCCESSFUL", began=False)
    assert commands.follow("old") == 0
    assert commands.latest() == "old"


def test_ask_1_an_update_is_followed_by_what_status_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipeline reads the keys that the command writes."""
    stage = Stage(monkeypatch)
    stage.push("2")
    assert stage.release(migrate=False).deploy("2").exit_code == 0
    said: Mapping[str, Any] = status.read_status(stage.stack).as_json()

    def run(_verb: str, _stack: str) -> Mapping[str, Any]:
        return said

    assert {"id", "status", "reason", "paused", "created"} <= set(said["deployment"])
    assert said["release"] is None
    clock = cast("Clock", stage.clock)
    before = deployment.latest(run, "prod", clock=clock)
    assert before == said["deployment"]["id"]
    began = datetime.fromisoformat(said["deployment"]["created"])
    moments = [f"@{(began + timedelta(seconds=s)).isoformat()}" for s in (-1, 1)]
    assert [deployment.is_later(said["deployment"], one) for one in (*moments, before)] == [
        *(True, False, False),
    ]
    assert deployment.follow(run, "prod", "", clock=clock, say=stage.said.append) == 0
    held = Journal.begin(stage.stack, what="deploy", image="api:3", clock=clock)
    assert "deploy of api:3" in str(status.read_status(stage.stack).release)
    held.end()


def test_ask_24_review_stacks_come_and_go_with_their_pull_request() -> None:
    """A label and an approval create one; it is limited in number, and it expires."""
    up, down = jobs_of("review")["up"], jobs_of("review")["down"]
    assert "github.event.label.name == 'review-stack'" in up["if"]
    assert up["environment"] == "dev-review"
    assert "github.event.action == 'closed'" in down["if"]
    assert "github.event.action == 'unlabeled'" in down["if"]
    assert "review-sweep.yml" in down["steps"][-1]["run"]
    sweep = jobs_of("review-sweep")["destroy"]["steps"][-1]["run"]
    assert "pulumi destroy --yes --remove" in sweep
    assert (3, timedelta(hours=72)) == (review_stack.MAX_REVIEW_STACKS, review_stack.MAX_AGE)
