"""`arca dr report`: text, JSON and page; damaged files; exit codes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from arca.cli.dr import VERBS
from arca.cli.main import cli
from arca.errors import ArcaError, ExitCode
from arca.recovery import records
from tests.arca.recovery.records import record


def run(*words: str) -> Result:
    """Run the command line; a known failure is raised."""
    return CliRunner().invoke(cli, ["dr", *words], standalone_mode=False, catch_exceptions=False)


@pytest.fixture
def drills(tmp_path: Path) -> Path:
    """Return a directory with a drill that failed, and a later one that passed."""
    folder = tmp_path / "drills"
    records.write(record(declared="2026-11-27T09:00:00Z", schema_after="7"), folder)
    records.write(record(), folder)
    return folder


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_a_command(verb: str) -> None:
    """Each line of the group's help has a verb with help of its own."""
    done = CliRunner().invoke(cli, ["dr", verb, "--help"])
    assert done.exit_code == 0
    assert VERBS[verb] in CliRunner().invoke(cli, ["dr", "--help"]).output.replace("\n  ", " ")


def test_a_directory_is_a_table(drills: Path) -> None:
    """The newest record decides the exit code."""
    done = run("report", str(drills))
    assert done.return_value == ExitCode.DONE
    assert "FAILED: RTO 87,800 s, allowed are less than" in done.stdout
    assert done.stdout.count("prod to dr") == 2


def test_a_file_is_a_whole_record(drills: Path) -> None:
    """With each phase, what became of the invoices, and each reason."""
    done = run("report", str(drills / "2026-11-27T090000Z-drill-prod-dr.json"))
    assert done.return_value == ExitCode.FAILED
    for part in ("saw promote", "acknowledged and lost", "the stack dr: gone", "emulated, at"):
        assert part in done.stdout
    assert "  FAILED the schema changed from 5e0a to 7" in done.stdout


def test_json_is_the_files(drills: Path) -> None:
    """With the verdict and what was measured."""
    found = json.loads(run("report", str(drills), "--json").stdout)["records"]
    assert [one["verdict"]["passed"] for one in found] == [False, True]
    assert found[1] == json.loads((drills / "2026-11-28T090000Z-drill-prod-dr.json").read_text())


def test_a_page_is_written(drills: Path, tmp_path: Path) -> None:
    """Progress goes to stderr; with --json, stdout is JSON alone."""
    page = tmp_path / "drill.html"
    done = run("report", str(drills), "--html", str(page), "--json")
    assert json.loads(done.stdout)
    assert done.stderr == f"Wrote {page}.\n"
    assert "<svg" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["nowhere.json"], "The record cannot be read"),
        (["empty"], "There is no record in the directory"),
        (["bad.json"], "The record is not JSON"),
        (["drills", "--html", "page.txt"], "The file cannot have the name page.txt"),
        (["drills", "--html", "no/page.html"], "There is no directory no"),
    ],
)
def test_bad_input_is_one_clear_error(
    drills: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], what: str
) -> None:
    """Nothing is written, and the exit code is 1."""
    monkeypatch.chdir(drills.parent)
    Path("empty").mkdir()
    Path("bad.json").write_text("{")
    with pytest.raises(ArcaError) as error:
        run("report", *words)
    assert what in error.value.what
    assert error.value.exit_code == ExitCode.FAILED
    assert list(Path().glob("*.html")) == []


def test_an_unknown_verb_is_wrong_usage() -> None:
    """As an unknown command is."""
    done = CliRunner().invoke(cli, ["dr", "fialover"])
    assert done.exit_code == ExitCode.USAGE
    assert "No such command 'fialover'" in done.output
