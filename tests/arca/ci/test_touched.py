"""Which stacks a change touches."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from arca.ci.touched import touched_stacks
from tests import ROOT
from tests.sources import imports, rooms

ALL = ["dev", "staging", "prod", "dr"]


@pytest.mark.parametrize(
    ("paths", "wanted"),
    [
        ([], []),
        (["Pulumi.prod.yaml"], ["prod"]),
        (["Pulumi.dr.yaml", "Pulumi.dev.yaml", "docs/pipeline.md"], ["dev", "dr"]),
        (["docs/asks.md", "README.md", "tests/graph.py", "arca/cli/main.py", "Makefile"], []),
        (["components/cache.py"], ALL),
        (["arca/monitoring/slo/availability.yaml"], ALL),
        (["Pulumi.yaml"], ALL),
        (["requirements.txt"], ALL),
        (
            [
                "requirements-dev.txt",
                "requirements-operator.txt",
                "arca/stack.py",
                "arca/ci/touched.py",
            ],
            [],
        ),
        ([".github/workflows/stack.yml"], ALL),
        (["a_new_folder/x.py"], ALL),
        (["Pulumi.gone.yaml"], []),
    ],
)
def test_which_stacks_a_change_touches(paths: list[str], wanted: list[str]) -> None:
    """A stack's file touches its stack, the program all stacks, and the rest none."""
    assert touched_stacks(paths, ["dr", "prod", "staging", "dev"]) == wanted


def test_the_command_reads_lines_and_prints_json() -> None:
    """It knows the stacks that have a file."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "arca", "ci", "touched"],
        cwd=ROOT,
        input="Pulumi.prod.yaml\n\nPulumi.dr.yaml\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == ["prod", "dr"]


def test_the_program_reads_no_file_that_touches_no_stack() -> None:
    """It neither imports one nor hands one to AWS as a function's code."""
    read, waiting = set[Path](), rooms("__main__", "settings", "components")
    while waiting:
        path = waiting.pop()
        read.add(path)
        named = {ROOT.joinpath(*module.split(".")) for module in imports(path)}
        files = {file for one in named for file in (one.with_suffix(".py"), one / "__init__.py")}
        waiting += [file for file in files if file.exists() and file not in read]
    assert ROOT / "arca" / "monitoring" / "catalogue.py" in read
    missed = [path for path in read if not touched_stacks([str(path.relative_to(ROOT))], ALL)]
    assert missed == []
    for source in ROOT.glob("components/**/*.py"):
        for name in re.findall(r'source\("([^"]+)"', source.read_text(encoding="utf-8")):
            assert touched_stacks([f"arca/{name}"], ALL) == ALL
