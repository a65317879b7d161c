"""A release that is killed at any step and resumed ends as if nothing had happened."""

from collections.abc import Callable

import pytest

from arca.release.verdict import ReleaseOutcome, Verdict
from tests.arca.release.failing import Killed
from tests.arca.release.stage import Stage

STEPS = (
    "ssm.put_parameter",
    "ecs.register_task_definition",
    "ecs.run_task",
    "ecs.update_service",
    "ecs.continue_service_deployment",
    "ecs.stop_service_deployment",
    "ssm.delete_parameter",
)
"""Calls that change something."""


JOURNAL = "ssm.put_parameter"


MOST_BEATS = 6
"""The journal's later entries are signs of life."""


def prepared(monkeypatch: pytest.MonkeyPatch, *, alarm: bool) -> Stage:
    """Return a stage with an image, and perhaps an alarm that will fire."""
    stage = Stage(monkeypatch)
    stage.push("2")
    if alarm:
        stage.cloud.fault("alarm-at", percent=10)
    return stage


def kill_at(number: int, *, after: bool) -> Callable[[str], None]:
    """Return a hook that kills at the call of that number, of those that change something."""
    seen = 0

    def count(call: str) -> None:
        nonlocal seen
        if call in STEPS:
            seen += 1
            if seen == number + 1:
                raise Killed(f"{'after' if after else 'before'} {call}")

    return count


def again(stage: Stage) -> ReleaseOutcome | None:
    """Do what an operator does next; None where the release had ended before the kill."""
    stage.before = stage.after = lambda _call: None
    stage.abandon()
    if stage.journal is not None:
        return stage.release().resume()
    if stage.serves()[0] == {"api:1"} and len(stage.service().deployments()) == 1:
        return stage.release().deploy("2")
    return None


@pytest.mark.parametrize(
    ("after", "alarm"),
    [
        pytest.param(True, False, id="after-good"),
        pytest.param(True, True, marks=pytest.mark.slow, id="after-alarm"),
        pytest.param(False, False, marks=pytest.mark.slow, id="before-good"),
        pytest.param(False, True, marks=pytest.mark.slow, id="before-alarm"),
    ],
)
def test_killed_and_resumed(monkeypatch: pytest.MonkeyPatch, *, after: bool, alarm: bool) -> None:
    """A kill at any changing call leads to the same verdict, one deployment and no journal."""
    stage = prepared(monkeypatch, alarm=alarm)
    verdict = stage.release().deploy("2").verdict
    assert verdict is (Verdict.ROLLED_BACK if alarm else Verdict.LIVE)
    serves = stage.serves()
    steps = [call for call in stage.calls if call in STEPS]
    assert {*STEPS} - {*steps} == {"ecs.stop_service_deployment"}
    for number, step in enumerate(steps):
        if step == JOURNAL and steps[:number].count(JOURNAL) >= MOST_BEATS:
            continue
        stage = prepared(monkeypatch, alarm=alarm)
        setattr(stage, "after" if after else "before", kill_at(number, after=after))
        with pytest.raises(Killed) as killed:
            stage.release().deploy("2")
        outcome = again(stage)
        where = str(killed.value)
        assert outcome is None or outcome.verdict is verdict, where
        assert stage.serves() == serves, where
        assert stage.journal is None, where
        assert len(stage.service().deployments()) == 2, where


def test_killed_where_the_tasks_die(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resumed release counts the failed tasks again, and stops the deployment."""
    stage = Stage(monkeypatch)
    image = stage.push("2")
    stage.cloud.fault("exits", image=image)

    def die(call: str) -> None:
        if call == "ecs.stop_service_deployment":
            raise Killed

    stage.before = die
    with pytest.raises(Killed):
        stage.release().deploy("2")
    outcome = again(stage)
    assert outcome is not None
    assert outcome.exit_code == 3
    assert any("api exited with 1" in reason for reason in outcome.stop_reasons)
