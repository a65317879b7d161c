"""Tests of what `arca local` prints, with a cloud that is only recorded."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from arca.cli.local import command
from arca.emulator import server_children
from arca.emulator.state import CloudRecord, StackRecord, State

ENDED = "The emulated AWS at http://127.0.0.1:1 (process 1)"
TOKEN = "of-the-control-paths"  # noqa: S105 - made up
COUNTS = {"network": {"created": 2, "validated": 1, "recorded": 0}}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    """The state directory of the commands."""
    monkeypatch.setenv("ARCA_STATE_DIR", str(tmp_path))
    return State(tmp_path)


def local(*words: str) -> Result:
    """Run `arca local`."""
    return CliRunner().invoke(command, list(words))


def record(**changes: Any) -> CloudRecord:
    """Return the record of a server that has ended, with prod and dr in it."""
    stacks = {
        name: StackRecord(up_at=f"2032-03-10T14:0{minute}:00Z", seconds=1.0, components=COUNTS)
        for minute, name in enumerate(("prod", "dr"))
    }
    dead = CloudRecord(
        pid=1, born=1, port=1, endpoint="http://127.0.0.1:1", token=TOKEN, stacks=stacks
    )
    return dead.model_copy(update=changes)


def test_status_of_a_cloud_that_has_ended(state: State) -> None:
    """It exits with 1 and names the commands that bring the stacks up again, in their order."""
    state.write(record())
    done = local("status")
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        f"{ENDED} has ended, and its stacks with it. Bring them up again:",
        "  make up STACK=prod",
        "  make up STACK=dr",
    ]
    as_json = local("status", "--json")
    assert as_json.exit_code == 1
    assert TOKEN not in as_json.output
    assert json.loads(as_json.output)["running"] is False


def test_status_of_a_server_that_does_not_answer(state: State) -> None:
    """The process runs, but nothing listens: it exits with 1 too."""
    born = server_children.start_ticks(os.getpid())
    state.write(record(pid=os.getpid(), born=born, incomplete=("dr",)))
    done = local("status")
    assert done.exit_code == 1
    assert "does not answer. Run `make down`" in done.output
    assert "dr: incomplete, because an earlier `make up STACK=dr` failed" in done.output
