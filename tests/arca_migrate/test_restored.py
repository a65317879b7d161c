"""What is checked in a restored database: real databases, each broken in one way."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from arca_migrate import history, restored, runner
from arca_migrate.database import Database
from arca_migrate.errors import MigrationError
from arca_migrate.events import MigrationEvents

from tests import ROOT, postgres
from tests.arca_migrate.histories import migrate, write

SERVICE = ROOT / "examples" / "service" / "migrations"
WEAK = "not-a-secret-either"
UNTIL = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
ACCOUNT = "INSERT INTO accounts VALUES ('a', 'demo', '20111111112', 'hash', 60, now())"
SEQUENCE = "INSERT INTO sequences VALUES ('a', 1, 11, 3)"
INVOICE = """
    INSERT INTO invoices (id, account_id, point_of_sale, invoice_type, number, status, request,
        cae, created_at)
    SELECT 'i' || n, 'a', 1, 11, n, 'authorized', '{}', 'c' || n,
        timestamptz '2026-12-01 08:00Z' + n * interval '10 minutes'
    FROM generate_series(1, 3) n
"""
REPLACED = "CREATE OR REPLACE FUNCTION turned(text) RETURNS text IMMUTABLE LANGUAGE sql AS"


class Pair:
    """A source, and the copy that a test breaks."""

    def __init__(self, server: postgres.Server, source: Database, copy: str) -> None:
        self._server, self.source, self.copy = server, source, replace(source, name=copy)

    def run(self, *statements: str, source: bool = False) -> None:
        """Run statements in the copy, or in the source."""
        name = (self.source if source else self.copy).name
        with self._server.connect(name, autocommit=True) as session:
            for one in statements:
                session.execute(one.encode())

    def findings(self, until: datetime = UNTIL) -> dict[str, str]:
        """Check the copy; returns `outcome seen` by the check's name."""
        found = restored.check(self.source, self.copy, history.read(SERVICE), until=until)
        assert found.passed == all(one.outcome != "FAILED" for one in found.findings)
        return {one.name: f"{one.outcome} {one.seen}" for one in found.findings}

    def failed(self, until: datetime = UNTIL) -> dict[str, str]:
        """Return what failed."""
        found = self.findings(until)
        return {name: text for name, text in found.items() if text.startswith("FAILED")}


@pytest.fixture(scope="module")
def original(server: postgres.Server) -> Database:
    """The example service's database with three invoices."""
    found = Database.of(server.database())
    runner.run(found, history.read(SERVICE), events=MigrationEvents(write=lambda _: None))
    Pair(server, found, "").run(ACCOUNT, SEQUENCE, INVOICE, source=True)
    return found


@pytest.fixture
def pair(server: postgres.Server, original: Database) -> Iterator[Pair]:
    """The database and a fresh copy of it."""
    made = server.database()["DATABASE_NAME"]
    with server.connect("postgres", autocommit=True) as session:
        session.execute(f"DROP DATABASE {made}".encode())
        session.execute(f"CREATE DATABASE {made} TEMPLATE {original.name}".encode())
    yield Pair(server, original, made)
    with server.connect("postgres", autocommit=True) as session:
        session.execute(f"DROP DATABASE {made}".encode())


def test_a_good_copy_passes_every_check(pair: Pair) -> None:
    """No check is skipped, and each says what it saw."""
    found = pair.findings()
    assert {text.partition(" ")[0] for text in found.values()} == {"OK"}
    assert found["the schema's revision is known"] == "OK 0003_tickets"
    assert "invoices 3" in found["every table can be read"]
    assert found["tables and indexes are consistent"].startswith("OK 6 tables and ")
    newest = "OK of 2026-12-01 08:30:00Z, 1800 s before the moment"
    assert found["the newest row is there"] == newest
    assert found["numbers without gaps"] == "OK holds"


def test_the_source_is_only_read(pair: Pair) -> None:
    """The extension is created in the copy alone."""
    pair.findings()
    with pytest.raises(Exception, match="bt_index_check"):
        pair.run("SELECT bt_index_check('accounts_pkey')", source=True)
    pair.run("SELECT bt_index_check('accounts_pkey')")


@pytest.mark.parametrize(
    ("broken", "check", "said"),
    [
        ("DELETE FROM invoices WHERE number = 2", "numbers without gaps", "1 rows break it: a, 1"),
        (
            "UPDATE sequences SET last_number = 2",
            "sequences agree with their invoices",
            "1 rows break it: a, 1, 11, 2, 3",
        ),
        ("DELETE FROM invoices WHERE number = 3", "the newest row is there", "600 s newer"),
        ("DELETE FROM invoices", "the newest row is there", "none; the source has one of 2026"),
        ("DROP TABLE tickets", "the schema is the source's", "and the source's is"),
        ("DROP TABLE invoices", "numbers without gaps", 'relation "invoices" does not exist'),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'accounts_pkey'::regclass",
            "indexes are valid",
            "accounts_pkey is not valid",
        ),
    ],
)
def test_a_broken_copy_fails_the_check_for_it(
    pair: Pair, broken: str, check: str, said: str
) -> None:
    """Each fault is found by the check of its name."""
    pair.run(broken)
    assert said in pair.failed()[check]


