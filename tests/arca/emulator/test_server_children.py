"""Tests of the processes that a killed server leaves behind."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from arca.emulator import server_children, up
from arca.emulator.state import CloudRecord, State
from tests import ROOT

STARTS = """
import time
from arca.emulator.ecs.stand_ins import StandInProcesses
stubborn = 'trap "" TERM; echo $$; exec sleep 600'
# Its child leaves the group; neither can be asked to end.
one = StandInProcesses().start(["sh", "-c", f"setsid sh -c '{stubborn}' & {stubborn}"], {})
numbers = []
while len(numbers) < 2:
    numbers += one.lines()
    time.sleep(0.01)
print(*numbers, flush=True)
time.sleep(600)
"""


def test_what_a_killed_server_started_is_ended(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`down` ends the children of a killed server, and no other process."""
    monkeypatch.setattr(server_children, "KILL_AFTER_SECONDS", 0.1)
    with subprocess.Popen(
        [sys.executable, "-c", STARTS], stdout=subprocess.PIPE, cwd=ROOT
    ) as killed:
        assert killed.stdout is not None
        started = [int(number) for number in killed.stdout.readline().split()]
        born = server_children.start_ticks(killed.pid)
        assert born is not None
        killed.kill()
    try:
        assert len(started) == 2
        state.directory.mkdir(parents=True)
        # Of a server that had the same number at another time, nothing is left.
        for moment in (born - 1, born):
            assert [server_children.start_ticks(number) is None for number in started] == [
                False,
                False,
            ]
            state.write(
                CloudRecord(pid=killed.pid, born=moment, port=1, endpoint="http://127.0.0.1:1")
            )
            assert up.down(state=state) is not None
        deadline = time.monotonic() + 30
        while any(map(server_children.start_ticks, started)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert [server_children.start_ticks(number) for number in started] == [None, None]
    finally:
        for number in started:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
