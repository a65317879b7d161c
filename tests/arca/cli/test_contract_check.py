"""Tests of `arca contract`, on files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from arca.monitoring.slo.objectives import read_objectives
from tests import ROOT
from tests.arca.emulated import arca, as_json


def test_contract_check_names_each_broken_line(tmp_path: Path) -> None:
    """The output has file and line; the exit code is 1, and 0 without a broken line."""
    good = json.dumps(
        {
            "timestamp": "2026-11-24T12:00:00Z",
            "level": "INFO",
            "service": "api",
            "event": "service.start",
            "message": "up",
        }
    )
    log = tmp_path / "log.jsonl"
    log.write_text(f"{good}\n\n[1]\nnot json\n{good.replace('INFO', 'LOUD')}\n", encoding="utf-8")
    result = arca("contract", "check", str(log))
    for said in ("jsonl:3: not a JSON object", "jsonl:4: not JSON", "jsonl:5: level: 'LOUD'"):
        assert said in result.output
    assert "4 lines, 3 of them break the contract." in result.output
    done = subprocess.run(
        [sys.executable, "-P", "-m", "arca", "contract", "check", str(log)],
        cwd=ROOT,
        check=False,
        capture_output=True,
    )
    assert done.returncode == 1
    log.write_text(f"{good}\n" * 3, encoding="utf-8")
    assert as_json("contract", "check", str(log)) == {"lines": 3, "broken": 0, "problems": []}


def test_contract_check_knows_what_is_fast(tmp_path: Path) -> None:
    """A service that has a threshold of its own is found by its lines."""
    (limit,) = (one.threshold_ms for one in read_objectives() if one.name == "latency")
    line = {"event": "request", "duration_ms": (limit or 0) + 50, "Requests": 1, "RequestsFast": 1}
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps(line), encoding="utf-8")
    said = f"is not within the {limit} ms of the objective latency"
    assert said in arca("contract", "check", str(log)).output


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"a": NaN}', "not JSON: NaN is not a JSON number"),
        ("[" * 100_000, "not a log line: objects and lists are nested too deeply"),
        ('{"a":' * 100_000, "not a log line: objects and lists are nested too deeply"),
    ],
    ids=["nan", "lists", "objects"],
)
def test_a_line_that_no_reader_takes(line: str, said: str, tmp_path: Path) -> None:
    """It breaks the contract, and the next line is still read."""
    log = tmp_path / "log.jsonl"
    log.write_text(f"{line}\n[]\n", encoding="utf-8")
    result = arca("contract", "check", str(log))
    assert f"jsonl:1: {said}" in result.output
    assert "jsonl:2: not a JSON object" in result.output


def test_a_line_as_deep_as_a_reader_goes(tmp_path: Path) -> None:
    """No depth that JSON's parser accepts makes the checker crash."""
    log = tmp_path / "log.jsonl"
    lines = ['{"a":' * depth + "1" + "}" * depth for depth in range(300, 1000, 50)]
    log.write_text("\n".join(lines), encoding="utf-8")
    found = json.loads(arca("contract", "check", str(log), "--json").stdout)
    assert (found["lines"], found["broken"]) == (len(lines), len(lines))


def test_contract_check_of_nothing(tmp_path: Path) -> None:
    """A missing file, an empty one and a binary one are errors."""
    empty, binary = tmp_path / "empty", tmp_path / "binary"
    empty.write_text("\n", encoding="utf-8")
    binary.write_bytes(b"\xff\xfe\x00")
    for path, said in (
        (empty, "no log line"),
        (binary, "cannot be read"),
        (tmp_path / "gone", "cannot be read"),
    ):
        result = arca("contract", "check", str(path))
        assert said in str(result.exception) + result.output


def test_the_schema_is_printed() -> None:
    """The service's own tests read it."""
    assert json.loads(arca("contract", "schema").stdout)["title"] == "A line of ARCA API's log"
