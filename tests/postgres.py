"""A real PostgreSQL for tests: one server a session, a fresh database a test.

The binaries are the product's. Its servers are not: they outlive who started them and keep their
settings, while these end with the test, even a killed one, and are as fast as can be.
"""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from arca.emulator.live.postgres import binaries
from arca.emulator.live.processes import free_port, unprivileged

USER, PASSWORD = "arca_owner", "not-a-secret"
FAST_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "16MB",
    "max_connections": "40",
    "autovacuum": "off",
    "io_method": "sync",
}
"""Settings of a small, fast server whose data need not survive."""
GUARDED_COMMAND = '"$0" "$@" & read -r _; kill -QUIT $!; wait $!; rm -rf data'
"""Ends the server and removes its data when stdin closes, as it does for a killed test."""


@dataclass(frozen=True)
class Server:
    """A server on loopback TCP that requires passwords."""

    port: int
    _numbers: Iterator[int]

    def database(self) -> dict[str, str]:
        """Create an empty database; return its variables by docs/service-contract.md."""
        name = f"test_{next(self._numbers)}"
        with self.connect("postgres", autocommit=True) as session:
            session.execute(f"CREATE DATABASE {name}".encode())
        return {
            "DATABASE_ADDRESS": "127.0.0.1",
            "DATABASE_PORT": str(self.port),
            "DATABASE_NAME": name,
            "DATABASE_USERNAME": USER,
            "DATABASE_PASSWORD": PASSWORD,
        }

    def connect(self, name: str, **options: Any) -> psycopg.Connection[Any]:
        """Open a session in a database as its owner."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, dbname=name, user=USER, password=PASSWORD, **options
        )


TEMPORARY = tempfile.gettempdir()
"""Read before any test moves it below a folder that the server's user may not enter."""


@contextmanager
def running() -> Generator[Server]:
    """Run a server until the end of the block."""
    with _home() as (home, user):
        programs = binaries(home)
        _initialize(programs, home, user)
        with _serving(home, programs, user) as server:
            yield server


@contextmanager
def replica(primary: Server) -> Generator[Server]:
    """Run a hot standby that follows a server, until the end of the block."""
    with _home() as (home, user):
        programs = binaries(home)
        source = ("--host", "127.0.0.1", "--port", str(primary.port), "--username", USER)
        _run(
            [
                *(programs / "pg_basebackup", "--pgdata", home / "data", *source),
                *("--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf", "--no-sync"),
            ],
            home,
            user,
        )
        with _serving(home, programs, user) as server:
            yield server


@contextmanager
def _home() -> Generator[tuple[Path, str | None]]:
    """Create a directory for a server, and name the user that runs it."""
    with tempfile.TemporaryDirectory(prefix="arca-pg-", dir=TEMPORARY) as folder:
        home = Path(folder)
        user = unprivileged()
        if user is not None:
            shutil.chown(home, user)
        yield home, user


@contextmanager
def _serving(home: Path, programs: Path, user: str | None) -> Generator[Server]:
    """Run the server of a data directory until the end of the block."""
    port = free_port()
    settings = {
        **FAST_SETTINGS,
        "port": str(port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(home),
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = ["/bin/sh", "-c", GUARDED_COMMAND, programs / "postgres", "-D", home / "data"]
    with (
        (home / "log").open("wb") as log,
        subprocess.Popen(
            [*command, *options],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            user=user,
            cwd=home,
            env={"LC_ALL": "C"},
        ) as process,
    ):
        try:
            _wait(port, process, home / "log")
            yield Server(port, count(1))
        finally:
            if process.stdin is not None:
                process.stdin.close()
            process.wait(timeout=30)


def _initialize(programs: Path, home: Path, user: str | None) -> None:
    """Create a data directory with one superuser."""
    (home / "password").write_text(PASSWORD, encoding="utf-8")
    _run(
        [
            *(programs / "initdb", "-D", home / "data", "-U", USER),
            *("--pwfile", home / "password", "--auth=scram-sha-256"),
            *("--no-sync", "--encoding=UTF8", "--locale=C"),
        ],
        home,
        user,
    )


def _run(command: list[str | Path], home: Path, user: str | None) -> None:
    """Run a program of PostgreSQL to its end."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        user=user,
        cwd=home,
        env={"LC_ALL": "C", "PGPASSWORD": PASSWORD},
    )
    assert done.returncode == 0, done.stderr


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server accepts connections."""
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(
                host="127.0.0.1", port=port, dbname="postgres", user=USER, password=PASSWORD
            ).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text(encoding="utf-8"))
