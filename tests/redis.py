"""A real Redis for tests: the product's binary, and a server that ends with the test."""

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from arca.emulator.live.caches import binary
from arca.emulator.live.processes import free_port

PASSWORD = "not-a-secret"  # noqa: S105
STARTS_IN_SECONDS = 10


@dataclass(frozen=True)
class Server:
    """A server on loopback TCP that requires a password."""

    port: int
    process: subprocess.Popen[bytes]

    @contextmanager
    def stopped(self) -> Generator[None]:
        """Let the server hang until the end of the block: it keeps connections, without answers."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def variables(self) -> dict[str, str]:
        """Return the server's variables by docs/service-contract.md."""
        return {
            "CACHE_HOST": "127.0.0.1",
            "CACHE_PORT": str(self.port),
            "CACHE_TOKEN": PASSWORD,
            "CACHE_TLS": "off",
        }


@contextmanager
def running() -> Generator[Server]:
    """Run a server until the end of the block."""
    port = free_port()
    settings = ("--port", str(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD)
    with (
        tempfile.TemporaryDirectory(prefix="arca-redis-") as folder,
        subprocess.Popen(
            [binary(), *settings, "--save", "", "--appendonly", "no", "--daemonize", "no"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
        ) as process,
    ):
        try:
            _wait(port, process)
            yield Server(port, process)
        finally:
            process.kill()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTS_IN_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("redis-server did not start")
