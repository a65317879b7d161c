"""A lost primary's disk against the promoted database, with a real PostgreSQL for each."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
import pytest

from arca.drill import dead, evidence
from arca.emulator import server_children
from arca.emulator.live import processes
from arca.emulator.live.postgres import Postgres
from arca.errors import ArcaError
from arca.history import Operation, nanoseconds
from arca.recovery.databases import Databases, LogEnd, Row, compared, differences
from arca.recovery.set_check import SetCheck, check
from tests.arca.emulator.ecs.emulated_ecs import wait_for
from tests.arca.emulator.live.standing import DATABASE, OWNER, PASSWORD, ask
from tests.arca.recovery.histories import acknowledged, asked

TABLE = """
CREATE TABLE invoices (id text PRIMARY KEY, point_of_sale int NOT NULL, invoice_type int NOT NULL,
number bigint, status text NOT NULL, idempotency_key text, cae text, finished_at timestamptz)
"""
"""What the drill reads of examples/service/migrations/versions; the long drill reads the whole."""


@dataclass
class Pair:
    """A primary and its replica, and what their customers saw."""

    primary: Postgres
    replica: Postgres
    history: list[Operation] = field(default_factory=list[Operation])

    def issue(self, number: int) -> None:
        """Store an invoice, and tell the customer."""
        key = f"k{number}"
        self.history.append(asked(nanoseconds(now(self.primary)), key))
        store(self.primary, number, key=key)
        told = next(one for one in rows(self.primary) if one.key == key)
        done = nanoseconds(now(self.primary))
        self.history.append(acknowledged(done, key, told.invoice))


def now(server: Postgres) -> datetime:
    """Return the time by the clock that the rows have."""
    ((found,),) = ask(server, "SELECT clock_timestamp()")
    return found


def store(server: Postgres, number: int, *, key: str | None, id_: str = "") -> None:
    """Store an invoice with its CAE, as the service does."""
    name, given = id_ or f"inv-{number}", "NULL" if key is None else f"'{key}'"
    status = "recovered" if key is None else "authorized"
    ask(
        server,
        f"INSERT INTO invoices VALUES ('{name}', 1, 6, {number}, '{status}', {given},"  # noqa: S608
        f" '{number:014}', clock_timestamp())",
    )


def opened(server: Postgres) -> psycopg.Connection:
    """Open a session as the application."""
    return psycopg.connect(
        host="127.0.0.1", port=server.port, dbname=DATABASE, user=OWNER, password=PASSWORD
    )


def rows(server: Postgres) -> tuple[Row, ...]:
    """Read the invoices of a server."""
    with opened(server) as session:
        return evidence.rows(session)


@dataclass
class Loss:
    """What is known after a failover, and then what the promoted database is made to say."""

    pair: Pair
    old: tuple[Row, ...]
    ends: tuple[LogEnd, LogEnd]
    failed_ns: int
    told: str

    def judged(self) -> tuple[Databases, SetCheck, list[str]]:
        """Return what the databases show, what the history shows, and their differences."""
        promoted = rows(self.pair.replica)
        found = compared(
            self.old,
            promoted,
            self.pair.history,
            failed_ns=self.failed_ns,
            told_position=self.told,
            ends=self.ends,
        )
        read = evidence.last_read(promoted, now(self.pair.replica))
        checked = check(
            [*self.pair.history, *read],
            failed_ns=self.failed_ns,
            first_number=1,
            lost=[one.invoice for one in found.lost],
            recovered=[one.invoice for one in promoted if one.recovered],
        )
        return found, checked, list(differences(found, checked, self.failed_ns))


@pytest.fixture(scope="module")
def loss() -> Iterator[Loss]:
    """Three invoices are replicated; the replica is cut off, two more follow, and a kill."""
    home = processes.home()
    marks = {processes.HOME_VARIABLE: str(home)}
    primary, replica = Postgres("primary", home, marks), Postgres("replica", home, marks)
    try:
        primary.create(database=DATABASE, owner=OWNER, password=PASSWORD)
        replica.follow(primary)
        pair = Pair(primary, replica)
        ask(primary, TABLE)
        for number in (1, 2, 3):
            pair.issue(number)
        wait_for(lambda: len(rows(replica)) == 3, "three invoices")
        replica.cut_off()
        for number in (4, 5):
            pair.issue(number)
        # A replica that receives nothing knows of no newer record, and is behind all the same.
        assert replica.lag_seconds() > 0
        with opened(primary) as session:
            told = evidence.written(session)
        primary.kill()
        failed = nanoseconds(now(replica))
        replica.promote()
        before = {one: one.stat().st_mtime_ns for one in (home / "primary").rglob("*")}
        with (
            dead.opened(home, "primary", marks) as copy,
            opened(copy) as old,
            opened(replica) as new,
        ):
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                ask(copy, "DELETE FROM invoices")
            made = Loss(
                pair,
                evidence.rows(old),
                (evidence.replayed(old), evidence.replayed(new)),
                failed,
                told,
            )
        assert not (home / "primary-evidence").exists()
        assert before == {one: one.stat().st_mtime_ns for one in (home / "primary").rglob("*")}
        yield made
    finally:
        server_children.end_marked(processes.HOME_VARIABLE, str(home))
        processes.remove_home(home)


def test_what_is_lost_is_what_only_the_dead_disk_has(loss: Loss) -> None:
    """By rows, by bytes of the log, and by seconds; the history says the same."""
    found, checked, wrong = loss.judged()
    assert wrong == []
    assert [one.invoice.number for one in found.lost] == [4, 5]
    assert (checked.lost, found.rows) == (("k4", "k5"), 5)
    assert found.lost_bytes > 0
    assert 0 < checked.rpo_seconds <= found.rpo_seconds(loss.failed_ns) < 30
    assert found.primary.commit_ns > found.promoted.commit_ns


def test_a_deleted_row_of_before_the_promotion_is_red(loss: Loss) -> None:
    """An acknowledged invoice that the replica had, and that is gone from the promoted database."""
    ask(loss.pair.replica, "DELETE FROM invoices WHERE number = 2")
    try:
        found, checked, wrong = loss.judged()
    finally:
        store(loss.pair.replica, 2, key="k2")
    assert checked.lost == ("k2", "k4", "k5")
    assert [one.key for one in found.lost] == ["k2", "k4", "k5"]
    assert wrong == ["k2 was acknowledged before the last replayed commit, and is lost"]


def test_a_duplicate_is_red_and_a_recovered_row_is_not(loss: Loss) -> None:
    """What the service took over is there once, until the number is given a second time."""
    replica = loss.pair.replica
    store(replica, 4, key=None, id_="recovered-4")
    try:
        found, checked, wrong = loss.judged()
        assert wrong == []
        assert (checked.lost, checked.recovered, checked.wrong) == (("k5",), ("k4",), ())
        assert [one.fate for one in found.lost] == ["recovered", "missing"]
        store(replica, 4, key="k4", id_="again")
        found, checked, _ = loss.judged()
        assert checked.wrong == ("1 numbers used twice",)
        assert [one.again for one in found.lost] == [True, False]
    finally:
        ask(replica, "DELETE FROM invoices WHERE number = 4")


def test_a_server_that_never_followed_has_replayed_nothing(loss: Loss) -> None:
    """It is no evidence of a promotion."""
    primary = loss.pair.primary
    primary.start()
    try:
        with opened(primary) as session, pytest.raises(ArcaError, match="has replayed no commit"):
            evidence.replayed(session)
    finally:
        primary.kill()
