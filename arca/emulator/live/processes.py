"""Processes of the living cloud: where they run, as whom, and how they end with the server."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from arca.emulator import server_children
from arca.emulator.state import ServerProcess
from arca.errors import ArcaError

LOOPBACK = "127.0.0.1"
UNPRIVILEGED_USER = "nobody"
"""Who runs the databases where the operator is root, because PostgreSQL refuses root."""
READY_SECONDS = 30


def unprivileged() -> str | None:
    """Return the user that a database runs as; None for this one."""
    return UNPRIVILEGED_USER if os.geteuid() == 0 else None


def home() -> Path:
    """Make a directory that the databases' user may enter, whatever the checkout's parents are."""
    made = Path(tempfile.mkdtemp(prefix="arca-live-"))
    user = unprivileged()
    if user is not None:
        shutil.chown(made, user)
    return made


def mark(server: ServerProcess) -> Mapping[str, str]:
    """Return the variable by which `arca local down` finds all that belongs to a server."""
    return {server_children.MARK_VARIABLE: f"{server.pid}.{server.born}"}


def own_environment() -> dict[str, str]:
    """Return the variables that a Python of ours needs."""
    kept = ("PATH", "HOME", "PYTHONPATH", "VIRTUAL_ENV", "LANG")
    return {name: os.environ[name] for name in kept if name in os.environ}


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.create_server((LOOPBACK, 0)) as probe:
        return int(probe.getsockname()[1])


class Daemon:
    """A process of ours with a log; it leads a process group of its own."""

    def __init__(
        self,
        words: Sequence[str | Path],
        *,
        log: Path,
        environment: Mapping[str, str],
        user: str | None = None,
        directory: Path | None = None,
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - programs of ours, no shell
                [str(word) for word in words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(environment),
                cwd=directory,
                user=user,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def wait_for_port(self, port: int, what: str) -> None:
        """Wait until it listens; raises ArcaError with the log's end where it does not."""
        deadline = time.monotonic() + READY_SECONDS
        while self.running and time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection((LOOPBACK, port), 1):
                return
            time.sleep(0.02)
        raise self.failed(what, f"an answer at {LOOPBACK}:{port} within {READY_SECONDS} s")

    def failed(self, what: str, wanted: str = "a process that runs") -> ArcaError:
        """Return the error for a process that does not run, with the end of its log."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return ArcaError(
            f"{what} does not run: {lines[-1] if lines else 'it said nothing'}",
            where=str(self.log),
            wanted=wanted,
            do="read that log; `make down` ends what runs",
        )

    def kill(self) -> None:
        """End the process group without a word, as a lost region does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask the process to end, and end it after a while."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=server_children.KILL_AFTER_SECONDS)
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        self._process.wait()
