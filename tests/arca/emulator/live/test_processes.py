"""Processes of the living cloud, their ports and their directory."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from arca.emulator import server_children
from arca.emulator.live import processes
from arca.emulator.live.processes import Daemon, Ports
from arca.emulator.server_children import start_ticks
from arca.errors import ArcaError
from tests.arca.emulator.ecs.emulated_ecs import wait_for

PARENT = "setsid sh -c 'echo $$; exec sleep 600' & exec sleep 600"


def test_what_leads_a_session_of_its_own_is_killed_too(tmp_path: Path) -> None:
    """As PostgreSQL's processes do; nothing of it runs when the kill returns."""
    one = Daemon(
        ["/bin/sh", "-c", PARENT], log=tmp_path / "log", environment={"PATH": "/usr/bin:/bin"}
    )
    wait_for(lambda: (tmp_path / "log").read_text().strip(), "the child's number")
    child = int((tmp_path / "log").read_text())
    assert start_ticks(child) is not None
    one.kill()
    assert not one.running
    assert start_ticks(child) is None
    one.kill()


def test_one_that_does_not_start_says_its_last_words(tmp_path: Path) -> None:
    """The error has the log's last line, and the log."""
    one = Daemon(
        ["/bin/sh", "-c", "echo first; echo no such disk >&2; exit 1"],
        log=tmp_path / "log",
        environment={},
    )
    with pytest.raises(ArcaError) as refused:
        one.wait_for_port(1, "The part")
    assert refused.value.what == "The part does not run: no such disk"
    assert refused.value.where == str(tmp_path / "log")


def test_all_with_a_mark_end_and_nothing_else() -> None:
    """Another value is another mark."""
    sleep = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]
    ours, other = (subprocess.Popen(sleep, env={"ARCA_TEST_MARK": value}) for value in "ab")
    try:
        server_children.end_marked("ARCA_TEST_MARK", "a")
        assert ours.wait(timeout=10)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_ports_stay_after_a_restart(tmp_path: Path) -> None:
    """What is told to others, as a database's port to a task, is still true."""
    first = Ports(tmp_path / "ports.json")
    found = {name: first.of(name) for name in ("a", "b")}
    again = Ports(tmp_path / "ports.json")
    assert {name: again.of(name) for name in ("a", "b")} == found
    assert len({*found.values()}) == 2


def test_only_a_directory_of_ours_is_deleted(tmp_path: Path) -> None:
    """A report that somebody wrote cannot name another."""
    for name in ("arca-live-x", "home"):
        (tmp_path / name).mkdir()
        processes.remove_home(tmp_path / name)
    assert [one.name for one in tmp_path.iterdir()] == ["home"]


def test_the_databases_user_may_enter_its_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator's temporary directory is used unless it shuts that user out."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tmp_path.chmod(0o700)
    made = processes.home()
    try:
        shut_out = os.geteuid() == 0
        assert made.parent == (Path("/tmp") if shut_out else tmp_path)
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
    finally:
        processes.remove_home(made)
