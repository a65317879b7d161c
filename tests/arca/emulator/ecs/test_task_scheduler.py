"""Tests of simulated tasks: start, stop, failure and retention, through boto3 alone."""

from datetime import timedelta
from itertools import pairwise
from threading import Event, Lock, Thread
from typing import Any

import pytest

from arca.emulator.ecs.model import MOST_EVENTS
from arca.emulator.ecs.task_calls import TaskCalls
from tests.arca.emulator.ecs.emulated_ecs import CLUSTER, NEW, Emulated, ended, wait_for


def execute(cloud: Emulated, arn: str) -> None:
    """Call ExecuteCommand."""
    cloud.client("ecs").execute_command(
        cluster=CLUSTER, task=arn, container="api", command="sh", interactive=True
    )


def primary(cloud: Emulated) -> Any:
    """Return the service's primary deployment."""
    return cloud.service()["deployments"][0]


def test_a_stopped_task_is_replaced_at_once(cloud: Emulated) -> None:
    """The stop's reason is kept, and ExecuteCommand refuses the task."""
    cloud.create_service(strategy="BLUE_GREEN")
    ecs = cloud.client("ecs")
    before = {task["taskArn"] for task in cloud.tasks()}
    one, other = sorted(before)
    with pytest.raises(ecs.exceptions.TargetNotConnectedException):
        execute(cloud, one)
    answer = ecs.stop_task(cluster=CLUSTER, task=one, reason="looked odd")["task"]
    assert answer["stopCode"] == "UserInitiated"
    # Whoever looks later sees that its successor was not late.
    cloud.advance(1)
    with pytest.raises(ecs.exceptions.InvalidParameterException, match="not running"):
        execute(cloud, one)
    (found,) = cloud.tasks(stopped=True)
    assert (found["taskArn"], found["stopCode"]) == (one, "UserInitiated")
    assert found["stoppedReason"] == "looked odd (simulated)"
    now = {task["taskArn"]: task for task in cloud.tasks()}
    assert len(now) == 2
    assert now.keys() & before == {other}
    (successor,) = (task for arn, task in now.items() if arn != other)
    assert successor["createdAt"] == found["stoppedAt"]
    assert primary(cloud)["failedTasks"] == 0


def test_failing_tasks_are_tried_again_less_and_less_often(cloud: Emulated) -> None:
    """The pause between attempts grows, and the failures are counted."""
    cloud.create_service(strategy="BLUE_GREEN", desired=1)
    cloud.fault("exits", image=NEW)
    cloud.deploy(NEW)
    cloud.advance(10)
    failed = primary(cloud)["failedTasks"]
    stopped = sorted(task["createdAt"] for task in cloud.tasks(stopped=True))
    assert failed == len(stopped) > 5
    gaps = [(b - a) / timedelta(minutes=1) for a, b in pairwise(stopped)]
    # START and ENDS of the scheduler, then a tenth more each time.
    assert gaps == pytest.approx([0.3 + 0.1 * number for number in range(len(gaps))], abs=0.01)


@pytest.mark.parametrize(("reset", "counted"), [(True, 0), (False, 2)])
def test_a_healthy_task_forgives_what_failed_before_it(
    cloud: Emulated, *, reset: bool, counted: int
) -> None:
    """`resetOnHealthyTask` decides that; the total of failures stays."""
    breaker = {"enable": True, "rollback": True, "resetOnHealthyTask": reset}
    cloud.create_service(strategy="ROLLING", configuration={"deploymentCircuitBreaker": breaker})
    cloud.control("PUT", "/arca/images", {"image": NEW, "command": ["false"]})
    cloud.deploy(NEW)
    # Both processes have been started by then; they end in real time.
    cloud.advance(0.5)
    wait_for(lambda: primary(cloud)["failedTasks"] == 2, "both failed")
    assert cloud.deployment()["deploymentCircuitBreaker"]["failureCount"] == 2
    cloud.control("DELETE", "/arca/images")
    assert cloud.until(ended)["status"] == "SUCCESSFUL"
    assert cloud.deployment()["deploymentCircuitBreaker"]["failureCount"] == counted
    assert primary(cloud)["failedTasks"] == 2


def test_a_stopped_task_is_remembered_for_a_real_hour(
    cloud: Emulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short simulated minute does not shorten the time for reading an exit code."""
    cloud.create_service(strategy="BLUE_GREEN")
    monkeypatch.setattr(cloud.clock, "minute", timedelta(seconds=1))
    ecs = cloud.client("ecs")
    (made,) = ecs.run_task(
        cluster=CLUSTER, taskDefinition="api", networkConfiguration=cloud.network
    )["tasks"]
    arn = made["taskArn"]
    cloud.advance(1)
    for minutes in (1, 61, 3480):
        cloud.advance(minutes)
        (found,) = ecs.describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"]
        assert found["containers"][0]["exitCode"] == 0
    cloud.advance(61)
    (gone,) = ecs.describe_tasks(cluster=CLUSTER, tasks=[arn])["failures"]
    assert gone == {"arn": arn, "reason": "MISSING"}


def test_a_service_keeps_its_latest_events(cloud: Emulated) -> None:
    """A service keeps a hundred events, the latest first."""
    cloud.create_service(strategy="BLUE_GREEN", desired=1)
    (service,) = cloud.application.backend.service_controller.services.values()
    for number in range(MOST_EVENTS + 20):
        service.add_event(cloud.clock.now(), f"says {number}.")
    found = cloud.service()["events"]
    assert len(found) == 100
    assert "says 119." in found[0]["message"]
    assert "says 20." in found[-1]["message"]


def test_calls_change_one_after_the_other(cloud: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second call waits until the first one has ended."""
    original, together, lock = TaskCalls.list, Event(), Lock()

    def held(self: TaskCalls, call: Any) -> Any:
        if lock.acquire(blocking=False):
            # Time for the other one, which is here at once if nothing keeps it out.
            together.wait(0.3)
            lock.release()
        else:
            together.set()
        return original(self, call)

    monkeypatch.setattr(TaskCalls, "list", held)
    cloud.reset()
    cloud.create_service(strategy="BLUE_GREEN")
    ecs = cloud.client("ecs")
    threads = [Thread(target=ecs.list_tasks, kwargs={"cluster": CLUSTER}) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not together.is_set()
