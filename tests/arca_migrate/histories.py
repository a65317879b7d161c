"""Small Alembic histories for tests, and runs of them whose log lines are checked."""

import json
import textwrap
from pathlib import Path
from typing import Any

import psycopg
from arca_migrate import history, runner
from arca_migrate.__main__ import main
from arca_migrate.database import Database, Limits
from arca_migrate.events import MigrationEvents
from arca_migrate.history import History
from arca_migrate.phase import ROLLING, Phase
from click.testing import CliRunner

from arca.monitoring import contract
from tests import ROOT

INVOICES = ROOT / "tests" / "fixtures" / "invoices"
HASTY = Limits(lock=0.2, statement=20, runner=0.3, attempts=2, pause=0.05)
"""Short limits, for tests in which they end."""
EVERY = tuple(Phase)


def invoices() -> History:
    """Read the fixture's history."""
    return history.read(INVOICES)


def write(directory: Path, *steps: tuple[str, str]) -> Path:
    """Write a line of revisions from phases and statements; their ids are r1, r2 and so on."""
    for number, (phase, body) in enumerate(steps, 1):
        down = f"r{number - 1}" if number > 1 else None
        revision(directory, f"r{number}", down, f'phase = "{phase}"', body)
    return directory


def revision(directory: Path, name: str, down: str | None, phase: str, body: str) -> Path:
    """Write the file of a revision; its body is Python if it contains `op.`, else SQL."""
    python = "op." in body or "raise " in body
    code = body if python else f"op.execute({body!r})"
    lines = [
        f'"""Step {name}."""',
        "import sqlalchemy as sa",
        "from alembic import op",
        f"revision = {name!r}",
        f"down_revision = {down!r}",
        phase,
        "def upgrade():",
        textwrap.indent(code, "    "),
    ]
    path = directory / "versions" / f"{name}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class Lines(list[dict[str, Any]]):
    """The log lines of a run; each must keep the log contract."""

    def take(self, text: str) -> None:
        """Check one line and keep it."""
        line = json.loads(text)
        assert list(contract.breaches(line)) == []
        self.append(line)

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of an event."""
        return [line for line in self if line["event"] == event]


def run(
    database: Database,
    found: History | Path,
    *,
    phases: tuple[Phase, ...] = ROLLING,
    lines: Lines | None = None,
    limits: Limits = HASTY,
) -> runner.RunResult:
    """Run a history's pending revisions."""
    lines = Lines() if lines is None else lines
    found = history.read(found) if isinstance(found, Path) else found
    events = MigrationEvents("1.2.3", write=lines.take)
    return runner.run(database, found, phases=phases, events=events, limits=limits)


def session(database: Database, application: str = "test") -> psycopg.Connection[Any]:
    """Open a session beside the runner's, as the application does."""
    return database.connect(Limits(lock=10), application=application)


def asked(database: Database, query: str) -> Any:
    """Return the first value of a query."""
    with session(database) as other:
        row = other.execute(query.encode()).fetchone()
    return row[0] if row else None


def columns(database: Database, table: str) -> list[str]:
    """Return the columns of a table in order; none if the table is missing."""
    return asked(
        database,
        "SELECT coalesce(array_agg(column_name::text ORDER BY ordinal_position), '{}') "  # noqa: S608 - a test's own table
        f"FROM information_schema.columns WHERE table_name = '{table}'",
    )


def migrate(
    environment: dict[str, str], *arguments: str, history: Path = INVOICES
) -> tuple[int, list[dict[str, Any]], str]:
    """Run the command in this process; return its exit code, lines and stderr."""
    done = CliRunner().invoke(main, ["--history", str(history), *arguments], env=environment)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, lines_of(done.stdout), done.stderr


def lines_of(stdout: str) -> list[dict[str, Any]]:
    """Parse the lines of a run, which must keep the log contract."""
    lines = [json.loads(line) for line in stdout.splitlines()]
    assert [breach for line in lines for breach in contract.breaches(line)] == []
    return lines
