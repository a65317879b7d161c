"""Where the checkout is that a command works on, and where its program failed."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from arca import checkout
from arca.checkout import ProgramFailed
from arca.errors import ArcaError


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Install the package outside of any checkout, and work in an empty directory."""
    installed = tmp_path / "site-packages" / "arca"
    installed.mkdir(parents=True)
    monkeypatch.setattr(checkout, "__file__", str(installed / "checkout.py"))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    checkout.root.cache_clear()
    yield here
    checkout.root.cache_clear()


def project(directory: Path, name: str) -> None:
    """Make a Pulumi project in Python."""
    (directory / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n", encoding="utf-8")
    (directory / "__main__.py").write_text("", encoding="utf-8")


def test_a_folder_of_the_checkout(outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command may run in any folder below the root."""
    project(outside, "arca-api")
    below = outside / "docs"
    below.mkdir()
    monkeypatch.chdir(below)
    assert checkout.root() == outside


def test_another_project_is_none(outside: Path) -> None:
    """Its program must not be run, and its stacks are not ours."""
    project(outside, "other")
    with pytest.raises(ArcaError, match="there is none here") as raised:
        checkout.root()
    assert raised.value.where == str(outside)


def test_a_directory_that_was_deleted(outside: Path) -> None:
    """There is a message, and no traceback."""
    outside.rmdir()
    with pytest.raises(ArcaError, match="there is none here") as raised:
        checkout.root()
    assert raised.value.where == "a working directory that was deleted"


def test_a_checkout_needs_no_working_directory(
    outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that lies in a checkout knows where it is."""
    root = outside.parent / "checkout"
    (root / "arca").mkdir(parents=True)
    project(root, "arca-api")
    monkeypatch.setattr(checkout, "__file__", str(root / "arca" / "checkout.py"))
    outside.rmdir()
    assert checkout.root() == root


@pytest.mark.parametrize("inner", [".venv/lib/package.py", "arca/emulator/up.py"])
def test_the_place_of_a_failure(inner: str, outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the innermost line of the program, not of a package or of what runs the program."""
    project(outside, "arca-api")
    monkeypatch.setattr(sys, "prefix", str(outside / ".venv"))
    names: dict[str, object] = {}
    for file, text in (
        (inner, "def fail():\n    {}['servce']"),
        ("components/part.py", "\n\ndef called():\n    fail()"),
    ):
        exec(compile(text, outside / file, "exec"), names)  # noqa: S102 - stands for an import
    with pytest.raises(KeyError) as raised:
        exec(compile("called()", outside / "__main__.py", "exec"), names)  # noqa: S102 - likewise
    failed = ProgramFailed(raised.value, doing="for the stack dev")
    assert failed.where == "components/part.py:4"
    assert f'"{outside / inner}", line 2, in fail' in failed.details
