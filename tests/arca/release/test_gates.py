"""The gates: what closes each, and what a closed gate does to a release."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from arca import clients
from arca.check import Check
from arca.release import gates
from arca.release.verdict import Verdict
from arca.stack import Stack
from tests.arca.emulator.ecs.emulated_ecs import ALARMS, GROUP
from tests.arca.release.stage import REPOSITORY, URL, Stage, written


def scan_lost(stage: Stage) -> None:
    """Replace the image by one that was never scanned."""
    image_gone(stage)
    stage.push("2", scanned=False)


def image_gone(stage: Stage) -> None:
    """Delete the image from the registry."""
    stage.client("ecr").batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "2"}])


def group_gone(stage: Stage) -> None:
    """Delete the task's log group."""
    stage.client("logs").delete_log_group(logGroupName=GROUP)


def in_flight(stage: Stage) -> None:
    """Begin another deployment by hand."""
    stage.cloud.deploy("registry/api:9")


def firing(stage: Stage) -> None:
    """Let a watched alarm fire."""
    stage.cloud.alarm("ALARM")


def alarm_gone(stage: Stage) -> None:
    """Delete the other watched alarm."""
    stage.client("cloudwatch").delete_alarms(AlarmNames=[ALARMS[1]])


def fenced(stage: Stage) -> None:
    """Fence the stack, as after a failover."""
    stage.enter("fenced")


def sent_away(stage: Stage) -> None:
    """Pull the failover lever, as a person does before the stack is fenced."""
    stage.pull_lever()


CLOSED = [
    ("fence", fenced, "the stack is fenced: release to the region that serves"),
    ("fence", sent_away, "the lever is pulled: release to the region that serves"),
    ("image", image_gone, "is not in the registry"),
    ("scan", scan_lost, "never scanned"),
    ("references", group_gone, GROUP),
    ("in-flight", in_flight, "is PENDING"),
    ("alarms", firing, f"nobody would watch: ['{ALARMS[0]}']"),
    ("alarms", alarm_gone, f"there is no alarm {ALARMS[1]}"),
]


@pytest.mark.parametrize(("gate", "breaks", "said"), CLOSED)
def test_a_closed_gate_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, gate: str, breaks: Any, said: str
) -> None:
    """A closed gate refuses the release with its reason, and nothing is written."""
    stage = Stage(monkeypatch)
    stage.push("2")
    breaks(stage)
    outcome = stage.release().deploy("2")
    assert (outcome.verdict, outcome.exit_code) == (Verdict.REFUSED, 6)
    assert said in outcome.reason
    failed = [check["name"] for check in outcome.checks if check["verdict"] == "FAILED"]
    assert failed == ([f"log group {GROUP}"] if gate == "references" else [gate])
    assert written(stage) == []
    assert stage.journal is None


@pytest.mark.parametrize("gate", ["alarms", "scan"])
def test_a_gate_opened_by_hand(monkeypatch: pytest.MonkeyPatch, gate: str) -> None:
    """A gate that is opened with a reason lets the release go on."""
    stage = Stage(monkeypatch)
    stage.push("2")
    if gate == "alarms":
        stage.cloud.alarm("ALARM")
    else:
        scan_lost(stage)
    outcome = stage.release(override=(gate,), reason="it is the repair").deploy("2")
    assert outcome.verdict is Verdict.LIVE
    assert any(
        line.startswith(f"gate {gate} opened by hand (it is the repair)") for line in stage.said
    )


def test_a_used_up_budget_closes_its_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """An objective without error budget closes the gate, and can be overridden."""
    stage = Stage(monkeypatch)
    stage.push("2")
    exhausted = SimpleNamespace(title="API errors", consumed_percent=130.0)

    def objective_statuses(_stack: Stack, *, now: datetime) -> list[SimpleNamespace]:
        return [exhausted] if now else []

    monkeypatch.setattr(gates, "objective_statuses", objective_statuses)
    outcome = stage.release().deploy("2")
    assert outcome.exit_code == 6
    assert "used up: API errors" in outcome.reason
    assert stage.release(override=("budget",), reason="r").deploy("2").exit_code == 0


def test_who_runs_when_a_release_is_refused(stage: Stage) -> None:
    """The outcome names what serves, not the deployment under way."""
    stage.push("3")
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.advance(1)
    outcome = stage.release().deploy("3")
    assert (outcome.exit_code, str(outcome.runs).rpartition("/")[2]) == (6, "api:1")


def scan_says(stage: Stage, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]) -> Check:
    """Return the scan's gate where ECR gives this answer."""

    class Scanning:
        """ECR with other scan findings."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

        def describe_image_scan_findings(self, **_: Any) -> dict[str, Any]:
            return answer

    make = cast("Any", clients.client)  # its overloads take no service that is a variable

    def client(stack: Stack, service: str) -> Any:
        made = make(stack, service)
        return Scanning(made) if service == "ecr" else made

    monkeypatch.setattr(gates, "client", client)
    return next(
        one
        for one in gates.check_gates(stage.service(), "2", now=stage.clock.now())
        if one.name == "scan"
    )


@pytest.mark.parametrize(
    ("status", "counts", "verdict", "said"),
    [
        ("COMPLETE", {"HIGH": 3, "LOW": 1}, "OK", "no finding of CRITICAL"),
        ("ACTIVE", {}, "OK", "no finding of CRITICAL"),
        ("COMPLETE", {"CRITICAL": 2, "LOW": 1}, "FAILED", "findings: {'CRITICAL': 2}; repair"),
        ("ACTIVE", {"CRITICAL": 1}, "FAILED", "findings: {'CRITICAL': 1}; repair"),
        ("IN_PROGRESS", {}, "FAILED", "the scan's status is IN_PROGRESS; wait for it"),
        ("PENDING", {}, "FAILED", "the scan's status is PENDING"),
        ("FAILED", {}, "FAILED", "the scan's status is FAILED"),
    ],
)
def test_a_scan(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    *,
    status: str,
    counts: dict[str, int],
    verdict: str,
    said: str,
) -> None:
    """A scan must have ended, without a critical finding."""
    answer = {
        "imageScanStatus": {"status": status},
        "imageScanFindings": {"findingSeverityCounts": counts},
    }
    found = scan_says(stage, monkeypatch, answer)
    assert (found.verdict, said in found.detail) == (verdict, True), found


def test_a_scan_of_which_nothing_is_known(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer without a status closes the gate."""
    assert scan_says(stage, monkeypatch, {}).verdict == "FAILED"
