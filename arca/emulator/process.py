"""The server's process: started detached, told apart from strangers, ended for certain."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from arca import checkout
from arca.emulator import orphans
from arca.emulator.state import CloudRecord
from arca.errors import ArcaError

HOST = "127.0.0.1"
START_SECONDS = 30
STOP_SECONDS = 5
SETTINGS = {
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    # A certificate is issued at once; nobody waits a minute for an emulation.
    "MOTO_ACM_VALIDATION_WAIT": "0",
}


def start(*, port: int, account: str, log: Path) -> CloudRecord:
    """Start the server and return at once; raises ArcaError on a port that is taken.

    It gets a session of its own, so that the end of the terminal or of make is not its end.
    """
    refuse_taken(port)
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            [sys.executable, "-m", "arca.emulator.ecs", "--host", HOST, "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=checkout.root(),
            env={**os.environ, **SETTINGS, "MOTO_ACCOUNT_ID": account},
        )
    born = orphans.born(process.pid)
    if born is None:
        raise _dead(log)
    return CloudRecord(pid=process.pid, born=born, port=port, endpoint=f"http://{HOST}:{port}")


def wait_until_ready(record: CloudRecord, *, log: Path) -> None:
    """Wait for the first answer; raises ArcaError when the server dies or stays silent."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if not alive(record):
            raise _dead(log)
        if answers(record):
            return
        time.sleep(0.05)
    raise ArcaError(
        f"The emulated AWS did not answer within {START_SECONDS} seconds.",
        where=record.endpoint,
        wanted="an answer",
        do=f"read {log}",
    )


def answers(record: CloudRecord) -> bool:
    """Whether the server answers."""
    try:
        with urlopen(f"{record.endpoint}/moto-api/", timeout=5) as answer:  # noqa: S310 - loopback, http
            return answer.status == 200
    except (URLError, OSError):
        return False


def alive(record: CloudRecord) -> bool:
    """Whether the recorded process still runs, and is not another one with its number."""
    return orphans.born(record.pid) == record.born


def stop(record: CloudRecord) -> bool:
    """End the server, first politely, and what it left; says whether there was one."""
    was_alive = alive(record)
    if was_alive:
        _end(record)
    orphans.end(server=record.pid, born=record.born)
    return was_alive


def _end(record: CloudRecord) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(record.pid, number)
        except ProcessLookupError:
            break
        deadline = time.monotonic() + STOP_SECONDS
        while alive(record) and time.monotonic() < deadline:
            _reap(record.pid)
            time.sleep(0.02)
        if not alive(record):
            break


def refuse_taken(port: int) -> None:
    """Raise ArcaError when something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ArcaError(
                f"Port {port} cannot be used: {error.strerror}.",
                where=f"{HOST}:{port}",
                wanted="a free port for the emulated AWS",
                do=f"end what listens there, or choose another: `make up PORT={port + 1}`",
            ) from None


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _dead(log: Path) -> ArcaError:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return ArcaError(
        "The emulated AWS ended as it started.",
        where=f"{log}: {lines[-1] if lines else 'empty'}",
        wanted="a running moto server",
        do=f"read {log}; `rm -rf .venv` and run it again if a package is missing",
    )
