"""What the deployment guide shows is what the emulated prod prints.

Each `$ arca ...` of the guide runs, in the page's order and in one emulated prod, and what stands
below it is held against what it prints. Behind a command, `# exit code 6` is its exit code, and
`# in another terminal` leaves it running; below it, `...` stands for whatever is cut.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest
from click.testing import CliRunner

from arca.cli.main import main
from arca.emulator import up
from arca.emulator.state import State
from tests import ROOT
from tests.arca.emulator.local_cloud import free_port, quiet
from tests.docs.markdown import FENCE

GUIDE = ROOT / "docs" / "deployment-guide.md"
SHOWN_PORT = "127.0.0.1:5566"
MINUTE = "0.2"
"""Seconds of a simulated minute: the pause leaves six to look and to stop."""
PROMISED = frozenset(
    {"bootstrap", "deploy", "diff", "history", "migrate"}
    | {"rollback", "scale", "smoke", "status", "stop", "verify", "why"}
)
"""Commands whose output the guide shows."""
VARYING = tuple(
    (re.compile(pattern, re.MULTILINE), instead)
    for pattern, instead in (
        (r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/", ""),
        (r"arn:\S+", "ARN"),
        (r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:PORT"),
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?Z?", "WHEN"),
        (r"sha256:[0-9a-f]+", "DIGEST"),
        (r"(^|deployment +|, |stop |│ )[A-Za-z0-9]{21}\b", r"\1ID"),
        (r"by \S+@\S+ \(process \d+\)", "by SOMEBODY"),
        (r"(role \S+|target group \S+|secret \S+)-[A-Za-z0-9]{6}:", r"\1-SUFFIX:"),
        (r"\d+ tasks( died|\))", r"N tasks\1"),
        (r"(│ OK +│) \d+ +│", r"\1 MS │"),
        (r"━+|─+", "━"),
        (r" +", " "),
        (r" $", ""),
    )
)
"""What differs from run to run: ids, moments, ports, widths of tables."""
PASSING = re.compile(r"^ID (PENDING|IN_PROGRESS|ROLLBACK_REQUESTED|ROLLBACK_IN_PROGRESS) \w+")
"""A stage that a slow look may miss."""


@dataclass(frozen=True)
class Example:
    """A command of the guide, and what stands below it."""

    words: tuple[str, ...]
    exit_code: int
    aside: bool
    shown: str

    @property
    def command(self) -> str:
        """For a person."""
        return shlex.join(("arca", *self.words))


def examples(page: str) -> list[Example]:
    """The commands of a page, in their order."""
    found: list[Example] = []
    for block in FENCE.findall(page):
        for part in re.split(r"^\$ arca ", block, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            code = re.search(r"#.*\bexit code (\d+)$", line)
            words = tuple(shlex.split(line, comments=True))
            aside = "# in another terminal" in line
            found.append(Example(words, int(code[1]) if code else 0, aside, shown))
    return found


def plain(text: str) -> list[str]:
    """The lines, without what differs from run to run."""
    for pattern, instead in VARYING:
        text = pattern.sub(instead, text)
    return text.strip("\n").split("\n")


def passing(lines: list[str]) -> tuple[list[str], set[str]]:
    """The lines that every run prints, and the forms of those that a slow look may miss."""
    gone = [line for line in lines if PASSING.match(line) and "waits for" not in line]
    forms = {
        re.sub(r"\d+", "N", PASSING.sub("ID STATUS STAGE", line.partition(" alarms ")[0]))
        for line in gone
    }
    return [line for line in lines if line not in gone], forms


def matches(shown: str, printed: str) -> bool:
    """Whether what is shown was printed."""
    wanted, forms = passing(plain(shown))
    lines, known = passing(plain(printed))
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"\n"
        for line in wanted
    )
    return (
        forms <= known and re.fullmatch(pattern, "".join(f"{one}\n" for one in lines)) is not None
    )


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


def started(words: tuple[str, ...], until: str) -> tuple[subprocess.Popen[str], str]:
    """Start a command, and read on until it prints that line; leaves it running."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "arca", *words],
        cwd=ROOT,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if plain(line) == plain(until):
            break
    return process, printed


def ended(process: subprocess.Popen[str], example: Example) -> None:
    """Wait for a command that was left running; it ends as shown."""
    with process:
        try:
            assert process.wait(timeout=60) == example.exit_code, example.command
        finally:
            process.kill()


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Of a prod that is up, with `python` on PATH as the guide has it."""
    state = State(tmp_path / "state")
    monkeypatch.setenv("ARCA_LOCAL_MINUTE", MINUTE)
    monkeypatch.setenv("ARCA_STATE_DIR", str(state.directory))
    monkeypatch.setenv(
        "PATH", os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    )
    monkeypatch.chdir(ROOT)
    number = free_port()
    up.up("prod", port=number, state=state, watch=quiet)
    yield number
    up.down(state=state)


@pytest.mark.slow
def test_the_guide_shows_what_is_printed(port: int) -> None:
    """Each command ends as shown, and prints what is shown."""
    found = examples(GUIDE.read_text(encoding="utf-8"))
    assert {example.words[0] for example in found} >= PROMISED
    with ExitStack() as left:
        for example in found:
            words = tuple(word.replace(SHOWN_PORT, f"127.0.0.1:{port}") for word in example.words)
            if example.aside:
                process, printed = started(words, example.shown.strip("\n").rpartition("\n")[2])
                left.callback(ended, process, example)
            else:
                code, printed = arca(words)
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
