"""Each command of the pages beside the deployment guide works, in the order of its page.

The test follows a page as a reader does: in a fresh copy of the repository, in a plain shell.
tests/docs/shown.py says which commands need an account and are left out.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import ROOT, postgres
from tests.arca_migrate.histories import INVOICES
from tests.docs.reader import Reader
from tests.docs.shown import commands
from tools import tree

pytestmark = pytest.mark.slow

ACTIVATE = ". .venv/bin/activate"
THESE_TESTS = "make test"
"""The only command that no reader of this test runs: it would run the tests from a test."""


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Return a reader with a fresh copy; what they brought up goes down at the end."""
    tree.copy(tmp_path)
    reader = Reader(tmp_path)
    yield reader
    reader.run("make down")


def follow(reader: Reader, page: str, *before: str) -> None:
    """Run what the page asks for before its commands, then each of them; all must succeed."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = commands(text)
    assert found
    for command in (*before, *found):
        if command == ACTIVATE:
            reader.before.append(command)
        elif command != THESE_TESTS:
            # Ctrl-C ends what would run on.
            follows = command.endswith(" --follow")
            ended = f"timeout --preserve-status --signal=INT 10 {command}"
            code, printed = reader.run(ended if follows else command)
            assert code == 0, f"{page}: {command}\n{printed}"


def test_the_readme_can_be_followed(reader: Reader) -> None:
    """From nothing to a first look at a release."""
    follow(reader, "README.md")


def test_the_migrations_can_be_followed(reader: Reader) -> None:
    """The application's repository has a history, and its task the variables of a database."""
    shutil.copytree(INVOICES, reader.directory / "migrations")
    with postgres.running() as server:
        reader.environment |= server.database()
        follow(reader, "docs/migrations.md", ACTIVATE)


def test_the_monitoring_can_be_followed(reader: Reader) -> None:
    """With the emulated prod, and with the series that the page shows."""
    page = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    (series,) = re.findall(r"^```\n(minute,.*?)^```", page, re.DOTALL | re.MULTILINE)
    (reader.directory / "series.csv").write_text(series, encoding="utf-8")
    follow(reader, "docs/monitoring.md", "make up STACK=prod", ACTIVATE)
