"""Why tasks of a revision stopped, and their last log lines."""

import re

import pytest

from arca.release import failures
from tests.arca.emulator.ecs.emulated_ecs import CLUSTER, GROUP
from tests.arca.release.stage import Stage


def test_the_last_log_lines_are_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last lines of the first task that wrote any are returned."""
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


def test_each_number_of_tasks_says_what_it_counts() -> None:
    """While a deployment is under way more tasks may die; at its end the numbers are final."""
    one = failures.TaskFailures(3, (("exited", 3),), ())
    assert (one.so_far, one.reasons) == (
        "3 tasks had died by then: exited",
        ("exited (3 tasks in all)",),
    )
    two = failures.TaskFailures(3, (("exited", 2), ("ill", 1)), ())
    assert (two.so_far, two.reasons) == (
        "3 tasks had died by then: exited (2 of them); ill (1 of them)",
        ("exited (2 tasks in all)", "ill (1 task in all)"),
    )


def test_the_verdict_tells_its_two_numbers_of_tasks_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Tasks that died before `arca` stopped the deployment, and tasks that died in all."""
    stage = Stage(monkeypatch)
    stage.cloud.fault("exits", image=stage.push("2"), code=3)
    outcome = stage.release(migrate=False).deploy("2")
    text = r"; stopped because \d+ tasks had died by then: api exited with 3: [^()]+ \(simulated\)$"
    assert re.search(text, outcome.reason)
    assert outcome.stop_reasons[0].endswith(" tasks in all)")


def test_log_lines_of_what_died(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outcome carries the last log lines of a task that failed."""
    stage = Stage(monkeypatch)
    image = stage.push("2")
    words = ["sh", "-c", "echo one; echo cannot read DATABASE_HOST; exit 7"]
    stage.cloud.control("PUT", "/arca/images", {"image": image, "command": words})
    outcome = stage.release(migrate=False).deploy("2")
    stage.cloud.end_stand_ins()
    assert outcome.exit_code == 3
    assert any(reason.startswith("api exited with 7") for reason in outcome.stop_reasons)
    assert outcome.log_lines[-2:] == ("one", "cannot read DATABASE_HOST")
