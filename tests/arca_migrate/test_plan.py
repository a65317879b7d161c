"""Tests of the plan's SQL, of squawk's findings and of the runner's own rules."""

from pathlib import Path

import pytest
from arca_migrate import history, lint, rules
from arca_migrate.errors import MigrationError, MigrationRefused
from arca_migrate.phase import Phase
from arca_migrate.plan import MigrationPlan, plan
from arca_migrate.statements import split, without_long_numbers, without_values

from tests.arca_migrate.histories import EVERY, invoices, write


def planned(directory: Path, *steps: tuple[str, str], start: str | None = None) -> MigrationPlan:
    """Plan a small history with all phases allowed."""
    return plan(history.read(write(directory, *steps)), start=start, phases=EVERY)


def test_from_nothing_up_to_the_phase() -> None:
    """A contract and all revisions after it are held back."""
    found = plan(invoices(), start=None)
    assert [one.id for one in found.revisions][-1] == "0005_fill_cents"
    assert [one.id for one in found.held] == ["0006_drop_total"]
    assert plan(invoices(), start=None, phases=[Phase.EXPAND]).held[0].id == "0005_fill_cents"
    assert found.stuck is None


def test_the_sql_is_that_of_the_pending_revisions() -> None:
    """It has the runner's transactions, and nothing of Alembic's own table."""
    found = plan(invoices(), start="0002_invoices", phases=EVERY)
    column, index = [one.sql for one in found.revisions[:2]]
    assert column == "BEGIN;\n\nALTER TABLE invoices ADD COLUMN total_cents BIGINT;\n\nCOMMIT;\n"
    assert index == (
        "BEGIN;\n\nCOMMIT;\n\nCREATE INDEX CONCURRENTLY IF NOT EXISTS invoices_by_day"
        " ON invoices (account_id, issued_at);\n\nBEGIN;\n\nCOMMIT;\n"
    )
    assert "-- 0006_drop_total (contract)\nBEGIN;\n\nALTER TABLE invoices DROP" in found.sql
    assert "alembic_version" not in found.sql
    assert plan(invoices(), start="0006_drop_total", phases=EVERY).sql == ""


def test_what_needs_a_database_cannot_be_rendered(tmp_path: Path) -> None:
    """The error has the line that queries the database."""
    body = "op.execute('SELECT 1')\nop.get_bind().execute(sa.text('SELECT 1')).scalar()"
    with pytest.raises(MigrationError, match="cannot be rendered") as raised:
        planned(tmp_path, ("expand", body))
    assert raised.value.where == f"{tmp_path}/versions/r1.py:9"


def test_an_expand_behind_a_held_contract_is_refused(tmp_path: Path) -> None:
    """The new code would miss what it adds."""
    found = plan(
        history.read(write(tmp_path, ("contract", "DROP TABLE a"), ("expand", "SELECT 1"))),
        start=None,
    )
    assert found.revisions == ()
    with pytest.raises(MigrationRefused, match=r"r2 \(expand\) stands behind r1 \(contract\)"):
        found.require_order()


def test_the_fixture_has_no_findings() -> None:
    """A contract may drop columns and tables."""
    found = plan(invoices(), start=None, phases=EVERY)
    assert lint.lint(found) == []
    rules.require(found)


@pytest.mark.parametrize(
    ("phase", "sql", "found"),
    [
        ("expand", "ALTER TABLE a RENAME b TO c", ("renaming-column", 3)),
        ("migrate", "ALTER TABLE a RENAME TO c", ("renaming-table", 3)),
        ("expand", "CREATE INDEX i ON a (b)", ("require-concurrent-index-creation", 3)),
        (
            "expand",
            "CREATE INDEX CONCURRENTLY i ON a (b)",
            ("ban-concurrent-index-creation-in-transaction", 3),
        ),
        (
            "contract",
            "SELECT 1;\nALTER TABLE a ALTER COLUMN b TYPE bigint",
            ("changing-column-type", 4),
        ),
        (
            "expand",
            "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0)",
            ("constraint-missing-not-valid", 3),
        ),
        ("expand", "ALTER TABEL a", ("syntax-error", 3)),
    ],
)
def test_squawk_finds(phase: str, sql: str, found: tuple[str, int], tmp_path: Path) -> None:
    """Each finding has its rule and its line in the revision's SQL."""
    findings = lint.lint(planned(tmp_path, ("expand", "SELECT 1"), (phase, sql)))
    assert (*found, "r2") in {(one.rule, one.line, one.revision) for one in findings}
    assert all(one.message and one.level in {"warning", "error"} for one in findings)
    assert findings[0].as_json()["revision"] == "r2"


