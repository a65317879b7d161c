"""Releases to the emulated prod as an operator runs them: processes, a socket, a PostgreSQL."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arca.emulator import up
from arca.emulator.state import State
from tests import ROOT, postgres
from tests.arca.emulator.local_cloud import free_port, quiet

ARCA = [sys.executable, "-P", "-m", "arca"]
MINUTE = "0.4"
"""Seconds of a simulated minute: a pause of thirty leaves a slow machine twelve to resume in."""


class Operator:
    """An operator at a shell, with an emulated cloud of their own."""

    def __init__(self, state: Path) -> None:
        self.environment = {**os.environ, "ARCA_STATE_DIR": str(state), "NO_COLOR": "1"}

    def arca(self, *words: str, code: int = 0) -> Any:
        """Run a command to its end, and return its JSON."""
        done = subprocess.run(
            [*ARCA, *words, "--json"] if "--" not in words else [*ARCA, *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout

    def killed_at(self, stage: str, *words: str) -> None:
        """Run a command, and kill it when it prints a stage."""
        with subprocess.Popen(
            [*ARCA, *words], cwd=ROOT, env=self.environment, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            assert any(stage in line for line in process.stderr)
            process.send_signal(signal.SIGKILL)


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    """An operator whose prod is up."""
    monkeypatch.setenv("ARCA_LOCAL_MINUTE", MINUTE)
    state = State(tmp_path / "state")
    up.up("prod", port=free_port(), state=state, watch=quiet)
    yield Operator(state.directory)
    up.down(state=state)
    deadline = time.monotonic() + 5
    while stand_ins(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert stand_ins(tmp_path) == []


def stand_ins(mark: Path) -> list[Path]:
    """Return the processes of images that still run, marked by an environment variable."""
    found: list[Path] = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"MARK={mark}".encode() in path.read_bytes():
                found.append(path)
        except OSError:
            continue
    return found


def faults_and_images(operator: Operator) -> None:
    """Push images and ask for faults; wrong ones are refused and change nothing."""
    operator.arca("local", "push", "9", "--dry-run")
    assert operator.arca("deploy", "9", code=6)["verdict"] == "refused"
    pushed = operator.arca("local", "push", "9")
    assert operator.arca("local", "push", "9")["digest"] == pushed["digest"]
    assert operator.arca("local", "push", "10")["digest"] != pushed["digest"]
    asked = operator.arca("local", "fault", "exits", "--image", "9", "--code", "4")
    assert asked["faults"] == [
        {"fault": "exits", "image": pushed["image"], "of": "service", "code": 4}
    ]
    operator.arca("local", "fault", "rollback-fails", "--dry-run")
    assert len(operator.arca("local", "fault")["faults"]) == 1
    for words in (("stall", "--stage", "NOWHERE"), ("exits",), ("alarm-at", "--percent", "0")):
        operator.arca("local", "fault", *words, code=1)
    operator.arca("local", "fault", "--code", "3", code=2)
    assert len(operator.arca("local", "fault")["faults"]) == 1
    assert operator.arca("local", "fault", "--clear")["faults"] == []


def releases(operator: Operator, tmp_path: Path) -> None:
    """Release an image through a kill, then a sick one: each time the right one serves."""
    image = ROOT / "tests" / "fixtures" / "image.py"
    with postgres.running() as server:
        database = server.database()
        pairs = [f"{name}={value}" for name, value in database.items()]
        python = ["env", f"PYTHONPATH={ROOT}", *pairs, sys.executable, str(image)]
        for tag, state in (("1.0.0", "ready"), ("2.0.0", "sick")):
            operator.arca("local", "push", tag)
            stand_in = ["env", f"MARK={tmp_path}", *python, state]
            operator.arca("local", "stand-in", tag, "--", *stand_in)

        operator.killed_at("paused before production traffic", "deploy", "1.0.0")
        resumed = operator.arca("deploy", "--resume")
        assert (resumed["verdict"], resumed["exit_code"]) == ("live", 0)
        assert operator.arca("status")["revision"] == "arca-prod-api:2"
        assert len(stand_ins(tmp_path)) == 3
        smoke = operator.arca("smoke")
        asked = {check["name"] for check in smoke["checks"] if check["verdict"] == "OK"}
        assert {"live", "ready", "database", "cache"} <= asked
        with server.connect(database["DATABASE_NAME"]) as session:
            tables = {
                row[0]
                for row in session.execute(
                    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
                )
            }
        assert "invoices" in tables

        failed = operator.arca("deploy", "2.0.0", code=3)
        assert any("failed ELB health checks" in reason for reason in failed["stop_reasons"])
        assert operator.arca("status")["revision"] == "arca-prod-api:2"
        assert operator.arca("smoke")["verdict"] == "OK"
        assert operator.arca("run", "--", "/app/smoke", "https://x") == "asked https://x\n"
        assert operator.arca("history")["deployments"][0]["status"] == "ROLLBACK_SUCCESSFUL"


@pytest.mark.slow
def test_prod_is_released_to(operator: Operator, tmp_path: Path) -> None:
    """Faults, images and releases work in an emulated prod that real processes use."""
    faults_and_images(operator)
    releases(operator, tmp_path)
