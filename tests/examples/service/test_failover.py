"""The database goes away, moves, or is a standby; a task is killed in the middle of its work."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from invoicing.clock import Clock
from invoicing.errors import Unavailable
from invoicing.logs import Events
from invoicing.service import Service
from invoicing.settings import Settings

from tests import postgres
from tests.examples.service import relay as relays
from tests.examples.service.platform import Account, Answer, Platform, Task, invoice, wait

WRITTEN = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables"
PENDING = "SELECT count(*) FROM invoices WHERE account_id = %s AND status = 'pending'"


@pytest.fixture
def replica(platform: Platform) -> Iterator[postgres.Server]:
    """A hot standby of the platform's PostgreSQL, migrated like it."""
    with postgres.replica(platform.server) as server:
        yield server


def issue(task: Task, account: Account, key: str, **changes: object) -> Answer:
    """Ask for an invoice."""
    headers = account.headers | {"Idempotency-Key": key}
    return task.ask("POST", "/v1/invoices", json=invoice(**changes), headers=headers)


def promote(server: postgres.Server) -> None:
    """Let a standby become a primary."""
    with server.connect("postgres", autocommit=True) as session:
        session.execute("SELECT pg_promote(true, 30)")


def numbers(platform: Platform, account: Account) -> list[int]:
    """Return the numbers that the agency authorized for an account."""
    return [one["number"] for one in platform.authorized(account)]


def test_a_task_on_standby_never_writes(
    platform: Platform, task: Task, account: Account, replica: postgres.Server
) -> None:
    """It lives and is not ready, also when its database could be written."""
    platform.fault("http", times=-1)
    waiting = issue_in_background(task, account)
    name = platform.environment["DATABASE_NAME"]
    wait(lambda: asked(replica, name, PENDING, account.id) == 1)
    with platform.task(
        CACHE_HOST=None, CACHE_TOKEN=None, DATABASE_PORT=str(replica.port)
    ) as standby:
        before = None
        for after_promotion in (False, True):
            if after_promotion:
                promote(replica)
                before = asked(replica, name, WRITTEN)
                # Longer than a sweep: a task that serves would take the waiting invoice up.
                time.sleep(2.5)
            assert standby.ask("GET", "/health/live").status == 200
            ready = standby.ask("GET", "/health/ready")
            checks = {"database": "ok", "cache": "absent"}
            assert (ready.status, ready.body) == (503, {"checks": checks})
            refused = issue(standby, account, "b")
            assert (refused.status, refused.body["error"]["code"]) == (503, "standby")
        assert standby.stop() == 0
        assert asked(replica, name, WRITTEN) == before
        assert asked(replica, name, PENDING, account.id) == 1
        # Neither did it try: its read-only sessions are the second guard.
        assert standby.lines("worker.waits") == []
    platform.no_faults()
    waiting.join()


def issue_in_background(task: Task, account: Account) -> threading.Thread:
    """Ask for an invoice that waits, because the agency is away."""
    client = threading.Thread(target=issue, args=(task, account, "a"))
    client.start()
    return client


def asked(server: postgres.Server, database: str, query: str, *values: str) -> object:
    """Return the first value of a query."""
    with server.connect(database, autocommit=True) as session:
        row = session.execute(query.encode(), values).fetchone()
    return row[0] if row else None


def test_sessions_on_standby_are_read_only(platform: Platform) -> None:
    """Also on a server that would take a write."""
    settings = Settings.of({**platform.environment, "CACHE_HOST": ""})

    async def write() -> None:
        clock = Clock()
        service = Service(settings, clock, Events(clock, write=lambda _: None))
        await service.database.open()
        try:
            async with service.database.transaction() as session:
                await session.run("UPDATE accounts SET name = name")
        finally:
            await service.database.close()
            await service.soap.close()
            service.traces.close()

    with pytest.raises(Unavailable, match="ReadOnlySqlTransaction"):
        asyncio.run(write())


@pytest.mark.slow
def test_a_task_survives_a_failover_of_its_database(
    platform: Platform, replica: postgres.Server
) -> None:
    """Its connections are cut and its server is a standby for a moment: 503, then it serves."""
    with (
        relays.running(platform.server.port) as relay,
        platform.task(DATABASE_PORT=str(relay.port)) as task,
    ):
        account = platform.account(task)
        assert issue(task, account, "before").status == 201
        name = platform.environment["DATABASE_NAME"]
        count = "SELECT count(*) FROM invoices WHERE account_id = %s AND status = 'authorized'"
        wait(lambda: asked(replica, name, count, account.id) == 1)
        relay.move(replica.port)
        during = issue(task, account, "during")
        assert (during.status, during.headers["Retry-After"]) == (503, "2")
        wait(lambda: task.ask("GET", "/health/ready").status == 503)
        promote(replica)
        wait(lambda: task.ask("GET", "/health/ready").status == 200, 5)
        again = issue(task, account, "during")
        assert (again.status, again.body["number"]) == (201, 2)
        assert issue(task, account, "before").body["number"] == 1
        assert numbers(platform, account) == [1, 2]
        assert "Traceback" not in "".join(task.texts)


def test_sessions_that_the_server_ends_cost_nothing(
    platform: Platform, task: Task, account: Account
) -> None:
    """The pool checks a connection before it lends it."""
    assert issue(task, account, "a").status == 201
    platform.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'invoicing'"
    )
    assert issue(task, account, "b").status == 201


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_killed_task_leaves_an_invoice_that_another_ends(platform: Platform, moment: str) -> None:
    """SIGKILL before the agency works, or between its answer and our commit: one CAE."""
    with platform.task(ARCA_TIMEOUT_SECONDS="0.4") as task:
        account = platform.account(task)
        assert issue(task, account, "first").status == 201
        if moment == "before":
            platform.fault("slow", seconds=0.3)
        else:
            block_commits(platform, account)
        client = threading.Thread(target=lambda: swallowed(task, account))
        client.start()
        wait(
            lambda: (
                platform.rows(PENDING, account.id) == [(1,)]
                and (moment == "before" or len(numbers(platform, account)) == 2)
            )
        )
        if moment == "before":
            wait(lambda: platform.agency.calls[-1][0] == "FECAESolicitar")
        task.kill()
        client.join()
    unblock_commits(platform)
    with platform.task(ARCA_TIMEOUT_SECONDS="0.4") as task:
        # Nobody asks again: the background work finds it when the dead task's lease ends.
        wait(lambda: platform.rows(PENDING, account.id) == [(0,)])
        again = issue(task, account, "killed")
        assert (again.status, again.body["number"]) == (201, 2)
        assert issue(task, account, "last").body["number"] == 3
    assert numbers(platform, account) == [1, 2, 3]


def swallowed(task: Task, account: Account) -> None:
    """Ask for an invoice whose answer never comes."""
    with suppress(httpx.TransportError):
        issue(task, account, "killed")


def block_commits(platform: Platform, account: Account) -> None:
    """Let the transaction that stores an account's CAE hang at its end."""
    platform.rows(
        f"""
        CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF new.account_id = '{account.id}' AND new.status = 'authorized' THEN
                PERFORM pg_sleep(5);
            END IF;
            RETURN new;
        END $$;
        CREATE TRIGGER hang BEFORE UPDATE ON invoices FOR EACH ROW EXECUTE FUNCTION hang();
        """
    )


def unblock_commits(platform: Platform) -> None:
    """Let transactions pass again; end those that hang."""
    platform.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'invoicing' AND wait_event = 'PgSleep'"
    )
    platform.rows("DROP FUNCTION IF EXISTS hang CASCADE")
