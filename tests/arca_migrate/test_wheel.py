"""The migration runner as the application's image installs it: the wheel alone."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from arca_migrate.database import Database, Limits
from arca_migrate.sessions import LOCK

from arca.monitoring import contract
from tests import ROOT, wheels
from tests.arca_migrate.histories import INVOICES

pytestmark = pytest.mark.slow

GUIDE = (ROOT / "docs" / "migrations.md").read_text(encoding="utf-8")
FOREIGN = ("arca", "boto3", "pydantic", "pulumi", "tests")
"""Modules that the image does not get."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the migration runner."""
    return wheels.build(tmp_path_factory, "arca-migrate")


@pytest.fixture(scope="module")
def image(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> wheels.Environment:
    """An environment with that wheel and what it declares."""
    return wheels.environment(tmp_path_factory, [wheel], "arca-migrate")


@pytest.fixture
def script(image: wheels.Environment, tmp_path: Path) -> Path:
    """Write the script that docs/migrations.md shows, with the paths of this test."""
    (text,) = re.findall(r"```sh\n(#!/bin/sh\n.*?)```", GUIDE, re.DOTALL)
    history = tmp_path / "migrations"
    shutil.copytree(INVOICES, history, ignore=shutil.ignore_patterns("__pycache__"))
    assert text.count("/app/migrations") == text.count("exec arca-migrate ") == 1
    text = text.replace("/app/migrations", str(history))
    path = tmp_path / "migrate"
    path.write_text(text.replace("arca-migrate ", f"{image.bin}/arca-migrate "), encoding="utf-8")
    path.chmod(0o755)
    return path


def test_the_guide_names_the_wheel(wheel: Path) -> None:
    """The Dockerfile's lines copy and install a file that this repository builds."""
    assert set(re.findall(r"arca_migrate-[\w.-]+\.whl", GUIDE)) == {wheel.name}


def test_nothing_of_this_repository_is_beside_it(image: wheels.Environment) -> None:
    """The other tests of this module depend on it."""
    code = (
        "import arca_migrate, importlib.util, sys\n"
        "print(arca_migrate.__file__, [x for x in sys.argv[1:] if importlib.util.find_spec(x)])"
    )
    done = image.run("python", "-c", code, *FOREIGN)
    assert done.returncode == 0, done.stderr
    file, found = done.stdout.split(" ", 1)
    assert file.startswith(str(image.bin.parent))
    assert found == "[]\n"


def test_its_help_is_that_of_its_name(image: wheels.Environment) -> None:
    """The usage line is the same, however the command starts."""
    for words in (("arca-migrate",), ("python", "-m", "arca_migrate")):
        done = image.run(*words, "--help")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("Usage: arca-migrate [OPTIONS]\n")
        for code in (0, 1, 2, 6):
            assert f"\n    {code}  " in done.stdout


def test_the_script_migrates_a_real_database(script: Path, environment: dict[str, str]) -> None:
    """It runs twice up to the contract; then come a refusal and a failure."""
    applied = ["0001_accounts", "0002_invoices", "0003_cents", "0004_by_day", "0005_fill_cents"]
    for wanted in (applied, []):
        done = run(script, environment, "--release", "1.2.3")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert (done.returncode, done.stderr) == (0, "")
        assert [breach for line in lines for breach in contract.breaches(line)] == []
        assert (lines[-1]["event"], lines[-1]["applied"]) == ("migration.done", wanted)
    with Database.of(environment).connect(Limits()) as session:
        rows = session.execute(
            "SELECT revision, release FROM arca_migrations ORDER BY 1"
        ).fetchall()
    assert rows == [(revision, "1.2.3") for revision in applied]
    assert run(script, environment, "--phases", "all").returncode == 2
    gone = run(script, {**environment, "DATABASE_PORT": "1"})
    assert (gone.returncode, json.loads(gone.stdout)["event"]) == (1, "migration.failed")
    with Database.of(environment).connect(Limits()) as session:
        session.execute(f"SELECT pg_advisory_lock({LOCK})".encode())
        refused = run(script, environment, "--runner-wait", "0")
    assert (refused.returncode, json.loads(refused.stdout)["event"]) == (6, "migration.refused")


def run(
    script: Path, environment: dict[str, str], *options: str
) -> subprocess.CompletedProcess[str]:
    """Run the script as the migration task does: with the database's variables and no others."""
    return subprocess.run(
        [script, *options],
        cwd=script.parent,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=wheels.SECONDS,
    )
