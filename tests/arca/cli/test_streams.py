"""Tests of output that nobody reads: the work goes on, and the exit code stays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT, clock

PROGRAM = """
import sys
from pathlib import Path

import click

from arca.cli import main, render


@click.command("talk")
@click.argument("end", type=Path)
def talk(end):
    for number in range(2_000):
        click.echo("to a person", err=True)
        render.line(f"line {number}")
    render.print_json_line({"done": True})
    end.write_text("done")
    click.get_current_context().exit(3)


main.LazyGroup.get_command = lambda self, ctx, name: talk
sys.argv.insert(1, "talk")
main.main()
"""


@pytest.mark.parametrize(
    "ending",
    [
        "",
        " >/dev/full",
        " >/dev/full 2>/dev/full",
        " >&-",
        " >&- 2>&-",
        " | head -n 1",
        " 2>&1 | head -n 1",
    ],
)
def test_output_that_cannot_be_written(ending: str, tmp_path: Path) -> None:
    """A full disk, a closed stream and a reader that has left end nothing and say nothing."""
    end = tmp_path / "end"
    command = f'"$0" -c "$1" "$2"{ending}; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(
        ["/bin/bash", "-c", command, sys.executable, PROGRAM, str(end)],
        cwd=ROOT,
        env={**clock.environment(), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 3, done.stderr
    assert end.read_text() == "done"
    for word in ("Traceback", "BrokenPipe", "Exception ignored"):
        assert word not in done.stderr
