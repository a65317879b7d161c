"""Tests of reading a history: phases, order, and each error with its place."""

from pathlib import Path

import pytest
from arca_migrate import history, phase
from arca_migrate.errors import MigrationError
from arca_migrate.phase import Phase

from tests.arca_migrate.histories import INVOICES, invoices, revision, write

ADD = "ALTER TABLE a ADD COLUMN b bigint"


def test_the_fixture_is_a_line_with_phases() -> None:
    """The oldest revision comes first, each with its purpose."""
    found = invoices()
    assert [(one.id, one.phase.value) for one in found.revisions] == [
        ("0001_accounts", "expand"),
        ("0002_invoices", "expand"),
        ("0003_cents", "expand"),
        ("0004_by_day", "expand"),
        ("0005_fill_cents", "migrate"),
        ("0006_drop_total", "contract"),
    ]
    assert found.head == "0006_drop_total"
    assert found.revisions[0].down is None
    assert found.revisions[1].down == "0001_accounts"
    assert found.revisions[2].message == "Totals in cents, beside the old column"


def test_a_directory_with_versions_needs_no_ini(tmp_path: Path) -> None:
    """Its name may contain a percent sign."""
    folder = tmp_path / "100%"
    folder.mkdir()
    assert history.read(write(folder, ("expand", ADD))).head == "r1"


def fault(directory: Path) -> MigrationError:
    """Return the error that reading a history ends in."""
    with pytest.raises(MigrationError) as raised:
        history.read(directory)
    return raised.value


def test_a_revision_without_phase_is_refused(tmp_path: Path) -> None:
    """The error has the line where the phase belongs."""
    path = revision(tmp_path, "r1", None, "", ADD)
    error = fault(tmp_path)
    assert "declares no phase" in error.what
    assert error.where == f"{path}:4"


@pytest.mark.parametrize("declared", ['"exapnd"', '"EXPAND"', "1", '["expand"]'])
def test_a_wrong_phase_is_refused(declared: str, tmp_path: Path) -> None:
    """The error has its line and the valid phases."""
    path = revision(tmp_path, "r1", None, f"phase: object = {declared}", ADD)
    error = fault(tmp_path)
    assert "declares the phase" in error.what
    assert error.where == f"{path}:6"
    assert "expand, migrate, contract" in error.wanted


def test_two_heads_are_named(tmp_path: Path) -> None:
    """Two revisions follow the same one."""
    write(tmp_path, ("expand", ADD), ("expand", ADD))
    revision(tmp_path, "other", "r1", 'phase = "expand"', ADD)
    error = fault(tmp_path)
    assert "2 heads" in error.what
    assert "r2 (r2.py)" in error.what
    assert "other (other.py)" in error.what


def test_a_merge_is_no_line(tmp_path: Path) -> None:
    """A revision that depends on another branch is refused too."""
    write(tmp_path, ("expand", ADD), ("expand", ADD))
    revision(tmp_path, "other", "r1", 'phase = "expand"', ADD)
    path = revision(tmp_path, "both", None, 'phase = "expand"', ADD)
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("down_revision = None", "down_revision = ('r2', 'other')"), encoding="utf-8"
    )
    assert "joins several" in fault(tmp_path).what


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("def upgrade(:", "SyntaxError", 1),
        ("import nothing_of_the_kind", "ModuleNotFoundError", 1),
        ("\nraise ValueError('half written')", "half written", 2),
        ("phase = 'expand'", "revision id", None),
    ],
)
def test_a_broken_script_is_one_error(
    text: str, said: str, line: int | None, tmp_path: Path
) -> None:
    """The error has the file, and the line if there is one."""
    write(tmp_path, ("expand", ADD))
    path = tmp_path / "versions" / "broken.py"
    path.write_text(text, encoding="utf-8")
    error = fault(tmp_path)
    assert said in error.what
    assert error.where == (f"{path}:{line}" if line else str(tmp_path))


def test_a_parent_that_is_missing(tmp_path: Path) -> None:
    """The error names it."""
    revision(tmp_path, "r2", "r1", 'phase = "expand"', ADD)
    assert "r1" in fault(tmp_path).what


def test_an_id_that_stands_twice(tmp_path: Path) -> None:
    """It is an error here, although Alembic only warns."""
    path = revision(tmp_path, "r1", None, 'phase = "expand"', ADD)
    path.with_name("again.py").write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    assert "more than once" in fault(tmp_path).what


def test_a_circle(tmp_path: Path) -> None:
    """Two revisions that follow each other are an error."""
    revision(tmp_path, "r1", "r2", 'phase = "expand"', ADD)
    revision(tmp_path, "r2", "r1", 'phase = "expand"', ADD)
    assert "cannot be read" in fault(tmp_path).what


def test_no_history(tmp_path: Path) -> None:
    """A missing directory, an empty one and one without a revision are errors."""
    assert "no Alembic history" in fault(tmp_path / "gone").what
    assert "no Alembic history" in fault(tmp_path).what
    (tmp_path / "versions").mkdir()
    assert "no revision" in fault(tmp_path).what


def test_a_revision_without_upgrade(tmp_path: Path) -> None:
    """It is an error, because it would do nothing."""
    path = revision(tmp_path, "r1", None, 'phase = "expand"', ADD)
    path.write_text(
        path.read_text(encoding="utf-8").replace("def upgrade", "def up"), encoding="utf-8"
    )
    assert "no upgrade()" in fault(tmp_path).what


def test_what_comes_after() -> None:
    """The start may be nothing, the middle, the head or an unknown revision."""
    found = invoices()
    assert found.after(None) == found.revisions
    assert [one.id for one in found.after("0005_fill_cents")] == ["0006_drop_total"]
    assert found.after(found.head) == ()
    with pytest.raises(MigrationError, match="no revision 0007") as raised:
        found.after("0007")
    assert str(INVOICES) in raised.value.where


def test_lists_of_phases() -> None:
    """Each phase comes once, in the order in which phases run."""
    assert phase.parse("migrate, expand,migrate") == (Phase.EXPAND, Phase.MIGRATE)
    for wrong in ("", "expand,", "all", "expand;migrate"):
        with pytest.raises(MigrationError, match="no list of phases"):
            phase.parse(wrong)
