"""Tests of the limits of a revision: waiting, running and attempts."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from arca_migrate import attempt
from arca_migrate.attempt import RevisionFailed
from arca_migrate.database import Database, Limits

from tests.arca_migrate.histories import HASTY, Lines, asked, run, write


def test_a_statement_that_takes_too_long(database: Database, tmp_path: Path) -> None:
    """It is cancelled and not tried again."""
    lines = Lines()
    with pytest.raises(RevisionFailed, match=r"a statement was cancelled, after 0\.2 s"):
        run(
            database,
            write(tmp_path, ("expand", "SELECT pg_sleep(20)")),
            lines=lines,
            limits=Limits(statement=0.2, attempts=3),
        )
    assert lines.of("migration.retried") == []


@pytest.mark.parametrize(
    ("limit", "shown"), [("lock_timeout", "200ms"), ("statement_timeout", "20s")]
)
def test_a_revision_cannot_lift_the_limits_of_the_next(
    limit: str, shown: str, database: Database, tmp_path: Path
) -> None:
    """The runner sets them again before each revision."""
    history = write(
        tmp_path,
        ("expand", f"SET {limit} = 0"),
        ("expand", f"CREATE TABLE seen AS SELECT current_setting('{limit}') AS limits"),
    )
    run(database, history)
    assert asked(database, "SELECT limits FROM seen") == shown


def test_a_session_has_its_limits_from_the_start(database: Database) -> None:
    """They hold for the runner's own statements, and end those of a killed runner soon."""
    names = (
        "lock_timeout",
        "statement_timeout",
        "application_name",
        "client_connection_check_interval",
    )
    with database.connect(HASTY) as own:
        shown = [own.execute(f"SHOW {name}".encode()).fetchone() for name in names]
    assert shown == [("200ms",), ("20s",), ("arca-migrate",), ("2s",)]


def raising(code: str, text: str = "no") -> str:
    """Return a statement that fails on the server with this SQLSTATE."""
    return f"DO $$ BEGIN RAISE EXCEPTION '{text}' USING ERRCODE = '{code}'; END $$"


def test_a_message_of_the_server_shows_no_long_number(database: Database, tmp_path: Path) -> None:
    """A long number may be a CUIT; short numbers stay."""
    body = raising("P0001", "row 12 of 20-30405060-7 and 20304050607")
    with pytest.raises(RevisionFailed) as raised:
        run(database, write(tmp_path, ("expand", body)))
    assert "failed: row 12 of ? and ? (SQLSTATE P0001)" in raised.value.what


def test_a_deadlock_is_tried_again_after_a_pause_of_no_rhythm(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause grows up to a limit, and each has a random part."""
    pauses: list[float] = []
    monkeypatch.setattr(attempt, "time", SimpleNamespace(sleep=pauses.append, monotonic=float))
    limits = replace(HASTY, attempts=8, pause=1, longest_pause=16)
    with pytest.raises(RevisionFailed, match="8 attempts ended by a deadlock"):
        run(database, write(tmp_path, ("expand", raising("40P01"))), limits=limits)
    shares = [
        pause / longest for pause, longest in zip(pauses, (1, 2, 4, 8, 16, 16, 16), strict=True)
    ]
    assert all(0.5 <= share <= 1 for share in shares)
    assert len({*shares}) == len(shares)
