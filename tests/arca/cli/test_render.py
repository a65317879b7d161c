"""Tests of tables and colours, on a terminal of 80 columns and where there is none."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Mapping

import pytest

from arca.cli import render
from tests import ROOT, clock
from tests.arca.release.stage import URL, Stage

IDS = (
    "CAQVOkBl8zPpgnli8UoWu",
    "ROLLBACK_SUCCESSFUL",
    "arca-prod-api:1.42.0",
    "2026-11-25 15:00:58",
)
TITLES = ("id", "status", "image", "begun", "reason")
WHY = "3 tasks died: api exited with 137 (out of memory, or killed with SIGKILL): task exited"


def printed(row: tuple[str, ...], titles: tuple[str, ...], **variables: str) -> str:
    """Print a table of one row on a terminal of 80 columns; return what the terminal gets."""
    code = (
        f"from arca.cli import render; render.table({titles!r}, [{row!r}], folds=('reason',));"
        "render.line('a FAILED-x FAILED', verdicts=True)"
    )
    return on_terminal(code, variables)


def on_terminal(code: str, variables: Mapping[str, str]) -> str:
    """Run Python code whose stdout is a terminal of 80 columns."""
    reader, writer = pty.openpty()
    environment = {**clock.environment(), "PATH": os.environ["PATH"], "TERM": "xterm-256color"}
    done = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**environment, "COLUMNS": "80", **variables},
        stdout=writer,
    )
    os.close(writer)
    text = b""
    while True:
        try:
            read = os.read(reader, 65536)
        except OSError:
            # Linux reports the end of a terminal as an error (pty(7)).
            break
        if not read:
            break
        text += read
    os.close(reader)
    assert done.wait(timeout=60) == 0
    return text.decode()


def plain(text: str) -> str:
    """Return a terminal's text without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r\n", "\n")


def test_a_table_that_is_too_wide_becomes_records() -> None:
    """What somebody must copy stands whole on one line, beside its title."""
    lines = plain(printed((*IDS, WHY), TITLES)).splitlines()
    for title, text in zip(TITLES, IDS, strict=False):
        assert [line for line in lines if f"{title} {text}" in line], title
    assert f"  reason {WHY}" in "".join(lines)
    assert not [line for line in lines if "│" in line or "…" in line]


def test_columns_counts_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a terminal a table is as wide as its content, or as COLUMNS says."""
    monkeypatch.delenv("COLUMNS", raising=False)
    render.table(TITLES, [(*IDS, WHY)], folds=("reason",))
    assert f"│ {WHY}" in capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "90")
    render.table(("id", "reason"), [(IDS[0], WHY)], folds=("reason",))
    assert max(map(len, capsys.readouterr().out.splitlines())) == 90
    monkeypatch.setenv("COLUMNS", "wide")
    render.table(TITLES, [(*IDS, WHY)], folds=("reason",))
    assert f"│ {WHY}" in capsys.readouterr().out


def test_a_column_of_sentences_is_folded() -> None:
    """The other columns stay whole, and no line is longer than the terminal."""
    lines = plain(printed((IDS[0], IDS[1], WHY), ("id", "status", "reason"))).splitlines()
    assert [line for line in lines if f"│{IDS[0]} │ {IDS[1]} │ 3 tasks died" in line]
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert "SIGKILL" in "".join(lines)


def test_a_verdict_has_a_colour_on_a_terminal() -> None:
    """A verdict is coloured as a whole word, in a table and in a line."""
    text = printed(("x", "FAILED"), ("id", "status"))
    assert text.count("\x1b[1;31mFAILED\x1b[0m") == 2
    assert "FAILED-x \x1b[1;31m" in text


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_switched_off(variables: Mapping[str, str]) -> None:
    """NO_COLOR and a terminal without colours get none."""
    text = printed(("x", "FAILED"), ("id", "status"), **variables)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", text)
    assert "a FAILED-x " in text


def test_the_history_cuts_nothing_at_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids, revisions and images can be copied from a terminal; elsewhere it is one table."""
    stage = Stage(monkeypatch)
    arca = stage.commands(monkeypatch)
    stage.push("2")
    stage.cloud.fault("exits", image=f"{URL}:2", code=3)
    stage.release(migrate=False).deploy("2")
    wide = arca("history").stdout
    assert "\x1b" not in wide
    identifiers = re.findall(r"│ ([A-Za-z0-9]{21}) │", wide)
    assert len(identifiers) == 2
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    text = plain(arca("history").stdout)
    for word in (*identifiers, "api:2", f"image {URL.rpartition('/')[2]}:2", "exited with 3"):
        assert word in text
    assert "…" not in text
