"""The recipes of docs/how-to.md: the changes that they show, and how to make them in a tree.

A recipe shows its changes in blocks of the language `diff`. A line `@@ FILE @@` names a file; the
lines below it are a piece of the file, with `-` and `+` before what goes and what comes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from arca import checkout
from arca.errors import ArcaError

PAGE = checkout.root() / "docs" / "how-to.md"
BLOCK = re.compile(r"^```diff\n(.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Change:
    """A piece of a file, before and after."""

    file: str
    before: str
    after: str

    def fits(self, tree: Path) -> bool:
        """Return whether the piece is in the tree, and not changed yet.

        A change that only adds lines leaves the piece as it was before, so both are looked for.
        """
        text = (tree / self.file).read_text(encoding="utf-8")
        return self.before in text and self.after not in text

    def make(self, tree: Path) -> None:
        """Make the change in a tree; raises ArcaError if the piece is not there exactly once."""
        path = tree / self.file
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if text.count(self.before) != 1:
            raise ArcaError(
                f"{self.file} has this piece {text.count(self.before)} times:\n{self.before}",
                where=str(PAGE.relative_to(checkout.root())),
                wanted="a piece that the file has exactly once",
                do="bring the recipe up to date with the file",
            )
        path.write_text(text.replace(self.before, self.after), encoding="utf-8")


@dataclass(frozen=True)
class Recipe:
    """A section of the page."""

    title: str
    text: str

    def fits(self, tree: Path) -> bool:
        """Return whether every piece that the recipe changes is in the tree, and none is changed.

        It is not where the tree has values of its own there, or has made such a change already.
        """
        return all(change.fits(tree) for change in self.changes)

    def make(self, tree: Path) -> None:
        """Make the changes in a tree; raises ArcaError at the first that does not fit."""
        for change in self.changes:
            change.make(tree)

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes that the recipe shows."""
        return tuple(change for block in BLOCK.findall(self.text) for change in _changes(block))


def recipes() -> tuple[Recipe, ...]:
    """Return the page's sections, each of which is a recipe."""
    titles_and_texts = re.split(r"^## (.+)\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    _, *rest = titles_and_texts
    return tuple(Recipe(*pair) for pair in zip(rest[::2], rest[1::2], strict=True))


def _changes(block: str) -> Iterator[Change]:
    _, *rest = re.split(r"^@@ (\S+) @@\n", block, flags=re.MULTILINE)
    for file, piece in zip(rest[::2], rest[1::2], strict=True):
        lines = piece.splitlines(keepends=True)
        yield Change(
            file,
            before="".join(line[1:] for line in lines if not line.startswith("+")),
            after="".join(line[1:] for line in lines if not line.startswith("-")),
        )