def test_timeouts_are_the_runners(tmp_path: Path) -> None:
    """Squawk's rules on timeouts are off, because the runner sets them."""
    sql = "ALTER TABLE a ADD COLUMN b bigint"
    assert lint.lint(planned(tmp_path, ("expand", sql))) == []


def test_squawk_that_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is one error."""
    found = planned(tmp_path, ("expand", "SELECT 1"))
    broken = tmp_path / "squawk"
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MigrationError, match="not installed"):
        lint.lint(found)
    broken.write_text("#!/bin/sh\necho broken >&2\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    with pytest.raises(MigrationError, match="broken"):
        lint.lint(found)
    broken.chmod(0o644)
    with pytest.raises(MigrationError, match="cannot check"):
        lint.lint(found)


DESTRUCTIVE = [
    "DROP TABLE a",
    "drop\n table if exists a",
    "ALTER TABLE a DROP COLUMN b",
    "ALTER TABLE a DROP b",
    'ALTER TABLE a ADD COLUMN c bigint, DROP "b"',
    "ALTER TABLE a RENAME b TO c",
    "ALTER TABLE a RENAME TO c",
    "ALTER TYPE t RENAME VALUE 'a' TO 'b'",
    "ALTER TABLE a ALTER b TYPE bigint",
    "ALTER TABLE a ALTER COLUMN b SET DATA TYPE bigint",
    "ALTER TABLE a ALTER COLUMN b SET NOT NULL",
    "ALTER TABLE a ADD COLUMN b bigint NOT NULL",
    "ALTER TABLE a ADD b numeric(18, 2) NOT NULL, ADD c bigint DEFAULT 0",
    "TRUNCATE a",
    "DO $$ BEGIN EXECUTE 'DROP TABLE a'; END $$",
    "/* add */ DROP VIEW a",
    "DROP TYPE t",
    *(
        f"DROP {what} x"
        for what in (
            "ROUTINE",
            "AGGREGATE",
            "OPERATOR",
            "CAST",
            "COLLATION",
            "TEXT SEARCH CONFIGURATION",
            "EXTENSION",
            "SERVER",
            "OWNED BY",
            "ROLE",
            "USER",
            "TRIGGER IF EXISTS t ON",
            "RULE r ON",
            "POLICY p ON",
        )
    ),
    "ALTER TABLE a SET SCHEMA archive",
    "ALTER FUNCTION f() SET SCHEMA archive",
    "ALTER TABLE a ALTER COLUMN b DROP DEFAULT",
    "ALTER TABLE a ALTER b DROP IDENTITY IF EXISTS",
    "ALTER TABLE a ALTER b DROP EXPRESSION",
    "ALTER DOMAIN d DROP DEFAULT",
    "ALTER TABLE a ADD COLUMN b bigint PRIMARY KEY",
    "ALTER TABLE a ADD b uuid CONSTRAINT c PRIMARY KEY, ADD c bigint DEFAULT 0",
    "ALTER TABLE a DETACH PARTITION b",
    "ALTER TABLE a DETACH PARTITION b CONCURRENTLY",
    "REVOKE SELECT ON a FROM arca_app",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM arca_app",
    "ALTER TABLE a ENABLE ROW LEVEL SECURITY",
    "DELETE FROM a",
    "DELETE FROM ONLY a USING b RETURNING 1",
    "DO $$ BEGIN DELETE FROM a; UPDATE a SET b = 1 WHERE true; END $$",
]
ADDITIVE = [
    "CREATE TABLE a (b bigint NOT NULL)",
    "ALTER TABLE a ADD COLUMN b bigint",
    "ALTER TABLE a ADD COLUMN b bigint NOT NULL DEFAULT 0",
    "ALTER TABLE a DROP CONSTRAINT c",
    "ALTER TABLE a ADD CONSTRAINT c CHECK (b IS NOT NULL) NOT VALID",
    "ALTER TABLE a ADD b bigint CHECK (b IS NOT NULL), ADD c numeric(18, 2) DEFAULT 0 NOT NULL",
    "ALTER TABLE a ALTER b DROP NOT NULL",
    "ALTER TABLE a ALTER COLUMN b SET DEFAULT 0",
    "ALTER TABLE a ADD COLUMN b bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "ALTER TABLE a ADD COLUMN b smallserial NOT NULL",
    "ALTER TABLE a ADD PRIMARY KEY USING INDEX i",
    "ALTER TABLE a ATTACH PARTITION b DEFAULT",
    "CREATE OR REPLACE VIEW v AS SELECT b FROM a",
    "CREATE OR REPLACE TRIGGER t BEFORE DELETE ON a EXECUTE FUNCTION f()",
    "DELETE FROM a WHERE b IN (SELECT b FROM a WHERE b < 0 LIMIT 1000)",
    "GRANT DELETE ON a TO arca_app",
    "ALTER TYPE t ADD VALUE 'c'",
    "-- DROP TABLE a\nSELECT 1",
    "/* DROP TABLE a */ SELECT 1",
    "INSERT INTO notes (text) VALUES ('DROP TABLE a; it''s gone')",
    'ALTER TABLE a ADD COLUMN "DROP TABLE x" bigint',
    "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $body$ DROP TABLE a $body$",
    "DROP INDEX i",
]


@pytest.mark.parametrize("phase", ["expand", "migrate"])
@pytest.mark.parametrize("sql", DESTRUCTIVE)
def test_a_mislabelled_contract_is_refused(phase: str, sql: str, tmp_path: Path) -> None:
    """The error has the line of the SQL; the same SQL is valid in a contract."""
    found = planned(tmp_path, (phase, f"SELECT 1;\n{sql}"))
    assert {(one.rule, one.level) for one in rules.breaches(found.revisions[0])} == {
        ("mislabelled-phase", "error")
    }
    with pytest.raises(MigrationRefused, match=f"declared {phase}") as raised:
        rules.require(found)
    assert raised.value.where.endswith("r1.py, line 4 of its SQL")
    assert 'phase = "contract"' in raised.value.do


@pytest.mark.parametrize("sql", DESTRUCTIVE)
def test_a_contract_may_remove(sql: str, tmp_path: Path) -> None:
    """Removal is the purpose of a contract."""
    rules.require(planned(tmp_path, ("contract", sql)))


@pytest.mark.parametrize("sql", ADDITIVE)
def test_what_adds_is_no_contract(sql: str, tmp_path: Path) -> None:
    """Words in comments and strings do not count as removal."""
    rules.require(planned(tmp_path, ("expand", sql)))


BLOCK = "with op.get_context().autocommit_block():\n    "
UPDATE = "op.execute('UPDATE a SET b = 1')"
INDEX = "op.execute('CREATE INDEX CONCURRENTLY i ON a (b)')"


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize(
    ("body", "atomic"),
    [
        (f"{BLOCK}{INDEX}", True),
        (f"{BLOCK}op.execute('DROP INDEX CONCURRENTLY IF EXISTS i')\n    {INDEX}", True),
        (f"{BLOCK}op.execute('SET lock_timeout = 0')\n    {INDEX}", True),
        (f"{BLOCK}{UPDATE}\n    {UPDATE}", True),
        (f"op.execute('ALTER TABLE a ADD b bigint')\n{BLOCK}{INDEX}", False),
        (f"{BLOCK}{INDEX}\nop.execute('ALTER TABLE a ADD b bigint')", False),
        (f"{BLOCK}{INDEX}\n    op.execute('CREATE INDEX CONCURRENTLY j ON a (b)')", False),
        (f"{BLOCK}{INDEX}\n    {UPDATE}", False),
        ("op.execute('SELECT 1; COMMIT; SELECT 2')", False),
    ],
)
def test_a_revision_is_whole(body: str, phase: Phase, *, atomic: bool, tmp_path: Path) -> None:
    """Statements that a later failure would leave half done are refused in every phase."""
    found = list(rules.breaches(planned(tmp_path, (phase, body)).revisions[0]))
    assert [one.rule for one in found] == ([] if atomic else ["not-atomic"])


def test_statements_have_their_lines() -> None:
    """Comments before a statement do not count."""
    found = list(split("-- one\n\nSELECT 'a;b';\n/* two\n */ SELECT $x$;$x$ ;\n;"))
    assert [(one.line, one.bare) for one in found] == [(3, "SELECT ''"), (5, "SELECT ''")]


def test_what_is_logged_has_no_values() -> None:
    """Literals and numbers are removed; names stay."""
    query = "UPDATE  invoices /* x */ SET cae = '1', \"Total\" = 12.5 WHERE id2 = 7 AND a = $1"
    assert without_values(query) == (
        'UPDATE invoices SET cae = ?, "Total" = ? WHERE id2 = ? AND a = $1'
    )
    assert len(without_values("SELECT " + "a, " * 1000)) < 310
    assert without_long_numbers("Key 1234567-8901 of r12") == "Key ? of r12"
