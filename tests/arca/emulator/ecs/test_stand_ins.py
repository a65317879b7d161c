"""Stand-ins that are real processes: how they end, what they say, what their health does.

Nothing here depends on how fast this machine is: what must happen is waited for, and what must not
be waited for would take a minute.
"""

import os
import signal
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from arca.emulator.aws_clients import WsgiClients
from arca.emulator.ecs import health_checks, stand_ins
from arca.emulator.ecs.model import EcsTask
from arca.emulator.ecs.stand_ins import StandInProcess, StandInProcesses
from arca.emulator.server_children import MARK_VARIABLE, start_ticks
from tests.arca.emulator.ecs.emulated_ecs import (
    CLUSTER,
    GROUP,
    REGION,
    SECONDS,
    SERVICE,
    Emulated,
    fresh,
    wait_for,
)

IMAGE = "registry/api:1"
SERVER = """
import os, pathlib, socket, sys
mode, kept = pathlib.Path(sys.argv[1]), []
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    connection, _ = listener.accept()
    connection.recv(9999)
    if (mode / "hangs").exists():
        kept.append(connection)
        (mode / "held").touch()
        continue
    status = "503 Sick" if (mode / "sick").exists() else "200 OK"
    connection.sendall(f"HTTP/1.0 {status}\\r\\n\\r\\n".encode())
    connection.close()
"""
STUBBORN = "trap 'echo told' TERM; echo begun; while :; do sleep 600 & wait $!; done"


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulated]:
    """Return an empty emulated AWS that checks stand-ins at each request."""
    monkeypatch.setattr(health_checks, "EVERY_SECONDS", 0)
    monkeypatch.setattr(health_checks, "LEAST_GRACE_SECONDS", 0)
    made = fresh()
    yield made
    monkeypatch.undo()
    made.end_stand_ins()


def stands_in(cloud: Emulated, *words: str) -> None:
    """Run a command in place of the image."""
    cloud.control("PUT", "/arca/images", {"image": IMAGE, "command": words})


def serve(cloud: Emulated, mode: Path) -> None:
    """Run the service's one task as a process whose behaviour `mode` controls."""
    mode.mkdir(exist_ok=True)
    stands_in(cloud, sys.executable, "-I", "-S", "-c", SERVER, str(mode))
    cloud.create_service(strategy="BLUE_GREEN", desired=1)
    wait_for(lambda: look(cloud) and task(cloud).process is not None, "a process")


def glance(cloud: Emulated) -> bool:
    """Do what a single request does before its answer."""
    cloud.advance(0.05)
    cloud.application.catch_up()
    return True


def look(cloud: Emulated) -> bool:
    """Advance the clock a little, then send a request."""
    cloud.advance(0.05)
    return bool(cloud.tasks())


def task(cloud: Emulated) -> EcsTask:
    """Return the service's latest task from the controller."""
    (service,) = cloud.application.backend.service_controller.services.values()
    return service.tasks[-1]


def process_of(one: EcsTask) -> StandInProcess:
    """Return the process of a task."""
    assert one.process is not None
    return one.process


def run(cloud: Emulated, script: str, *words: str) -> tuple[str, StandInProcess]:
    """Run a shell script as a one-off task; returns its ARN and its process."""
    stands_in(cloud, "sh", "-c", script, "sh", *words)
    made = cloud.client("ecs").run_task(
        cluster=CLUSTER, taskDefinition="api", networkConfiguration=cloud.network
    )
    cloud.advance(1)
    cloud.client("s3").list_buckets()
    found = cloud.application.backend.task_scheduler.one_off[-1]
    return made["tasks"][0]["taskArn"], process_of(found)


def said(cloud: Emulated, arn: str) -> list[str]:
    """Return the task's log lines."""
    cloud.client("s3").list_buckets()
    logs = cloud.client("logs")
    streams = logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
    name = f"api/api/{arn.rpartition('/')[2]}"
    if name not in {one["logStreamName"] for one in streams}:
        return []
    found = logs.get_log_events(logGroupName=GROUP, logStreamName=name, startFromHead=True)
    return [event["message"] for event in found["events"]]


