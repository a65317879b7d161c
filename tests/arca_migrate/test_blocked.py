"""Tests of what blocks a run: another runner, a lock, a lost session, a refused connection."""

import errno
import os
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from arca_migrate.attempt import RevisionFailed
from arca_migrate.database import Database, Limits
from arca_migrate.errors import MigrationError, MigrationRefused
from arca_migrate.sessions import LOCK

from tests.arca_migrate.histories import HASTY, Lines, asked, columns, invoices, run, session, write

WATCHED = replace(HASTY, lock=1.5)
"""Limits that leave a second session time to look, even on a busy machine."""
WAITING_IS_ENDED = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    " AND datname = current_database() AND application_name = 'arca-migrate'"
)
ADD = ("expand", "ALTER TABLE a ADD COLUMN c bigint")


@pytest.fixture
def history(database: Database, tmp_path: Path) -> Path:
    """A history whose only revision needs a lock of an existing table."""
    with session(database) as other:
        other.execute("CREATE TABLE a AS SELECT 1 AS b")
    return write(tmp_path, ADD)


@contextmanager
def busy(database: Database) -> Generator[psycopg.Connection[Any]]:
    """A session that holds a lock of the table, as a long report does."""
    with session(database, "report") as other:
        other.execute("SELECT b FROM a WHERE b <> 20304050607")
        yield other


def test_a_second_runner_is_refused(database: Database) -> None:
    """The error names the first one's pid, name and start."""
    with session(database, "arca-migrate") as other:
        other.execute(f"SELECT pg_advisory_lock({LOCK})".encode())
        pid = other.info.backend_pid
        begin = time.monotonic()
        with pytest.raises(
            MigrationRefused, match=rf"Another runner .* pid {pid} of arca_owner"
        ) as raised:
            run(database, invoices())
        assert 0.3 <= time.monotonic() - begin < 10
    assert "(arca-migrate), idle in transaction since 20" in raised.value.what
    assert f"pg_terminate_backend({pid})" in raised.value.do
    assert columns(database, "accounts") == []


def test_a_runner_of_another_database_is_no_matter(
    database: Database, server: Any, tmp_path: Path
) -> None:
    """The runner's lock belongs to one database."""
    other = Database.of(server.database())
    with session(other) as elsewhere:
        elsewhere.execute(f"SELECT pg_advisory_lock({LOCK})".encode())
        history = write(tmp_path, ("expand", "CREATE TABLE a (b bigint)"))
        run(database, history)
        with session(database) as here:
            here.execute(f"SELECT pg_advisory_lock({LOCK})".encode())
            with pytest.raises(MigrationRefused, match=f"pid {here.info.backend_pid} "):
                run(database, history)


def test_a_runner_that_ends_in_time_is_waited_for(database: Database) -> None:
    """Two deployments that follow each other both succeed."""
    with session(database) as other:
        other.execute(f"SELECT pg_advisory_lock({LOCK})".encode())
        timer = threading.Timer(0.3, other.close)
        timer.start()
        assert run(database, invoices(), limits=replace(HASTY, runner=10)).applied
        timer.join()


def test_two_runners_apply_each_revision_once(database: Database) -> None:
    """They run at the same time."""
    counts: list[int] = []

    def go() -> None:
        counts.append(len(run(database, invoices(), limits=replace(HASTY, runner=20)).applied))

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, 5]


def test_who_blocks_is_named(database: Database, history: Path) -> None:
    """The run fails after a limited number of attempts and changes nothing; no value is shown."""
    lines = Lines()
    with busy(database) as other:
        pid = other.info.backend_pid
        with pytest.raises(RevisionFailed, match="2 attempts ended by lock_timeout") as raised:
            run(database, history, lines=lines, limits=WATCHED)
    blocking = raised.value.blocked_by[0]
    assert (blocking.pid, blocking.user, blocking.application_name, blocking.state) == (
        pid,
        "arca_owner",
        "report",
        "idle in transaction",
    )
    assert blocking.query == "SELECT b FROM a WHERE b <> ?"
    assert blocking.since is not None
    assert f"pid {pid} of arca_owner (report), idle in transaction since 20" in raised.value.what
    assert f"pg_terminate_backend({pid})" in raised.value.do
    assert columns(database, "a") == ["b"]
    (again,) = lines.of("migration.retried")
    assert again["blocked_by"][0]["application_name"] == "report"
    assert again["level"] == "WARN"


