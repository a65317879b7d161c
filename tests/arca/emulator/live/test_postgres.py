"""A PostgreSQL in place of an RDS instance: what it keeps, whom it lets in, what a kill does."""

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from arca.emulator.live import postgres, processes
from arca.emulator.live.postgres import Postgres
from arca.emulator.server_children import start_ticks
from arca.errors import ArcaError
from tests.arca.emulator.ecs.emulated_ecs import wait_for
from tests.arca.emulator.live.standing import DATABASE, OWNER, PASSWORD, Home, ask


@pytest.fixture(scope="module")
def primary(shared_home: Home) -> Iterator[Postgres]:
    """A server with a database."""
    made = Postgres("primary", shared_home.path, shared_home.environment)
    made.create(database=DATABASE, owner=OWNER, password=PASSWORD)
    yield made
    made.drop()


def process(server: Postgres) -> Path:
    """Return what the kernel says of a server's first process."""
    assert server.daemon is not None
    return Path(f"/proc/{server.daemon.pid}")


def test_the_owner_owns_and_is_no_superuser(primary: Postgres) -> None:
    """As on RDS, it makes roles and tables, and reads no file of the server."""
    ask(primary, "CREATE TABLE owned (n int)")
    ask(primary, "CREATE ROLE somebody")
    ask(primary, "DROP ROLE somebody")
    assert ask(primary, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(primary, "COPY owned FROM PROGRAM 'echo 1'")


def test_nobody_gets_in_without_the_password(primary: Postgres) -> None:
    """It listens on loopback alone, and no password is in a process's words or variables."""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            host="127.0.0.1", port=primary.port, dbname=DATABASE, user=OWNER, password=OWNER
        )
    assert ask(primary, "SHOW listen_addresses") == [("127.0.0.1",)]
    for name in ("cmdline", "environ"):
        content = (process(primary) / name).read_bytes()
        assert primary.password.encode() not in content
        assert PASSWORD.encode() not in content
    folder = primary.home / primary.name
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (primary.home, folder, folder / "data")]
    assert modes == [0o700] * 3
    assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600
    assert primary.password not in repr(primary)


def test_it_runs_as_another_user_under_root(primary: Postgres) -> None:
    """PostgreSQL refuses root; for anybody else it runs as the operator."""
    wanted = pwd.getpwnam(processes.UNPRIVILEGED_USER).pw_uid if os.geteuid() == 0 else os.geteuid()
    assert process(primary).stat().st_uid == wanted


def test_a_kill_ends_every_process_and_loses_nothing(primary: Postgres) -> None:
    """What was acknowledged is there after SIGKILL, also for an object that comes after this."""
    ask(primary, "CREATE TABLE kept (n int)")
    busy = psycopg.connect(
        host="127.0.0.1", port=primary.port, dbname=DATABASE, user=OWNER, password=PASSWORD
    )
    # It holds an open transaction, and leads a session of its own.
    busy.execute("INSERT INTO kept VALUES (2)")
    worker = busy.info.backend_pid
    ask(primary, "INSERT INTO kept VALUES (1)")
    assert primary.daemon is not None
    killed = primary.daemon
    primary.kill()
    busy.close()
    assert start_ticks(worker) is None
    assert start_ticks(killed.pid) is None
    assert not primary.running
    primary.kill()
    successor = Postgres(primary.name, primary.home, primary.environment, primary.port)
    assert successor.made
    successor.resume()
    assert ask(successor, "SELECT n FROM kept") == [(1,)]
    # The fixture's own object goes on with it.
    primary.daemon = successor.daemon
    before = process(primary)
    primary.start()
    assert process(primary) == before


def test_it_waits_for_what_a_killed_postmaster_left(primary: Postgres) -> None:
    """PostgreSQL itself keeps a second one from the data; nothing of ours removes its lock."""
    with psycopg.connect(
        host="127.0.0.1", port=primary.port, dbname=DATABASE, user=OWNER, password=PASSWORD
    ) as session:
        worker = session.info.backend_pid
        os.kill(worker, 19)
        try:
            assert primary.daemon is not None
            os.kill(primary.daemon.pid, 9)
            wait_for(lambda: not primary.running, "its end")
            patience, postgres.ORPHANS_SECONDS = postgres.ORPHANS_SECONDS, 0
            try:
                with pytest.raises(ArcaError, match="old server processes"):
                    primary.start()
            finally:
                postgres.ORPHANS_SECONDS = patience
        finally:
            os.kill(worker, 9)
    primary.start()
    assert ask(primary, "SELECT 1") == [(1,)]


def test_a_standby_follows_lags_and_is_promoted(primary: Postgres, shared_home: Home) -> None:
    """It refuses writes before, knows its lag, survives its primary and takes writes after."""
    ask(primary, "CREATE TABLE copied (n int)")
    ask(primary, "INSERT INTO copied VALUES (1)")
    standby = Postgres("standby", shared_home.path, shared_home.environment)
    standby.follow(primary)
    try:
        assert (standby.in_recovery(), primary.in_recovery()) == (True, False)
        wait_for(lambda: ask(standby, "SELECT n FROM copied") == [(1,)], "the row")

        def new_transaction() -> bool:
            primary.beat()
            return 0 <= standby.lag_seconds() < 0.5

        wait_for(new_transaction, "a transaction of now")
        wait_for(lambda: standby.lag_seconds() > 0.5, "an age that grows without writers")
        wait_for(new_transaction, "another one")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            ask(standby, "INSERT INTO copied VALUES (2)")
        with standby.session() as session:
            session.execute("SELECT pg_wal_replay_pause()")
        ask(primary, "INSERT INTO copied VALUES (3)")
        lag = standby.lag_seconds()
        wait_for(lambda: standby.lag_seconds() > lag + 0.05, "a lag")
        with standby.session() as session:
            session.execute("SELECT pg_wal_replay_resume()")
        wait_for(lambda: len(ask(standby, "SELECT n FROM copied")) == 2, "the second row")
        primary.kill()
        standby.promote()
        ask(standby, "INSERT INTO copied VALUES (4)")
        assert not standby.in_recovery()
    finally:
        standby.drop()
        primary.start()
    assert not (shared_home.path / "standby").exists()


def test_a_program_that_fails_is_named(shared_home: Home) -> None:
    """A source that does not run cannot be followed; what is half-made is not taken for data."""
    lost = Postgres("lost", shared_home.path, shared_home.environment)
    copy = Postgres("copy", shared_home.path, shared_home.environment)
    with pytest.raises(ArcaError, match="pg_basebackup fails for copy") as refused:
        copy.follow(lost)
    assert "Connection refused" in refused.value.what
    assert not copy.made
