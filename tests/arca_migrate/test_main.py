"""Tests of the command `arca-migrate`: its lines and its exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from arca_migrate.applied import Applied
from arca_migrate.database import Database
from arca_migrate.sessions import LOCK

from tests import ROOT, clock
from tests.arca_migrate.histories import INVOICES, lines_of, migrate, session, write


@pytest.mark.parametrize(
    ("arguments", "code", "event"),
    [
        ([], 0, "migration.done"),
        (["--phases", "everything"], 2, None),
        (["--phases", "contract"], 6, "migration.refused"),
    ],
)
def test_as_a_process(
    arguments: list[str], code: int, event: str | None, environment: dict[str, str]
) -> None:
    """The image starts it like this."""
    assert process(arguments, environment) == (code, event)


def test_as_a_process_that_fails(environment: dict[str, str]) -> None:
    """The database does not answer."""
    assert process([], {**environment, "DATABASE_PORT": "1"}) == (1, "migration.failed")


def process(arguments: list[str], environment: dict[str, str]) -> tuple[int, str | None]:
    """Run the command as a process; return its exit code and its last event."""
    done = subprocess.run(
        [sys.executable, "-m", "arca_migrate", "--history", INVOICES, *arguments],
        cwd=ROOT,
        env={**clock.environment(), "PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    lines = lines_of(done.stdout)
    return done.returncode, lines[-1]["event"] if lines else None


def test_run_and_what_was_applied(environment: dict[str, str]) -> None:
    """Two runs end with 0; the history reads back as records."""
    code, lines, _ = migrate(environment, "--release", "1.2.3", "--phases", "expand")
    assert (code, lines[-1]["event"], lines[-1]["held"]) == (
        0,
        "migration.done",
        ["0005_fill_cents", "0006_drop_total"],
    )
    code, lines, _ = migrate(environment, "--applied")
    assert (code, [line["event"] for line in lines]) == (0, ["migration.history"])
    assert lines[0]["current"] == "0004_by_day"
    records = [Applied.from_json(one) for one in lines[0]["applied"]]
    assert [one.release for one in records] == ["1.2.3"] * 4


def test_plan_with_and_without_a_database(environment: dict[str, str]) -> None:
    """The plan changes nothing; with --from it asks no database."""
    code, lines, _ = migrate({}, "--plan", "--from", "0004_by_day", "--phases", "migrate,contract")
    assert code == 0
    assert [line.get("revision") for line in lines] == ["0005_fill_cents", "0006_drop_total", None]
    assert "DROP COLUMN total" in lines[1]["sql"]
    assert lines[2]["event"] == "migration.plan"
    assert migrate({}, "--plan", "--from", "base")[1][-1]["held"] == ["0006_drop_total"]
    code, lines, _ = migrate(environment, "--plan")
    assert (code, lines[-1]["current"], len(lines[-1]["revisions"])) == (0, None, 5)
    assert migrate(environment, "--applied")[1][0]["applied"] == []


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([("contract", "DROP TABLE a"), ("expand", "SELECT 1")], "r2 (expand) stands behind r1"),
        ([("expand", "DROP TABLE a")], "declared expand, and it drops a table"),
    ],
)
def test_a_plan_that_would_be_refused(
    steps: list[tuple[str, str]], said: str, tmp_path: Path
) -> None:
    """The plan is printed, and the exit code is that of the run."""
    code, lines, _ = migrate({}, "--plan", "--from", "base", history=write(tmp_path, *steps))
    assert (code, lines[-1]["event"]) == (6, "migration.refused")
    assert said in lines[-1]["message"]
    assert lines[-2]["event"] == "migration.plan"


def test_a_failure_exits_with_1(environment: dict[str, str], tmp_path: Path) -> None:
    """One line says what, where and what to do."""
    history = write(tmp_path, ("expand", "SELECT 1 / 0"))
    code, lines, _ = migrate(environment, history=history)
    failed = lines[-1]
    assert (code, failed["event"], failed["level"]) == (1, "migration.failed", "ERROR")
    assert (failed["error_class"], failed["revision"]) == ("DivisionByZero", "r1")
    assert failed["blocked_by"] == []
    assert failed["do"]
    assert migrate({**environment, "DATABASE_PASSWORD": "x"})[0] == 1
    assert migrate({})[1][-1]["message"].startswith("DATABASE_ADDRESS")
    assert migrate(environment, history=tmp_path / "gone")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--phases", "all"], "no list of phases"),
        (["--plan", "--applied"], "ask one"),
        (["--from", "base"], "--from goes with --plan"),
        (["--attempts", "0"], "--attempts"),
        (["--unknown"], "No such option"),
    ],
)
def test_a_usage_error_exits_with_2(arguments: list[str], said: str) -> None:
    """The message is on stderr, and no database was asked."""
    code, lines, stderr = migrate({}, *arguments)
    assert (code, lines) == (2, [])
    assert said in stderr


def test_a_refusal_exits_with_6(environment: dict[str, str], tmp_path: Path) -> None:
    """The reasons are another runner and a revision with a wrong phase."""
    with session(Database.of(environment)) as other:
        other.execute(f"SELECT pg_advisory_lock({LOCK})".encode())
        code, lines, _ = migrate(environment, "--runner-wait", "0")
    assert (code, lines[-1]["event"], lines[-1]["exit_code"]) == (6, "migration.refused", 6)
    history = write(tmp_path, ("expand", "DROP TABLE a"))
    assert migrate(environment, history=history)[0] == 6


def test_an_owner_who_may_not_create(environment: dict[str, str]) -> None:
    """An error of the runner's own statements is one line too."""
    with session(Database.of(environment)) as other:
        name = f"weak_{environment['DATABASE_NAME']}"
        other.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'".encode())
    weak = {**environment, "DATABASE_USERNAME": name, "DATABASE_PASSWORD": "x"}
    code, lines, _ = migrate(weak)
    assert (code, lines[-1]["error_class"]) == (1, "InsufficientPrivilege")
