"""The layout of the package: which modules are pure, and where the objectives' numbers are."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from arca.monitoring.slo.documents import FOLDER
from tests import ROOT

PACKAGE = ROOT / "arca" / "monitoring"
IMPURE = {"boto3", "botocore", "matplotlib"}
LAMBDA_CODE = PACKAGE / "slo" / "publisher.py"
"""The code of the publisher's function."""
FUNCTIONS = {LAMBDA_CODE, PACKAGE / "definition_watch.py"}
"""The code of our Lambda functions: outside live/, the only users of boto3."""
PURE = sorted(set(PACKAGE.rglob("*.py")) - set((PACKAGE / "live").rglob("*.py")) - FUNCTIONS)


def name(path: Path) -> str:
    """Return a file's name as a module."""
    dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return dotted.removesuffix(".__init__")


def imported(path: Path) -> set[str]:
    """Return the packages that a file imports anywhere, by the first part of their names."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    found: set[str] = set()
    for node in tree:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_live_reads_cloudwatch_or_draws(path: Path) -> None:
    """Catalogue, objectives, alarms, dashboards and contract are data and pure functions."""
    assert imported(path) & IMPURE == set()


def test_nothing_pure_brings_boto3_or_matplotlib_by_another_way() -> None:
    """Importing all pure modules loads neither, not even through other modules of ours."""
    code = (
        "import sys, importlib\n"
        f"for name in {[name(path) for path in PURE]!r}: importlib.import_module(name)\n"
        f"found = {IMPURE!r} & set(sys.modules)\n"
        "sys.exit(f'imported {found}' if found else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_functions_are_the_only_exceptions() -> None:
    """An exception is listed only while its function needs boto3."""
    assert [imported(path) & IMPURE for path in FUNCTIONS] == [{"boto3"}] * 2


def test_the_objectives_numbers_stand_in_a_folder_of_their_own() -> None:
    """A folder with documents and nothing else: a stranger finds the P95 objective by its name."""
    assert FOLDER == PACKAGE / "objectives"
    assert {path.suffix for path in FOLDER.iterdir()} == {".yaml"}
    text = (FOLDER / "latency.yaml").read_text(encoding="utf-8")
    for number in (r" +- target: 0\.\d+", r' +arca-api/threshold-ms: "\d+"'):
        assert len(re.findall(f"^{number}$", text, re.MULTILINE)) == 1
    assert not [path for path in PACKAGE.rglob("*.yaml") if path.parent != FOLDER]


CLOCK_READS = {"now", "utcnow", "today", "time", "time_ns", "monotonic", "localtime", "gmtime"}
COMMANDS = [ROOT / "arca" / "cli" / f"{name}.py" for name in ("slo", "dashboard")]
CLOCKED = sorted({*PACKAGE.rglob("*.py"), *COMMANDS} - {LAMBDA_CODE})
"""All but the publisher's function, which AWS Lambda calls without a clock."""


def clock_reads(path: Path) -> list[str]:
    """Return the calls that read the system's clock; `clock.now()` is the injected one."""
    return [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCK_READS
        and ast.unparse(node.func) != "clock.now"
    ]


@pytest.mark.parametrize("path", CLOCKED, ids=lambda path: str(path.relative_to(ROOT / "arca")))
def test_nothing_reads_the_systems_clock(path: Path) -> None:
    """Commands get a Clock and pass moments on, so that a test needs no patch."""
    assert clock_reads(path) == []


def test_a_read_of_the_systems_clock_is_found() -> None:
    """The check finds the one read that is allowed, so it can find others."""
    assert len(clock_reads(LAMBDA_CODE)) == 1
