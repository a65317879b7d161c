"""Stand-ins: real processes on loopback that run where an image would."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from threading import Event, Lock, Thread

from arca.emulator import orphans

PASSED = ("PATH", "HOME", "LANG", "PYTHONPATH", "VIRTUAL_ENV")
"""What a stand-in keeps of the server's environment; the rest is the container's own."""
LOOPBACK = "127.0.0.1"
END_SECONDS = 2.0
"""From SIGTERM to SIGKILL."""
MOST_BYTES = 1 << 20
"""Of output that is handed on at once while the process runs."""


class Process:
    """One stand-in, with its children in a process group of their own."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        kept = {name: os.environ[name] for name in PASSED if name in os.environ}
        self.since = time.monotonic()
        self.asked: float | None = None
        """When its health was asked for, by the monotonic clock."""
        self.asking = False
        """Whether an answer is still to come."""
        self.misses = 0
        """Health checks that failed in a row."""
        self.port: int | None = None
        self.gone = Event()
        """Set when it was ended, and its group with it."""
        self._told = False
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._read = 0
        try:
            self._popen = subprocess.Popen(  # noqa: S603 - the stand-in that the operator named
                list(words),
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                env={**kept, **environment, **orphans.mark()},
                start_new_session=True,
            )
        except OSError:
            self._output.close()
            raise

    @property
    def pid(self) -> int:
        """Of the process, and of its group."""
        return self._popen.pid

    def code(self) -> int | None:
        """The exit code as a container's: 128 and the signal's number where a signal ended it."""
        code = self._popen.poll()
        return code if code is None or code >= 0 else 128 - code

    def lines(self) -> list[str]:
        """What it wrote since the last time: whole lines of it while it runs, else all."""
        if self._output.closed:
            return []
        ended = self._popen.poll() is not None
        # What a process writes that got away from its group is not waited for.
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
        # A line that is longer than all that is handed on at once is cut.
        return text[:whole] if whole or len(text) < MOST_BYTES else text

    def ask_to_end(self) -> None:
        """Send SIGTERM to the whole group, once: a second one says something else to many."""
        if not self._told:
            self._told = True
            self._send(signal.SIGTERM)

    def end(self, deadline: float) -> None:
        """End the group for certain, by a moment of the monotonic clock."""
        self.ask_to_end()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout=max(0.0, deadline - time.monotonic()))
        # What the process started may have outlived it.
        self._send(signal.SIGKILL)
        self._popen.wait()
        self.gone.set()

    def close(self) -> None:
        """Forget its output."""
        self._output.close()

    def _send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)


class Processes:
    """All stand-ins of a server, so that none outlives it."""

    def __init__(self) -> None:
        self._running: set[Process] = set()
        self._lock = Lock()
        self._closed = False

    def start(self, words: Sequence[str], environment: Mapping[str, str]) -> Process:
        """Start one; raises OSError where the command cannot be run."""
        with self._lock:
            if self._closed:
                raise OSError("the emulated cloud is ending")
            process = Process(words, environment)
            self._running.add(process)
            return process

    def end(self, process: Process) -> None:
        """Have one end: at once if it has died, else while others go on; see `gone`."""
        deadline = time.monotonic() + END_SECONDS
        if process.code() is None:
            process.ask_to_end()
            Thread(target=self._end, args=(process, deadline), daemon=True).start()
        else:
            self._end(process, deadline)

    def _end(self, process: Process, deadline: float) -> None:
        process.end(deadline)
        with self._lock:
            self._running.discard(process)

    @staticmethod
    def wait(processes: Iterable[Process]) -> None:
        """Wait for the end of processes that were told to: together, and within the bound."""
        deadline = time.monotonic() + END_SECONDS
        for process in processes:
            process.gone.wait(max(0.0, deadline - time.monotonic()))

    def end_all(self, *, closing: bool) -> None:
        """End all, together within two bounds; when closing, none is started any more."""
        with self._lock:
            self._closed = self._closed or closing
            running = list(self._running)
            self._running.clear()
        for process in running:
            process.ask_to_end()
        deadline = time.monotonic() + END_SECONDS
        for process in running:
            process.end(deadline)
            process.close()


def free_port() -> int:
    """A loopback port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