def described(cloud: Emulated, arn: str) -> Any:
    """Return a task as DescribeTasks has it."""
    return cloud.client("ecs").describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"][0]


def test_what_a_process_started_ends_with_it() -> None:
    """The process group ends with its leader, even a child that ignores SIGTERM."""
    child = 'trap "" TERM; echo $$; exec sleep 600'
    own = StandInProcesses()
    process = own.start(["sh", "-c", f"sh -c '{child}' & exec sleep 600"], {})
    printed: list[str] = []
    wait_for(lambda: printed.extend(process.lines()) or printed, "the child")
    (number,) = map(int, printed)
    assert start_ticks(number) is not None
    own.end(process)
    wait_for(lambda: start_ticks(number) is None, "its child's end")
    wait_for(process.gone.is_set, "its end")
    assert process.code() == 128 + signal.SIGTERM


def test_ending_holds_up_nobody(cloud: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other calls are answered while processes exit; a description waits for the exits."""
    cloud.create_service(strategy="BLUE_GREEN", desired=1)
    tasks = dict(run(cloud, STUBBORN) for _ in range(2))
    for arn in tasks:
        wait_for(lambda arn=arn: said(cloud, arn) == ["begun"], "its first word")
    monkeypatch.setattr(stand_ins, "KILL_AFTER_SECONDS", SECONDS)
    for arn in tasks:
        answer = cloud.client("ecs").stop_task(cluster=CLUSTER, task=arn, reason="enough")["task"]
        assert (answer["desiredStatus"], answer["lastStatus"]) == ("STOPPED", "STOPPING")
    cloud.client("s3").list_buckets()
    for process in tasks.values():
        assert process.code() is None
        os.killpg(process.pid, signal.SIGKILL)
    for arn in tasks:
        found = described(cloud, arn)
        assert (found["lastStatus"], found["stopCode"]) == ("STOPPED", "UserInitiated")
        assert found["stoppedReason"] == "enough"
        assert found["containers"][0]["exitCode"] == 128 + signal.SIGKILL
        assert said(cloud, arn)[:1] == ["begun"]


def test_one_that_does_not_end_is_ended(cloud: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL follows SIGTERM at the deadline, and the next description shows it."""
    monkeypatch.setattr(stand_ins, "KILL_AFTER_SECONDS", 0.2)
    cloud.create_service(strategy="BLUE_GREEN", desired=1)
    arn, process = run(cloud, STUBBORN)
    wait_for(lambda: said(cloud, arn) == ["begun"], "its first word")
    cloud.client("ecs").stop_task(cluster=CLUSTER, task=arn)
    wait_for(process.gone.is_set, "its end")
    assert described(cloud, arn)["containers"][0]["exitCode"] == 128 + signal.SIGKILL
    assert said(cloud, arn)[0] == "begun"


def test_no_line_is_lost_or_cut(cloud: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long output is complete, both while the process runs and after its end."""
    monkeypatch.setattr(stand_ins, "MOST_BYTES", 64)
    cloud.create_service(strategy="BLUE_GREEN", desired=1)
    short = [f"{number} " + number * "ä" for number in range(25)]
    lines = [*short, 200 * "a"]
    script = """trap 'printf "%s\\n" "$@"; printf last; exit 3' TERM
    printf "%s\\n" "$@"; sleep 600 & wait"""
    arn, process = run(cloud, script, *lines)
    # A line that is longer than what is handed on at once comes in parts.
    wait_for(lambda: "".join(said(cloud, arn)) == "".join(lines), "its lines")
    assert said(cloud, arn)[: len(short)] == short
    before = len(said(cloud, arn))
    cloud.client("ecs").stop_task(cluster=CLUSTER, task=arn)
    wait_for(process.gone.is_set, "its end")
    assert described(cloud, arn)["containers"][0]["exitCode"] == 3
    after = said(cloud, arn)[before:]
    assert after[: len(short)] == short
    assert "".join(after) == "".join(lines) + "last"


def test_a_process_that_stops_answering_is_replaced(cloud: Emulated, tmp_path: Path) -> None:
    """Several failed checks in a row replace it; a single one does not."""
    serve(cloud, tmp_path / "mode")
    first = task(cloud)
    wait_for(lambda: look(cloud) and first.healthy, "its health")
    process = process_of(first)
    assert first.target in cloud.targets(cloud.blue)
    sick = tmp_path / "mode" / "sick"
    sick.touch()
    # One request at a time: it reads one check and starts the next, which may still find it sick.
    wait_for(lambda: glance(cloud) and process.failed_checks >= 1, "its first miss")
    sick.unlink()
    wait_for(lambda: look(cloud) and process.failed_checks == 0, "its recovery")
    assert first.healthy
    sick.touch()
    wait_for(lambda: look(cloud) and not first.live, "its end")
    assert process.failed_checks == health_checks.MOST_FAILED_CHECKS
    found = described(cloud, first.arn)
    assert found["stopCode"] == "ServiceSchedulerInitiated"
    assert found["stoppedReason"] == "Task failed ELB health checks"
    sick.unlink()
    wait_for(lambda: look(cloud) and task(cloud).healthy, "another one's health")
    assert task(cloud) is not first
    assert cloud.targets(cloud.blue) == {task(cloud).target}


def test_a_new_process_has_the_services_grace(cloud: Emulated, tmp_path: Path) -> None:
    """Failed checks count only after the grace period, in simulated time."""
    (tmp_path / "sick").touch()
    serve(cloud, tmp_path)
    one = task(cloud)
    process = process_of(one)
    wait_for(
        lambda: look(cloud) and process.failed_checks > 2 * health_checks.MOST_FAILED_CHECKS,
        "misses",
    )
    assert one.live
    # Thirty seconds of the service become a thirtieth of nothing.
    cloud.clock.minute = timedelta(milliseconds=1)
    try:
        wait_for(lambda: look(cloud) and not one.live, "its end")
    finally:
        cloud.clock.minute = timedelta(minutes=1)
    assert one.reason == "Task failed ELB health checks"


def test_a_health_check_that_hangs_holds_up_nobody(
    cloud: Emulated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other calls are answered meanwhile, and no second check starts."""
    monkeypatch.setattr(health_checks, "HEALTH_CHECK_TIMEOUT_SECONDS", SECONDS)
    serve(cloud, tmp_path)
    one = task(cloud)
    wait_for(lambda: look(cloud) and one.healthy, "its health")
    (tmp_path / "hangs").touch()
    wait_for(lambda: look(cloud) and (tmp_path / "held").exists(), "a question")
    cloud.client("s3").list_buckets()
    assert cloud.service()["runningCount"] == 1
    assert process_of(one).check_running
    scheduler = cloud.application.backend.task_scheduler
    assert (
        list(
            scheduler.health_checks_due(
                list(cloud.application.backend.service_controller.services.values())
            )
        )
        == []
    )


def test_a_definition_that_nobody_checked_starts_nothing(cloud: Emulated, tmp_path: Path) -> None:
    """Moto holds a definition with a reserved variable: its task fails, and no process starts."""
    cloud.create_service(strategy="BLUE_GREEN", desired=1)
    moto = WsgiClients(cloud.application.moto).client("ecs", REGION)
    moto.register_task_definition(
        family="unchecked",
        containerDefinitions=[
            {
                "name": "api",
                "image": IMAGE,
                "memory": 9,
                "environment": [{"name": "BASH_ENV", "value": str(tmp_path / "code")}],
            }
        ],
    )
    stands_in(cloud, "bash", "-c", f"touch {tmp_path / 'ran'}")
    arn = cloud.client("ecs").run_task(cluster=CLUSTER, taskDefinition="unchecked")["tasks"][0][
        "taskArn"
    ]
    cloud.advance(1)
    found = described(cloud, arn)
    assert (found["lastStatus"], found["stopCode"]) == ("STOPPED", "TaskFailedToStart")
    assert "CannotStartContainerError: The variable BASH_ENV" in found["stoppedReason"]
    assert not (tmp_path / "ran").exists()


def test_a_process_has_an_environment_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets the container's variables and a few of the server's, which come last."""
    monkeypatch.setenv("SECRET_OF_THE_OPERATOR", "x")
    monkeypatch.setenv("LANG", "C")
    own = StandInProcesses()
    process = own.start(["/usr/bin/env"], {"PATH": "/evil", "LANG": "pt_BR.UTF-8", "A": "b"})
    wait_for(lambda: process.code() is not None, "its end")
    shown = dict(line.split("=", 1) for line in process.lines())
    own.end(process)
    assert shown["PATH"] == os.environ["PATH"]
    assert (shown["LANG"], shown["A"]) == ("pt_BR.UTF-8", "b")
    assert "SECRET_OF_THE_OPERATOR" not in shown
    allowed = {"PATH", "HOME", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "A", MARK_VARIABLE}
    assert set(shown) <= allowed


def test_stand_ins_of_one_address_are_targets_of_their_own(cloud: Emulated, tmp_path: Path) -> None:
    """Each process is a target with its own port, and one that ends takes no other with it."""
    serve(cloud, tmp_path / "mode")
    ecs = cloud.client("ecs")
    ecs.update_service(cluster=CLUSTER, service=SERVICE, desiredCount=3)
    wait_for(lambda: look(cloud) and len(cloud.targets(cloud.blue)) == 3, "three targets")
    assert {address for address, _ in cloud.targets(cloud.blue)} == {"127.0.0.1"}
    ecs.update_service(cluster=CLUSTER, service=SERVICE, desiredCount=2)
    wait_for(lambda: look(cloud) and len(cloud.targets(cloud.blue)) == 2, "two targets")


def test_a_target_that_is_not_registered(cloud: Emulated) -> None:
    """Another port of a known address is unused, and cannot be deregistered."""
    cloud.create_service(strategy="BLUE_GREEN", desired=1)
    elb = cloud.client("elbv2")
    known, other = ({"Id": "10.0.0.9", "Port": port} for port in (8080, 8081))
    elb.register_targets(TargetGroupArn=cloud.blue, Targets=[known])
    answer = elb.describe_target_health(TargetGroupArn=cloud.blue, Targets=[known, other])
    states = [one["TargetHealth"]["State"] for one in answer["TargetHealthDescriptions"]]
    assert states == ["healthy", "unused"]
    with pytest.raises(ClientError, match="InvalidTarget"):
        elb.deregister_targets(TargetGroupArn=cloud.blue, Targets=[other])
    assert ("10.0.0.9", 8080) in cloud.targets(cloud.blue)


@pytest.mark.parametrize(
    ("image", "known", "wanted"),
    [
        ("host:5000/api:1", ("host:5000/api",), "host:5000/api"),
        ("host:5000/api@sha256:ab", ("host:5000/api",), "host:5000/api"),
        ("host:5000/api:1@sha256:ab", ("host:5000/api",), "host:5000/api"),
        ("host:5000/api", ("host:5000/api",), "host:5000/api"),
        ("host:5000/api", ("host",), None),
        ("api:1", ("api", "api:1"), "api:1"),
        ("api-x:1", ("api",), None),
    ],
)
def test_a_stand_in_of_a_repository_is_that_of_its_images(
    image: str, known: tuple[str, ...], wanted: str | None
) -> None:
    """One for the very image comes first."""
    stands = {name: stand_ins.StandIn((name,)) for name in known}
    found = stand_ins.stand_in_for(image, stands)
    assert (found.command[0] if found else None) == wanted
