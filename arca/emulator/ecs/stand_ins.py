"""Stand-ins: processes on loopback that run in place of an image's containers."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

from arca.emulator import server_children
from arca.emulator.server_children import KILL_AFTER_SECONDS

KEPT_VARIABLES = ("PATH", "HOME", "PYTHONPATH", "VIRTUAL_ENV")
"""The server's environment variables that a stand-in gets, whatever the container sets."""
LOOPBACK = "127.0.0.1"
MOST_BYTES = 1 << 20
"""Bytes of output that are read at once while the process runs."""


@dataclass(frozen=True)
class StandIn:
    """What runs in place of an image."""

    command: tuple[str, ...]
    """The container's own command is appended."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variables beside the container's, for what only this machine needs."""


def stand_in_for(image: str, known: Mapping[str, StandIn]) -> StandIn | None:
    """Return the stand-in of an image, or else that of its repository."""
    name = image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    # A colon before a slash is that of a registry's port.
    repository = head if colon and "/" not in tag else name
    return known.get(image) or known.get(repository)


class StandInProcess:
    """A stand-in process; it leads a process group that holds its children too."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        language = {"LANG": os.environ["LANG"]} if "LANG" in os.environ else {}
        self.started_at = time.monotonic()
        """When the process started, by the monotonic clock."""
        self.checked_at: float | None = None
        """When the last health check began, by the monotonic clock."""
        self.check_running = False
        """Whether a health check is in progress."""
        self.failed_checks = 0
        """Health checks that failed in a row."""
        self.port: int | None = None
        self.stop_seconds: float | None = None
        """Seconds from SIGTERM to SIGKILL, the container's `stopTimeout`; None for ours."""
        self.gone = Event()
        """Set when the whole process group has ended."""
        self.told_to_stop = False
        """Whether SIGTERM was sent."""
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._read = 0
        try:
            self._popen = subprocess.Popen(  # noqa: S603 - the stand-in that the operator named
                list(words),
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                env={**language, **environment, **kept, **server_children.environment_mark()},
                start_new_session=True,
            )
        except OSError:
            self._output.close()
            raise

    @property
    def pid(self) -> int:
        """The number of the process and of its group."""
        return self._popen.pid

    def code(self) -> int | None:
        """Return the exit code as a container has it, or None while the process runs.

        After a signal it is 128 plus the signal's number.
        """
        code = self._popen.poll()
        return code if code is None or code >= 0 else 128 - code

    def lines(self) -> list[str]:
        """Return the output since the last call: whole lines while the process runs, else all."""
        if self._output.closed:
            return []
        ended = self._popen.poll() is not None
        # A process that left the group may still write; nobody waits for that output.
        size = os.fstat(self._output.fileno()).st_size
        found: list[str] = []
        while self._read < size:
            text = self._next(size, ended=ended)
            self._read += len(text)
            found += text.decode(errors="replace").removesuffix("\n").split("\n") if text else []
            if not ended:
                break
        return found

    def _next(self, size: int, *, ended: bool) -> bytes:
        text = os.pread(self._output.fileno(), min(MOST_BYTES, size - self._read), self._read)
        whole = text.rfind(b"\n") + 1
        if ended and self._read + len(text) == size:
            return text
        # A line that is longer than what is read at once is returned in parts.
        return text[:whole] if whole or len(text) < MOST_BYTES else text

    def terminate(self) -> None:
        """Send SIGTERM to the whole group, once: many programs exit at once on a second one."""
        if not self.told_to_stop:
            self.told_to_stop = True
            self._send(signal.SIGTERM)

    def end(self, deadline: float) -> None:
        """End the group, with SIGKILL after a deadline of the monotonic clock."""
        self.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout=max(0.0, deadline - time.monotonic()))
        # The children of the process may have outlived it.
        self._send(signal.SIGKILL)
        self._popen.wait()
        self.gone.set()

    def kill(self) -> None:
        """End the group at once, as the loss of a region does."""
        self._send(signal.SIGKILL)

    def close(self) -> None:
        """Delete the output."""
        self._output.close()

    def _send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)


class StandInProcesses:
    """All stand-in processes of a server, so that none outlives it."""

    def __init__(self) -> None:
        self._running: set[StandInProcess] = set()
        self._lock = Lock()
        self._closed = False

    def start(self, words: Sequence[str], environment: Mapping[str, str]) -> StandInProcess:
        """Start a process; raises OSError if the command cannot be run."""
        with self._lock:
            if self._closed:
                raise OSError("the emulated cloud is ending")
            process = StandInProcess(words, environment)
            self._running.add(process)
            return process

    def end(self, process: StandInProcess, *, drain_seconds: float = 0.0) -> None:
        """Begin to end a process without waiting; its `gone` is set when it has ended.

        It is told to stop when load balancers have had `drain_seconds` to forget it.
        """
        if process.code() is not None:
            self._end(process, 0.0)
            return
        if not drain_seconds:
            process.terminate()
        Thread(target=self._end, args=(process, drain_seconds), daemon=True).start()

    def _end(self, process: StandInProcess, drain_seconds: float) -> None:
        time.sleep(drain_seconds)
        stop_seconds = KILL_AFTER_SECONDS if process.stop_seconds is None else process.stop_seconds
        process.end(time.monotonic() + stop_seconds)
        with self._lock:
            self._running.discard(process)

    @staticmethod
    def wait(processes: Iterable[StandInProcess]) -> None:
        """Wait for processes that were told to end, for KILL_AFTER_SECONDS in all."""
        deadline = time.monotonic() + KILL_AFTER_SECONDS
        for process in processes:
            process.gone.wait(max(0.0, deadline - time.monotonic()))

    def end_all(self, *, closing: bool) -> None:
        """End all processes; after `closing`, no new one can be started."""
        with self._lock:
            self._closed = self._closed or closing
            running = list(self._running)
            self._running.clear()
        for process in running:
            process.terminate()
        deadline = time.monotonic() + KILL_AFTER_SECONDS
        for process in running:
            process.end(deadline)
            process.close()


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
