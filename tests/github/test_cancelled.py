"""What a cancelled job does to the command that its step runs.

The runner sends SIGINT to the process that it started, which is the step's shell, then SIGTERM
after 7.5 seconds, and kills the tree after 2.5 more (GitHub Docs, "Workflow cancellation
reference"). A shell does not pass a signal on, so the command has to take the shell's place.
"""

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests import clock
from tests.github.workflows import BASH, Runner, steps

LONG = re.compile(
    r"\b(?:pulumi (?:preview|up|destroy)|arca (?:deploy|migrate|smoke|verify)"
    r"|arca ci (?:deployment follow|require-tests))\b"
)
"""Commands that work for minutes, and of which a cancelled one must know."""
WAITS = """trap 'echo interrupted >> "$SIGNALS"; exit 130' INT
trap 'echo terminated >> "$SIGNALS"; exit 143' TERM
echo started >> "$SIGNALS"
# A shell looks at its traps between commands.
for second in {1..200}; do command sleep 0.05; done"""
QUICK = 'case "$1 $2" in "ci review-stack") exit;; esac\n'
SECONDS = 5
"""The runner's own wait is 7.5 seconds."""


def long_steps() -> list[tuple[str, dict[str, Any]]]:
    """Return the steps that run such a command."""
    return [
        (f"{where}: {step['name']}", step)
        for where, step in steps()
        if LONG.search(step.get("run", ""))
    ]


FOUND = dict(long_steps())


def test_the_steps_are_found() -> None:
    """A new command for the pipeline belongs here."""
    assert len(FOUND) == 16
    for words in ("pulumi up", "pulumi destroy", "arca deploy", "arca migrate"):
        assert any(words in step["run"] for step in FOUND.values()), words


@pytest.mark.parametrize("name", FOUND)
def test_the_last_command_takes_the_shells_place(name: str) -> None:
    """Nothing may follow it, and nothing may hold it in a pipe or a condition."""
    script = FOUND[name]["run"].replace("\\\n", " ").rstrip()
    *before, last = script.splitlines()
    assert last.lstrip().startswith("exec "), name
    assert "|" not in re.sub(r">\(.*?\)", "", last)
    assert not LONG.search("\n".join(before)), name


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
@pytest.mark.parametrize("name", FOUND)
def test_a_signal_reaches_the_command(tmp_path: Path, name: str, number: signal.Signals) -> None:
    """The step's real script runs in a real shell, and the signal goes to that process alone."""
    runner = Runner(tmp_path)
    for program in ("pulumi", "arca"):
        runner.fake(program, QUICK + WAITS)
    signals, script = tmp_path / "signals", tmp_path / "step"
    script.write_text(FOUND[name]["run"], encoding="utf-8")
    names = ("STACK", "IMAGE", "NUMBER", "BEFORE", "GITHUB_REPOSITORY", "GITHUB_SHA")
    started = subprocess.Popen(
        # A program in the background of a shell ignores SIGINT, and its children inherit that.
        ["/usr/bin/env", "--default-signal=INT", BASH, "-euo", "pipefail", str(script)],
        cwd=runner.folder,
        env={
            **clock.environment(),
            **dict.fromkeys(names, "x"),
            "CALLS": str(tmp_path / "calls"),
            "PATH": runner.path,
            "SIGNALS": str(signals),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(signals)
        os.kill(started.pid, number)
        code = started.wait(SECONDS)
    finally:
        started.kill()
        started.wait()
    said = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}[number]
    assert signals.read_text(encoding="utf-8") == f"started\n{said}\n"
    # The runner sees the command's own exit code.
    assert code == 128 + number


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + SECONDS * 4
    while not (path.exists() and path.read_text(encoding="utf-8").endswith("\n")):
        assert time.monotonic() < deadline, "the command did not start"
        time.sleep(0.01)
