"""When a release is given up, how long it is watched, and what is said of tasks that died."""

from datetime import timedelta
from typing import Any

import pytest

from arca.release import failures
from arca.release.deployment import DeploymentFollower
from arca.release.verdict import Verdict
from tests.arca.emulator.ecs.emulated_ecs import CLUSTER, GROUP, SERVICE, ended
from tests.arca.release.stage import Stage


def follower(stage: Stage, *, minutes: int = 120) -> DeploymentFollower:
    """One that finds all well on its way."""
    return DeploymentFollower(
        stage.service(), stage.clock, lambda _found: None, timedelta(minutes=minutes)
    )


@pytest.mark.parametrize(
    ("wanted", "died", "given_up"),
    [(2, 2, False), (2, 3, True), (6, 2, False), (6, 3, True), (10, 4, False), (10, 5, True)],
)
def test_how_many_tasks_may_die(
    monkeypatch: pytest.MonkeyPatch, wanted: int, died: int, *, given_up: bool
) -> None:
    """Three, or half of those wanted where that is more: the rule of ECS's own circuit breaker."""
    stage = Stage(monkeypatch)
    stage.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, desiredCount=wanted)
    stage.cloud.advance(30)

    def of(*_: Any, **__: Any) -> failures.TaskFailures:
        return failures.TaskFailures(died, ("they died",), ())

    monkeypatch.setattr(failures, "failed_tasks", of)
    arn = stage.cloud.deploy(stage.push("2"))
    stage.cloud.until(lambda found: found["targetServiceRevision"].get("requestedTaskCount"))
    one = follower(stage)
    found = one.follow(arn)
    assert found.status == ("ROLLBACK_SUCCESSFUL" if given_up else found.status)
    assert ("ecs.stop_service_deployment" in stage.calls) is given_up
    assert one.stopped_because == (f"{died} tasks died: they died" if given_up else None)


def test_a_deployment_that_ended_before_it_could_be_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is left as it is: the verdict says how it ended."""
    stage = Stage(monkeypatch)
    arn = stage.cloud.deploy(stage.push("2"))
    before = stage.service().deployment(arn)
    stage.cloud.until(ended, minutes=200)
    status = stage.cloud.deployment(arn)["status"]
    follower(stage).stop(before, "somebody asked for it")
    assert stage.calls.count("ecs.stop_service_deployment") == 1
    assert stage.cloud.deployment(arn)["status"] == status


@pytest.mark.parametrize("minutes", [30, 90])
def test_a_release_is_watched_as_long_as_was_wished(
    monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    """And no longer: unknown, for ECS goes on."""
    stage = Stage(monkeypatch)
    stage.push("2")
    stage.cloud.fault("stall", stage="SCALE_UP")
    begun = stage.clock.now()
    wish = timedelta(minutes=minutes)
    outcome = stage.release(migrate=False, timeout=wish).deploy("2")
    assert outcome.verdict is Verdict.UNKNOWN
    assert wish < stage.clock.now() - begun < wish + timedelta(minutes=20)


def test_the_timeout_of_the_command_is_the_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    """`arca deploy --timeout`, to its end."""
    stage = Stage(monkeypatch)
    stage.push("2")
    stage.cloud.fault("stall", stage="SCALE_UP")
    arca = stage.commands(monkeypatch)
    begun = stage.clock.now()
    result = arca("deploy", "2", "--skip-migrations", "--timeout", "30m")
    assert result.exit_code == 5
    assert stage.clock.now() - begun < timedelta(minutes=50)


def test_the_last_log_lines_are_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that wrote a lot says at its end why it died; one that wrote nothing is passed by."""
    stage = Stage(monkeypatch)
    logs = stage.client("logs")
    base = round(stage.clock.now().timestamp() * 1000)
    for name, lines in (("silent", 0), ("long", 50)):
        stream = f"api/api/{name}"
        logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
        if lines:
            logs.put_log_events(
                logGroupName=GROUP,
                logStreamName=stream,
                logEvents=[{"timestamp": base + n, "message": f"{n}\n"} for n in range(lines)],
            )
    tasks = [
        f"arn:aws:ecs:sa-east-1:1:task/{CLUSTER}/{name}" for name in ("gone", "silent", "long")
    ]
    found = failures.last_lines(stage.service(), tasks)
    assert found == tuple(str(number) for number in range(30, 50))