def test_the_session_that_looks_has_limits_of_its_own(
    database: Database, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for no lock, however long a revision may take."""
    connect, seen = Database.connect, dict[str, Limits]()

    def seeing(own: Database, limits: Limits, *, application: str = "arca-migrate") -> Any:
        seen[application] = limits
        return connect(own, limits, application=application)

    monkeypatch.setattr(Database, "connect", seeing)
    with busy(database), pytest.raises(RevisionFailed):
        run(database, history, limits=replace(WATCHED, attempts=1))
    watch = seen["arca-migrate-watch"]
    assert (watch.lock, watch.statement) == (1, 5)
    assert seen["arca-migrate"].statement == WATCHED.statement > 5


def test_it_succeeds_when_the_blocker_goes_away(database: Database, history: Path) -> None:
    """A later attempt applies the revision."""
    with busy(database) as other:

        class Ending(Lines):
            """Ends the blocking session once an attempt has failed."""

            def take(self, text: str) -> None:
                super().take(text)
                if self.of("migration.retried"):
                    other.rollback()

        lines = Ending()
        run(database, history, lines=lines, limits=replace(HASTY, attempts=20))
    assert columns(database, "a") == ["b", "c"]
    assert lines.of("migration.applied")[0]["attempt"] == len(lines.of("migration.retried")) + 1
    assert lines.of("migration.retried")


def test_queries_do_not_queue_for_long(database: Database, history: Path) -> None:
    """A waiting statement blocks queries only until its lock_timeout."""
    waits: list[float] = []

    def migrating() -> None:
        with pytest.raises(RevisionFailed):
            run(database, history)

    with busy(database), session(database) as customer:
        customer.autocommit = True
        thread = threading.Thread(target=migrating)
        thread.start()
        while thread.is_alive():
            begin = time.monotonic()
            customer.execute("SELECT b FROM a")
            waits.append(time.monotonic() - begin)
        thread.join()
    assert 0.05 < max(waits) < 10


@pytest.mark.slow
def test_an_index_build_that_waits_in_vain(database: Database, tmp_path: Path) -> None:
    """The blocker blocks the drop of the invalid index too; the next run drops it."""
    with session(database) as other:
        other.execute("CREATE TABLE a AS SELECT 1 AS b")
    body = (
        "with op.get_context().autocommit_block():\n"
        "    op.execute('CREATE INDEX CONCURRENTLY i ON a (b)')"
    )
    history = write(tmp_path, ("expand", body))
    with session(database, "report") as other:
        other.execute("UPDATE a SET b = 2")
        with pytest.raises(
            RevisionFailed, match=r"lock_timeout, blocked by pid \d+ of arca"
        ) as raised:
            run(database, history, limits=WATCHED)
    assert "the invalid index public.i remains until the next run" in raised.value.what
    assert run(database, history).applied == ("r1",)
    assert asked(database, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass")


def test_a_session_that_is_ended(database: Database, history: Path) -> None:
    """Whether an operator or a failover ends it, there is one error and no change."""
    lines = Lines()

    def end() -> None:
        with session(database) as killer:
            killer.autocommit = True
            while not killer.execute(WAITING_IS_ENDED).fetchall():
                time.sleep(0.05)

    with busy(database):
        thread = threading.Thread(target=end)
        thread.start()
        with pytest.raises(RevisionFailed, match="the connection was lost"):
            run(database, history, lines=lines, limits=Limits(lock=60))
        thread.join()
    assert columns(database, "a") == ["b"]


@pytest.mark.parametrize(
    ("change", "said", "do"),
    [
        ({"password": "wrong"}, "password authentication failed", "DATABASE_PASSWORD"),
        ({"port": 1}, os.strerror(errno.ECONNREFUSED), "security group"),
        ({"name": "gone"}, 'database "gone" does not exist', "look at"),
        ({"sslmode": "verify-full"}, "server does not support SSL", "PGSSLROOTCERT"),
    ],
)
def test_a_refused_connection_is_one_error(
    change: dict[str, Any], said: str, do: str, database: Database
) -> None:
    """The error says what, where and what to do, without the password."""
    with pytest.raises(MigrationError) as raised:
        run(replace(database, **change), invoices())
    text = str(raised.value)
    assert said in text
    assert do in raised.value.do
    assert database.address in raised.value.where
    assert database.password not in text
    assert database.password not in repr(database)


def test_the_environment_is_checked(environment: dict[str, str]) -> None:
    """The error names every missing variable; a port must be a number."""
    with pytest.raises(MigrationError, match=r"DATABASE_ADDRESS, DATABASE_PORT.* are not set"):
        Database.of({})
    with pytest.raises(MigrationError, match="DATABASE_NAME is not set"):
        Database.of({**environment, "DATABASE_NAME": ""})
    for port in ("x", "0", "65536", "-1"):
        with pytest.raises(MigrationError, match="DATABASE_PORT is"):
            Database.of({**environment, "DATABASE_PORT": port})


def test_away_from_this_machine_the_server_is_verified(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only PGSSLMODE changes that."""
    asked_for: list[str] = []

    def connect(**options: Any) -> None:
        asked_for.append(options["sslmode"])

    monkeypatch.setattr(psycopg, "connect", connect)
    for far in (
        replace(database, address="db.example"),
        replace(database, sslmode="require"),
        database,
    ):
        far.connect(Limits())
    assert asked_for == ["verify-full", "require", "prefer"]
