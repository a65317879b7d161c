"""Processes of the living cloud: where they run, as whom, and how they end with the server."""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from arca.emulator import server_children
from arca.emulator.server import free_port
from arca.emulator.state import ServerProcess
from arca.errors import ArcaError

LOOPBACK = "127.0.0.1"
UNPRIVILEGED_USER = "nobody"
"""Who runs the databases where the operator is root, because PostgreSQL refuses root."""
READY_SECONDS = 30
PREFIX = "arca-live-"
"""How the name of a directory of `home` begins."""
HOME_VARIABLE = "ARCA_LIVE_HOME"
"""Marks what the process of the living cloud has started, by its directory."""
REMOVALS = 20
OPEN_FOLDER = "/tmp"  # noqa: S108 - a directory of our own is made in it
"""A temporary directory that every user may enter (Filesystem Hierarchy Standard)."""


def unprivileged() -> str | None:
    """Return the user that a database runs as; None for this one."""
    return UNPRIVILEGED_USER if os.geteuid() == 0 else None


def home() -> Path:
    """Make a directory that the databases' user may enter, whatever the checkout's parents are."""
    user, base = unprivileged(), Path(tempfile.gettempdir())
    if user is not None and not all(one.stat().st_mode & 0o001 for one in (base, *base.parents)):
        base = Path(OPEN_FOLDER)
    made = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    if user is not None:
        shutil.chown(made, user)
    return made


def mark(server: ServerProcess) -> Mapping[str, str]:
    """Return the variable by which `arca local down` finds all that belongs to a server."""
    return {server_children.MARK_VARIABLE: f"{server.pid}.{server.born}"}


def remove_home(home: Path) -> None:
    """Delete a directory of `home`; nothing else is deleted."""
    for _ in range(REMOVALS):
        if not home.name.startswith(PREFIX) or not home.exists():
            return
        # A database that is being killed may write a file meanwhile.
        shutil.rmtree(home, ignore_errors=True)


def own_environment() -> dict[str, str]:
    """Return the variables that a Python of ours needs."""
    kept = ("PATH", "HOME", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}


def wheel(module: str, program: str) -> Path:
    """Return the folder of a wheel with a program in it; raises ArcaError without the wheel."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ArcaError(
            f"There is no {program} to run.",
            where="this Python environment",
            wanted=f"the wheel {module.replace('_', '-')}",
            do="install arca-infra[live], or work in the checkout's `.venv`",
        )
    return Path(spec.origin).parent


class Ports:
    """Free ports by what listens there; a file keeps them for a next process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, int] = json.loads(file.read_bytes()) if file.exists() else {}

    def of(self, name: str) -> int:
        """Return the port of this name."""
        if name not in self._known:
            self._known[name] = free_port()
            new = self._file.with_suffix(".new")
            new.write_text(json.dumps(self._known), encoding="utf-8")
            new.replace(self._file)
        return self._known[name]


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
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def wait_for_port(self, port: int, what: str) -> None:
        """Wait until it listens; raises ArcaError with the log's end where it does not."""

        def listens() -> bool:
            with suppress(OSError), socket.create_connection((LOOPBACK, port), 1):
                return True
            return False

        self.wait_for(listens, what, f"an answer at {LOOPBACK}:{port}")

    def wait_for(self, ready: Callable[[], bool], what: str, wanted: str) -> None:
        """Wait until it is ready; raises ArcaError with the log's end where it does not."""
        deadline = time.monotonic() + READY_SECONDS
        while self.running and time.monotonic() < deadline:
            if ready():
                return
            time.sleep(0.02)
        raise self.failed(what, f"{wanted} within {READY_SECONDS} s")

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
        """End the process and all below it without a word, as a lost region does."""
        if self._process.poll() is None:
            server_children.kill_tree(self._process.pid)
        self._process.wait()
