"""The smoke tests of a release: through the test listener at the pause, from outside after it."""

from typing import Any

import pytest

from arca.check import Check
from arca.release.verdict import Verdict
from arca.smoke import suite
from tests.arca.emulator.ecs.emulated_ecs import CLUSTER
from tests.arca.release.stage import Stage

OK = Check("ready", "OK", "")
BAD = Check("ready", "FAILED", "HTTP 503")


def answers(monkeypatch: pytest.MonkeyPatch, *checks: Check) -> list[Check]:
    """Have the smoke tests from outside say this, one after the other; gives what is left."""
    left = list(checks)

    def run(stack: Any, **_: Any) -> suite.SmokeReport:
        return suite.SmokeReport(stack.name, "https://api.test", (left.pop(0),))

    monkeypatch.setattr(suite, "run", run)
    return left


def test_the_pause_asks_the_test_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    """At its own port: the production listener still leads to the release of before."""
    stage = Stage(monkeypatch)
    stage.push("2")
    asked: list[list[str]] = []

    def look(call: str) -> None:
        if call == "ecs.run_task":
            ecs = stage.client("ecs")
            arns = ecs.list_tasks(cluster=CLUSTER, startedBy="arca")["taskArns"]
            (task,) = ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"]
            asked.append(task["overrides"]["containerOverrides"][0]["command"])

    stage.after = look
    stage.release(migrate=False).deploy("2")
    host = stage.stack.outputs.service.load_balancer_dns_name
    assert asked == [["/app/smoke", f"https://{host}:8443"]]


@pytest.mark.parametrize("strategy", ["BLUE_GREEN", "CANARY"])
def test_what_fails_twice_is_rolled_back(monkeypatch: pytest.MonkeyPatch, strategy: str) -> None:
    """And named in the reason."""
    stage = Stage(monkeypatch, strategy=strategy)
    stage.push("2")
    left = answers(monkeypatch, BAD, BAD)
    outcome = stage.release(migrate=False).deploy("2")
    assert outcome.verdict is Verdict.ROLLED_BACK
    assert "smoke tests failed: ready: HTTP 503" in outcome.reason
    assert left == []
    assert stage.serves() == ({"api:1"}, {"api:1"})


def test_what_fails_once_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """One lost packet is no reason to take a release back."""
    stage = Stage(monkeypatch)
    stage.push("2")
    left = answers(monkeypatch, BAD, OK, BAD, BAD)
    assert stage.release(migrate=False).deploy("2").verdict is Verdict.LIVE
    assert left == [BAD, BAD]


def test_what_is_well_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a release, however often somebody looks at it."""
    stage = Stage(monkeypatch)
    stage.push("2")
    left = answers(monkeypatch, OK, BAD, BAD)
    assert stage.release(migrate=False).deploy("2").verdict is Verdict.LIVE
    assert left == [BAD, BAD]
