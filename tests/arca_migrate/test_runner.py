"""The runner against a real PostgreSQL: what it applies, records, refuses and leaves."""

from pathlib import Path

import pytest
from arca_migrate import runner
from arca_migrate.attempt import RevisionFailed
from arca_migrate.database import Database
from arca_migrate.errors import MigrationError, MigrationRefused
from arca_migrate.phase import Phase

from tests.arca_migrate.histories import (
    EVERY,
    Lines,
    asked,
    columns,
    invoices,
    revision,
    run,
    session,
    write,
)

TABLE = ("expand", "CREATE TABLE a (b bigint)")
BLOCK = "with op.get_context().autocommit_block():\n    "
UNIQUE = ("expand", f"{BLOCK}op.execute('CREATE UNIQUE INDEX CONCURRENTLY i ON a (b)')")


def test_up_from_nothing(database: Database) -> None:
    """The contract is held back; every line keeps the log contract."""
    lines = Lines()
    outcome = run(database, invoices(), lines=lines)
    assert outcome.current == "0005_fill_cents"
    assert outcome.held == ("0006_drop_total",)
    assert "total" in columns(database, "invoices")
    assert [line["event"] for line in lines] == [
        *(["migration.started", "migration.applied"] * 5),
        "migration.done",
    ]
    assert {line["correlation_id"] for line in lines} == {lines[0]["correlation_id"]}
    assert {line["release"] for line in lines} == {"1.2.3"}
    assert lines[-1]["applied"] == list(outcome.applied)
    assert "Held back: 0006_drop_total" in lines[-1]["message"]


def test_the_audit_table_says_who_and_when(database: Database) -> None:
    """It has a row for each revision, in order."""
    run(database, invoices())
    current, records = runner.recorded(database)
    assert current == "0005_fill_cents"
    assert [one.revision for one in records] == [one.id for one in invoices().revisions[:5]]
    assert records[4].phase is Phase.MIGRATE
    assert {one.release for one in records} == {"1.2.3"}
    assert all(one.seconds > 0 and one.applied_at.tzinfo for one in records)


def test_a_second_run_does_nothing(database: Database) -> None:
    """Its only event is `migration.done`."""
    run(database, invoices())
    lines = Lines()
    outcome = run(database, invoices(), lines=lines)
    assert (outcome.applied, outcome.current) == ((), "0005_fill_cents")
    assert [line["event"] for line in lines] == ["migration.done"]
    assert len(runner.recorded(database)[1]) == 5


def test_an_empty_database_has_no_records(database: Database) -> None:
    """Reading them creates no table."""
    assert runner.recorded(database) == (None, ())
    assert len(runner.pending(database, invoices(), phases=EVERY).revisions) == 6
    assert columns(database, "arca_migrations") == []


def test_a_contract_runs_when_it_is_asked_for(database: Database) -> None:
    """The column that it drops is gone."""
    run(database, invoices())
    assert run(database, invoices(), phases=EVERY).applied == ("0006_drop_total",)
    assert "total" not in columns(database, "invoices")


def test_the_backfill_fills_in_batches(database: Database) -> None:
    """There are more rows than a batch holds."""
    run(database, invoices(), phases=(Phase.EXPAND,))
    with session(database) as other:
        other.execute("INSERT INTO accounts (name) VALUES ('A')")
        other.execute(
            "INSERT INTO invoices (account_id, point_of_sale, number, total, issued_at)"
            " SELECT 1, 1, n, n / 10.0, now() FROM generate_series(1, 2500) n"
        )
    run(database, invoices())
    wrong = "SELECT count(*) FROM invoices WHERE total_cents IS DISTINCT FROM total * 100"
    assert asked(database, wrong) == 0


def test_a_backfill_that_never_ends(database: Database, tmp_path: Path) -> None:
    """One that selects rows again after it changed them is stopped."""
    body = (
        "from arca_migrate import backfill\n"
        "backfill.in_batches('UPDATE a SET b = b + 1', pause=0, most=3)\n"
        "# op.execute is not needed"
    )
    write(tmp_path, ("expand", "CREATE TABLE a AS SELECT 1 AS b"), ("migrate", body))
    with pytest.raises(RevisionFailed, match="does not end"):
        run(database, tmp_path)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("op.execute('SELECT 1 / 0')", "division by zero (SQLSTATE 22012)"),
        ("op.execute('SELECT nothing')", 'column "nothing" does not exist (SQLSTATE 42703)'),
        ("if not op.get_context().as_sql: raise ValueError('not today')", "ValueError: not today"),
        ("op.execute('SELECT cast(''x12345678901234'' AS bigint)')", "SQLSTATE 22P02"),
    ],
)
def test_a_failure_leaves_the_schema(
    body: str, said: str, database: Database, tmp_path: Path
) -> None:
    """The schema is that before the failed revision; earlier revisions stay."""
    body = f"op.execute('ALTER TABLE a ADD COLUMN c bigint')\n{body}"
    history = write(tmp_path, TABLE, ("expand", body.replace("''", "\\'")), TABLE)
    with pytest.raises(RevisionFailed) as raised:
        run(database, history)
    assert "Revision r2 (expand) failed" in raised.value.what
    assert said in raised.value.what
    assert "r2.py" in raised.value.where
    assert columns(database, "a") == ["b"]
    current, records = runner.recorded(database)
    assert (current, len(records)) == ("r1", 1)


