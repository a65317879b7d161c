"""A run's file tells whether its process lives, whatever its number and its machine's name are."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from arca.release import run_lock
from arca.release.run_lock import RunLock, forget, has_ended_here, run_file
from tests.arca.release.processes import die

RUN = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
HOLD = f"""
import sys
from arca.release.run_lock import RunLock
lock = RunLock({RUN!r})
print("held", flush=True)
sys.stdin.read()
"""


def test_a_process_that_is_killed_has_ended_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel frees the lock of a process that SIGKILL ends."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert not has_ended_here(RUN)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert has_ended_here(RUN)
    forget(RUN)
    assert not has_ended_here(RUN)


def test_this_process_lives_until_it_lets_go() -> None:
    """A run of this process lives, and has ended once it let go of its lock."""
    lock = RunLock(RUN)
    assert not has_ended_here(RUN)
    lock.free()
    lock.free()
    assert has_ended_here(RUN)
    lock.forget()
    assert not run_file(RUN).exists()


def test_a_run_of_another_machine_is_not_known() -> None:
    """Without its file nobody can tell here that a run has ended."""
    assert not has_ended_here(RUN)
    assert not has_ended_here("../\0")


def test_a_file_that_another_kernel_locks_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network file system may show the file of a run that lives elsewhere, without its lock."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(run_lock, "_this_kernel", lambda: b"another")
        lock = RunLock(RUN)
        lock.free()
        assert has_ended_here(RUN)
    assert not has_ended_here(RUN)
    lock.forget()


def test_a_file_of_another_user_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can have a living run taken for a dead one with a file of their own."""
    die(RUN)
    assert has_ended_here(RUN)
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    assert not has_ended_here(RUN)


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    """A link to a file that nobody locks is no proof."""
    other = tmp_path / "other"
    other.touch()
    run_file(RUN).symlink_to(other)
    assert not has_ended_here(RUN)
    RunLock(RUN).forget()


def test_without_a_file_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk or a directory that cannot be written to ends no release."""
    monkeypatch.setattr(run_lock.tempfile, "tempdir", "/nowhere")
    lock = RunLock(RUN)
    lock.forget()
    assert not has_ended_here(RUN)
