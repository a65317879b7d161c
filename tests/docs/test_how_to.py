"""Each recipe of docs/how-to.md can be followed, and does what it says."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from arca.errors import ArcaError
from arca.pins import PINS
from tests import ROOT, clock
from tests.docs.shown import examples, matches
from tools import how_to, tree
from tools.how_to import Change, Recipe

TITLES = (
    "Your own values",
    "A bigger database",
    "Another zone",
    "A secret",
    "A security group",
    "An objective's number",
    "An alarm",
    "A rate limit",
)


def copy_files(changes: Iterable[Change], tree: Path) -> None:
    """Copy the files that the changes are in to a tree."""
    for name in {change.file for change in changes}:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes((ROOT / name).read_bytes())


def test_the_page_has_every_recipe() -> None:
    """What an owner changes first is there, and each recipe shows a change."""
    recipes = how_to.recipes()
    assert [recipe.title for recipe in recipes] == list(TITLES)
    assert [recipe.title for recipe in recipes if not recipe.changes] == []


def test_all_recipes_can_be_followed_in_one_tree(tmp_path: Path) -> None:
    """No recipe is in the way of another, whichever of them this tree can still follow."""
    recipes = [recipe for recipe in how_to.recipes() if recipe.fits(ROOT)]
    changes = [change for recipe in recipes for change in recipe.changes]
    copy_files(changes, tmp_path)
    for change in changes:
        change.make(tmp_path)
        assert change.after in (tmp_path / change.file).read_text(encoding="utf-8")


@pytest.mark.parametrize("recipe", how_to.recipes(), ids=lambda recipe: recipe.title)
def test_a_recipe_fits_the_tree(recipe: Recipe) -> None:
    """Each piece is in its file, or what the recipe makes of it; nothing is out of date.

    Stack files and objectives have an owner's own values; code has not.
    """
    out_of_date = [
        change
        for change in recipe.changes
        if change.file.endswith(".py")
        and not change.fits(ROOT)
        and change.after not in (ROOT / change.file).read_text(encoding="utf-8")
    ]
    assert out_of_date == []
    if not recipe.fits(ROOT):
        pytest.skip("This tree has made such a change, or has its own values there.")
    for change in recipe.changes:
        assert (ROOT / change.file).read_text(encoding="utf-8").count(change.before) == 1


@pytest.mark.parametrize("recipe", how_to.recipes(), ids=lambda recipe: recipe.title)
def test_a_recipe_that_was_followed_fits_no_more(recipe: Recipe, tmp_path: Path) -> None:
    """Each of its changes is known as made, also one that only adds lines."""
    if not recipe.fits(ROOT):
        pytest.skip("This tree has made such a change, or the recipe is out of date.")
    copy_files(recipe.changes, tmp_path)
    assert recipe.fits(tmp_path)
    recipe.make(tmp_path)
    assert [change for change in recipe.changes if change.fits(tmp_path)] == []


@pytest.mark.parametrize("text", ["", "a\n", "a\nb\na\nb\n"])
def test_a_piece_that_is_not_there_once_is_refused(text: str, tmp_path: Path) -> None:
    """A recipe that no longer fits its file is named, and changes nothing."""
    (tmp_path / "file").write_text(text, encoding="utf-8")
    with pytest.raises(ArcaError, match=r"file has this piece [02] times"):
        Change("file", before="a\nb\n", after="c\n").make(tmp_path)
    assert (tmp_path / "file").read_text(encoding="utf-8") == text


@pytest.mark.slow
@pytest.mark.parametrize("recipe", how_to.recipes(), ids=lambda recipe: recipe.title)
def test_a_recipe_does_what_it_says(recipe: Recipe, tmp_path: Path) -> None:
    """Its commands print what is shown, in a plain shell on a copy with its change."""
    if not recipe.fits(ROOT):
        pytest.skip("This tree has values of its own there.")
    tree.copy(tmp_path)
    recipe.make(tmp_path)
    shown = examples(recipe.text)
    assert shown
    # A reader of a fresh tree, whose pinned versions were checked the day before.
    checked = max(pin.checked for pin in PINS) + timedelta(days=1)
    reading = datetime.combine(checked, time(12), UTC)
    for example in shown:
        script = f". .venv/bin/activate\n{example.command}"
        done = tree.shell(tmp_path, script, clock.environment(at=reading))
        assert done.returncode == example.exit_code, f"{example.command}\n{done.stdout}"
        assert matches(example.shown, done.stdout), (
            f"{example.command}\n\nshown:\n{example.shown}\nprinted:\n{done.stdout}"
        )
