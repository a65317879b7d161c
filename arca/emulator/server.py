"""The process of the emulated AWS: starts it, recognizes it and ends it."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from arca import checkout
from arca.emulator import server_children
from arca.emulator.ecs.access import TOKEN_VARIABLE
from arca.emulator.ecs.faults import ALIVE_PATH
from arca.emulator.state import CloudRecord, ServerProcess
from arca.errors import ArcaError

SERVER_HOST = "127.0.0.1"
START_SECONDS = 30
STOP_SECONDS = 5
MOTO_SETTINGS = {
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    # No page of another site may read an answer.
    "MOTO_DISABLE_GLOBAL_CORS": "true",
    # Moto otherwise issues a certificate after a minute.
    "MOTO_ACM_VALIDATION_WAIT": "0",
}


def start(*, port: int, public_port: int, account: str, log: Path) -> CloudRecord:
    """Start the server without waiting for it; raises ArcaError if the port is taken.

    `public_port` is the one that moto names in its answers. The server gets a session of its own,
    so that it survives the end of the terminal or of make.
    """
    refuse_taken(port)
    token = secrets.token_urlsafe(32)
    settings = {**MOTO_SETTINGS, "MOTO_ACCOUNT_ID": account, "MOTO_PORT": str(public_port)}
    try:
        output = log.open("w", encoding="utf-8")
    except OSError as error:
        raise ArcaError(
            f"The server's log cannot be written: {error.strerror}.",
            where=str(log),
            wanted="a directory with free space that this user may write to",
            do="correct the permissions, or set ARCA_STATE_DIR to another directory",
        ) from None
    with output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            [sys.executable, "-m", "arca.emulator.ecs", "--host", SERVER_HOST, "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=checkout.root(),
            env={**os.environ, **settings, **_path(), TOKEN_VARIABLE: token},
        )
    born = server_children.start_ticks(process.pid)
    if born is None:
        raise _dead(log)
    return CloudRecord(pid=process.pid, born=born, port=port, endpoint=endpoint(port), token=token)


def _path() -> dict[str, str]:
    """Let a stand-in's `python` be the one with our libraries, whether or not it is activated."""
    others = [path for path in (os.environ.get("PATH"),) if path]
    return {"PATH": os.pathsep.join([str(Path(sys.executable).parent), *others])}


def endpoint(port: int) -> str:
    """Return the URL of a server at a port."""
    return f"http://{SERVER_HOST}:{port}"


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind((SERVER_HOST, 0))
        return int(probe.getsockname()[1])


def wait_until_ready(record: CloudRecord, *, log: Path) -> None:
    """Wait for the first answer; raises ArcaError if the server ends or does not answer."""
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
        wanted="an answer to an HTTP request",
        do=f"read {log}",
    )


def answers(record: CloudRecord) -> bool:
    """Return whether the recorded server answers; another program at its port does not count."""
    try:
        with urlopen(f"{record.endpoint}{ALIVE_PATH}", timeout=5) as answer:  # noqa: S310 - loopback, http
            return json.loads(answer.read())["pid"] == record.pid
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return False


def alive(server: ServerProcess) -> bool:
    """Return whether the recorded process runs; another process with its number does not count."""
    return server_children.start_ticks(server.pid) == server.born


def stop(server: ServerProcess) -> bool:
    """End the server and all that it started; returns whether the server was running."""
    was_alive = alive(server)
    if was_alive:
        _end(server)
    server_children.end_children(server=server.pid, born=server.born)
    return was_alive


def _end(server: ServerProcess) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(server.pid, number)
        except ProcessLookupError:
            break
        deadline = time.monotonic() + STOP_SECONDS
        while alive(server) and time.monotonic() < deadline:
            _reap(server.pid)
            time.sleep(0.02)
        if not alive(server):
            break


def refuse_taken(port: int, *, what: str = "the emulated AWS", other: str | None = None) -> None:
    """Raise ArcaError if the port is in use; `other` is a command with another one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((SERVER_HOST, port))
        except OSError as error:
            raise ArcaError(
                f"Port {port} cannot be used: {error.strerror}.",
                where=f"{SERVER_HOST}:{port}",
                wanted=f"a free port for {what}",
                do="end what listens there, or choose another: "
                + (other or f"`make up PORT={port + 1}`"),
            ) from None


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _dead(log: Path) -> ArcaError:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return ArcaError(
        "The emulated AWS ended while it was starting.",
        where=f"{log}: {lines[-1] if lines else 'empty'}",
        wanted="a running moto server",
        do=f"read {log}; `rm -rf .venv` and run it again if a package is missing",
    )
