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
from arca.recovery.invoice import Invoice
from arca.recovery.numbers import SeriesNumbers
from arca.recovery.record import phase
from arca.recovery.set_check import SetCheck
from arca.recovery.verdict import judge
from tests import ROOT


@pytest.mark.slow
def test_nothing_is_lost_with_a_region(tmp_path: Path) -> None:
    """The region is lost under load; customers are served again, and every invoice is there."""
    ports = ("--port", str(server.free_port()), "--customers-port", str(server.free_port()))
    done = subprocess.run(
        [sys.executable, "-m", "arca", "dr", "drill", "--json", *ports, "--records", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["verdict"]["passed"] is True
    assert found["measured"]["rpo_seconds"] == 0
    assert found["set_check"]["acknowledged"] > 5
    assert {one["name"]: one["outcome"] for one in found["invariants"]}[
        "the fail-back lost nothing"
    ] == "OK"
    assert [one["gone"] for one in found["cleaned_up"]] == [True, True]


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
