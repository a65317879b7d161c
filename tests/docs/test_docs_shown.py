"""What the deployment guide shows is what the emulated prod prints.

The test follows the page as a reader does: in a fresh copy of the repository, in a plain shell, in
the page's order. What the guide shows is compared as tests/docs/shown.py says.
"""

import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen
from unittest.mock import patch

import pytest
from click.testing import CliRunner

from arca.cli.main import main
from tests import ROOT
from tests.docs.reader import Reader
from tests.docs.shown import Example, examples, matches
from tools import tree

GUIDE = ROOT / "docs" / "deployment-guide.md"
BEFORE = ["make up STACK=prod", ". .venv/bin/activate"]
"""What the guide asks for before its first example."""
PROMISED = frozenset(
    {"bootstrap", "deploy", "diff", "history", "migrate"}
    | {"rollback", "scale", "smoke", "status", "stop", "verify", "why"}
)
"""Commands whose output the guide shows."""


def arca(words: tuple[str, ...]) -> tuple[int, str]:
    """Run a command in this process; its exit code, and what it prints on both streams."""
    code = 0
    with patch.object(sys, "argv", ["arca", *words]), CliRunner().isolation() as (_, _, output):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        sys.stdout.flush()
        sys.stderr.flush()
    return code, output.getvalue().decode()


def ended(process: Popen[str], example: Example) -> None:
    """Wait for a command that was left running; it ends as shown."""
    with process:
        try:
            assert process.wait(timeout=60) == example.exit_code, example.command
        finally:
            process.kill()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Return a reader who did what the guide asks for before its first example."""
    tree.copy(tmp_path)
    reader = Reader(tmp_path)
    up, activate = BEFORE
    code, printed = reader.run(up)
    assert code == 0, printed
    reader.before.append(activate)
    yield reader
    reader.run("make down")


@pytest.mark.slow
def test_the_guide_shows_what_is_printed(reader: Reader) -> None:
    """Each command ends as shown, and prints what is shown."""
    page = GUIDE.read_text(encoding="utf-8")
    before, _, _ = page.partition("\n$ ")
    assert "\n".join(["```", *BEFORE, "```", ""]) in before
    found = examples(page)
    assert {example.words[1] for example in found} >= PROMISED
    with ExitStack() as left:
        for example in found:
            if example.aside:
                last = example.shown.strip("\n").rpartition("\n")[2]
                process, printed = reader.start(example.command, last)
                left.callback(ended, process, example)
            else:
                code, printed = reader.run(example.command)
                assert code == example.exit_code, f"{example.command}\n{printed}"
            assert matches(example.shown, printed), (
                f"{example.command}\n\nshown:\n{example.shown}\nprinted:\n{printed}"
            )


@pytest.mark.parametrize("page", ["README.md", "docs/migrations.md"])
def test_the_plans_of_other_pages_run(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page plans with this repository's own history can be planned."""
    monkeypatch.chdir(ROOT)
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = re.findall(r"^arca (migrate --plan --history tests/[^#\n]+)", text, re.MULTILINE)
    assert lines
    for line in lines:
        code, printed = arca(tuple(shlex.split(line)))
        assert code == 0, printed


@pytest.mark.parametrize(
    ("shown", "printed", "good"),
    [
        ("a\n...\nd", "a\nb\nc\nd", True),
        ("a\n...\nd", "a\nb\nc", False),
        ("a ... d", "a  b c   d", True),
        ("begun 2026-01-01 10:00", "begun 2027-02-03 11:22", True),
        ("begun", "began", False),
        ("a", "a\nb", False),
        (f"{'A' * 21}  IN_PROGRESS  SCALE_UP  tasks 0/3\nx", "x", False),
        (
            f"{'A' * 21}  IN_PROGRESS  SCALE_UP  tasks 0/3\nx",
            f"{'b' * 21}  PENDING  RECONCILE_SERVICE  tasks 2/3\nx",
            True,
        ),
    ],
)
def test_what_is_shown_is_compared(shown: str, printed: str, *, good: bool) -> None:
    """The comparison itself: what is cut, what varies, and what may not differ."""
    assert matches(shown, printed) is good