def test_an_index_that_lacks_a_row_is_found(pair: Pair) -> None:
    """An index on a function that has changed no longer has the keys of its rows."""
    pair.run(
        f"{REPLACED} 'SELECT $1'",
        "CREATE INDEX turned_ids ON invoices (turned(id))",
        f"{REPLACED} 'SELECT reverse($1)'",
    )
    found = pair.failed()["tables and indexes are consistent"]
    assert 'lacks matching index tuple within index "turned_ids"' in found


def test_rows_after_the_moment_are_not_missed(pair: Pair) -> None:
    """Both databases are asked for rows before the moment of the backup."""
    pair.run("DELETE FROM invoices WHERE number = 3")
    assert not pair.failed(UNTIL - timedelta(minutes=35))
    at_first = UNTIL - timedelta(hours=2)
    assert pair.findings(at_first)["the newest row is there"].startswith(
        "SKIPPED the source: no row"
    )


def test_a_migration_since_the_backup_explains_another_schema(pair: Pair) -> None:
    """The schemas are compared at one revision only."""
    pair.run("UPDATE alembic_version SET version_num = '0002_invoices'", "DROP TABLE tickets")
    assert pair.failed() == {}
    assert pair.findings()["the schema is the source's"].startswith("SKIPPED the source was")


def test_an_owner_without_amcheck(pair: Pair) -> None:
    """The check is skipped with the reason, and the others run."""
    pair.run(
        f"CREATE ROLE weak_{pair.copy.name} LOGIN PASSWORD '{WEAK}'",
        f"GRANT pg_read_all_data TO weak_{pair.copy.name}",
    )
    weak = replace(pair.copy, username=f"weak_{pair.copy.name}", password=WEAK)
    found = restored.check(pair.source, weak, history.read(SERVICE), until=UNTIL)
    (skipped,) = (one for one in found.findings if one.outcome == "SKIPPED")
    assert "no amcheck: permission denied" in skipped.seen
    pair.run(f"DROP OWNED BY weak_{pair.copy.name}", f"DROP ROLE weak_{pair.copy.name}")


def test_the_runner_prints_a_line_for_each_check(environment: dict[str, str]) -> None:
    """The lines keep the log contract; the copy is named by two variables of its own."""
    assert migrate(environment)[0] == 0
    moment = ("--check-restored", "2026-12-01T09:00:00Z")
    copy = {
        **environment,
        "RESTORED_ADDRESS": environment["DATABASE_ADDRESS"],
        "RESTORED_PORT": environment["DATABASE_PORT"],
    }
    code, lines, _ = migrate(copy, *moment)
    assert (code, lines[-1]["event"], lines[-1]["passed"]) == (0, "migration.checked", True)
    assert lines[-1]["schema_of_copy"] == lines[-1]["schema_of_source"] != ""
    assert {one["outcome"] for one in lines[:-1]} == {"OK", "SKIPPED"}
    assert migrate(environment, *moment)[1][-1]["message"].startswith("RESTORED_ADDRESS")
    assert migrate({**copy, "RESTORED_PORT": "1"}, *moment)[1][-1]["event"] == "migration.failed"


def test_a_broken_copy_ends_with_1(environment: dict[str, str], tmp_path: Path) -> None:
    """The line of the failed check is an error, and the last one says so too."""
    directory = write(tmp_path, ("expand", "CREATE TABLE a (n int)"))
    assert migrate(environment, history=directory)[0] == 0
    (directory / "checks").mkdir()
    (directory / "checks" / "no-way.sql").write_text("SELECT 30712345671, 'x%'", encoding="utf-8")
    copy = {
        **environment,
        "RESTORED_ADDRESS": environment["DATABASE_ADDRESS"],
        "RESTORED_PORT": environment["DATABASE_PORT"],
    }
    arguments = ("--check-restored", "2026-12-01T09:00:00Z")
    code, lines, _ = migrate(copy, *arguments, history=directory)
    (failed,) = (one for one in lines if one.get("outcome") == "FAILED")
    assert (code, lines[-1]["passed"], failed["level"]) == (1, False, "ERROR")
    assert failed["seen"] == "1 rows break it: ?, x%"


def test_a_copy_that_refuses_says_where(pair: Pair) -> None:
    """Its password is that of the moment of the backup."""
    wrong = replace(pair.copy, password=WEAK)
    with pytest.raises(MigrationError, match="authentication failed"):
        restored.check(pair.source, wrong, history.read(SERVICE), until=UNTIL)
