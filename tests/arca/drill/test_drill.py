"""`arca dr drill`: the whole of it with real databases, and what its record would show red."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from arca.drill import evidence
from arca.drill.drill import Drilled
from arca.drill.record import drill_record
from arca.emulator import server
from arca.invoice import Invoice
from arca.recovery.numbers import SeriesNumbers
from arca.recovery.record import phase
from arca.recovery.set_check import SetCheck
from arca.recovery.verdict import judge
from tests import ROOT


def drilled(records: Path, *words: str) -> dict[str, Any]:
    """Run a whole drill that has to pass, and return its record."""
    ports = ("--port", str(server.free_port()), "--customers-port", str(server.free_port()))
    command = [sys.executable, "-m", "arca", "dr", "drill", "--json", *ports, *words]
    done = subprocess.run(
        [*command, "--records", str(records)],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["verdict"]["passed"] is True
    assert found["set_check"]["acknowledged"] > 5
    assert {one["name"]: one["outcome"] for one in found["invariants"]}[
        "the fail-back lost nothing"
    ] == "OK"
    assert [one["gone"] for one in found["cleaned_up"]] == [True, True]
    return found


@pytest.mark.slow
def test_nothing_is_lost_with_a_region(tmp_path: Path) -> None:
    """The region is lost under load; customers are served again, and every invoice is there."""
    found = drilled(tmp_path)
    assert found["measured"]["rpo_seconds"] == found["measured"]["rpo_seconds_by_databases"] == 0
    assert not [one for one in found["databases"]["lost"] if one["acknowledged_ns"]]


@pytest.mark.slow
def test_a_planned_loss_is_measured_exactly(tmp_path: Path) -> None:
    """What was acknowledged after the cut is lost; the databases and the history say the same."""
    found = drilled(tmp_path, "--planned-loss", "10")
    check, measured = found["set_check"], found["measured"]
    lost = [one for one in found["databases"]["lost"] if one["acknowledged_ns"]]
    assert sorted(one["key"] for one in lost) == sorted([*check["lost"], *check["recovered"]])
    assert check["recovered"]
    assert 0 < measured["rpo_seconds"] <= measured["rpo_seconds_by_databases"] < 60
    assert measured["rpo_bytes"] > 0
    asked = [one for one in found["phases"] if one["name"] == "lag"]
    assert [one["outcome"] for one in asked] == ["FAILED", "OK"]
    assert "0 s may be lost" in asked[0]["seen"]


def judged(check: SetCheck) -> list[str]:
    """Return the invariants that a check breaks."""
    return [one.name for one in evidence.invariants(check) if one.outcome == "FAILED"]


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        ({"gaps": ((3, 4),)}, "numbers without gaps"),
        ({"repeats": (2,)}, "no number twice"),
    ],
)
def test_each_invariant_shown_red(broken: dict[str, Any], name: str) -> None:
    """A gap and a repeat fail their own rule only."""
    series = Invoice(id="a", point_of_sale=1, kind=6, number=1).series
    numbers = SeriesNumbers(series=series, first=1, last=5, count=3, **broken)
    check = SetCheck(attempted=3, acknowledged=3, reads=1, stable=3, series=(numbers,))
    assert judged(check) == [name]
    assert judged(check.model_copy(update={"duplicated": ("k",)})) == [name, "no invoice twice"]


def test_a_failback_that_loses_fails_the_drill() -> None:
    """What the failover had kept and the fail-back lost is named in the verdict."""
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    kept = SetCheck(attempted=2, acknowledged=2, reads=1, stable=2)
    lost = kept.model_copy(update={"lost": ("k1",), "stable": 1})
    found = Drilled(moment, moment, set_check=kept, after_failback=lost, endpoint="http://x")
    found.phases.append(phase("declare", moment, moment))
    versions: dict[str, Any] = {"commit": "0" * 40, "dirty": False, "programs": {}}
    verdict = judge(drill_record(found, operator="ana", versions=versions))
    assert "invariant broken: the fail-back lost nothing: k1" in verdict.reasons


@pytest.mark.parametrize(
    ("refusal", "outcomes"), [(None, []), ("The replica is 21 s behind.", ["OK"]), ("", ["FAILED"])]
)
def test_a_failover_that_does_not_ask_fails_the_drill(
    refusal: str | None, outcomes: list[str]
) -> None:
    """Only a drill that plans a loss has to be asked."""
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    found = Drilled(moment, moment, refusal=refusal, endpoint="http://x")
    found.phases.append(phase("declare", moment, moment))
    versions: dict[str, Any] = {"commit": "0" * 40, "dirty": False, "programs": {}}
    made = drill_record(found, operator="ana", versions=versions)
    assert [one.outcome for one in made.invariants] == outcomes