def test_an_index_that_fails_is_dropped(database: Database, tmp_path: Path) -> None:
    """PostgreSQL leaves it invalid; the next run succeeds once the data allow it."""
    table = ("expand", "CREATE TABLE a AS SELECT 1 AS b FROM generate_series(1, 2)")
    history = write(tmp_path, table, UNIQUE)
    index = "SELECT count(*) FROM pg_class WHERE relname = 'i'"
    with pytest.raises(RevisionFailed, match="could not create unique index"):
        run(database, history)
    assert asked(database, index) == 0
    with session(database) as other:
        other.execute("DELETE FROM a WHERE ctid = '(0,1)'")
    assert run(database, history).applied == ("r2",)
    assert asked(database, index) == 1


def test_an_index_that_a_killed_runner_left_is_built_anew(
    database: Database, tmp_path: Path
) -> None:
    """IF NOT EXISTS alone would accept the invalid index."""
    built = "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (b)"
    history = write(tmp_path, TABLE, ("expand", f"{BLOCK}op.execute('{built}')"))
    with session(database) as other:
        other.execute("CREATE TABLE a (b bigint)")
        other.execute("CREATE INDEX i ON a (b)")
        other.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass")
    (history / "versions" / "r1.py").write_text(
        (history / "versions" / "r1.py").read_text(encoding="utf-8").replace(TABLE[1], "SELECT 1"),
        encoding="utf-8",
    )
    run(database, history)
    assert asked(database, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass")


def test_a_mislabelled_revision_is_refused_before_anything(
    database: Database, tmp_path: Path
) -> None:
    """The revisions before it do not run either."""
    with pytest.raises(MigrationRefused, match="declared expand, and it drops a table"):
        run(database, write(tmp_path, TABLE, ("expand", "DROP TABLE a")))
    assert columns(database, "a") == []


def test_an_expand_behind_a_contract_is_refused(database: Database, tmp_path: Path) -> None:
    """No revision runs."""
    history = write(tmp_path, TABLE, ("contract", "DROP TABLE a"), TABLE)
    with pytest.raises(MigrationRefused, match="stands behind r2"):
        run(database, history)
    assert columns(database, "a") == []


def older(tmp_path: Path, *steps: tuple[str, str]) -> tuple[Path, Path]:
    """The histories of a release and of the one before it, which lacks the last revision."""
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
    return write(tmp_path / "new", *steps), write(tmp_path / "old", *steps[:-1])


def test_an_older_image_finds_the_database_ahead(database: Database, tmp_path: Path) -> None:
    """It accepts what an expand added, and changes nothing."""
    new, old = older(tmp_path, TABLE, ("expand", "ALTER TABLE a ADD COLUMN c bigint"))
    run(database, new)
    outcome = run(database, old)
    assert (outcome.applied, outcome.ahead, outcome.current) == ((), ("r2",), "r2")


def test_an_older_image_is_refused_after_a_contract(database: Database, tmp_path: Path) -> None:
    """It needs what the contract removed."""
    new, old = older(tmp_path, TABLE, ("contract", "DROP TABLE a"))
    run(database, new, phases=EVERY)
    with pytest.raises(MigrationRefused, match="contract r2 was applied"):
        run(database, old)


@pytest.mark.parametrize("versions", [["foreign"], ["r1", "foreign"]])
def test_a_database_of_another_history(
    versions: list[str], database: Database, tmp_path: Path
) -> None:
    """Its revision is unknown and not recorded, or there are two."""
    history = write(tmp_path, TABLE)
    run(database, history)
    with session(database) as other:
        other.execute("DELETE FROM alembic_version")
        for version in versions:
            other.execute("INSERT INTO alembic_version VALUES (%s)", (version,))
    with pytest.raises(MigrationRefused, match="foreign"):
        run(database, history)


def test_a_database_on_another_branch(database: Database, tmp_path: Path) -> None:
    """It has an unknown revision and lacks one of this history."""
    new, other = tmp_path / "new", tmp_path / "other"
    for folder in (new, other):
        folder.mkdir()
        write(folder, TABLE)
    revision(new, "n2", "r1", 'phase = "expand"', "SELECT 1")
    revision(other, "o2", "r1", 'phase = "expand"', "SELECT 1")
    run(database, new)
    with pytest.raises(MigrationRefused, match="is at n2, which this history does not know"):
        run(database, other)


def test_what_a_python_revision_raises_has_its_line(database: Database, tmp_path: Path) -> None:
    """The error did not come from the server."""
    body = "if not op.get_context().as_sql:\n    raise ArcaNothing"
    with pytest.raises(MigrationError) as raised:
        run(database, write(tmp_path, ("expand", body)))
    assert raised.value.where.endswith("r1.py:9")
