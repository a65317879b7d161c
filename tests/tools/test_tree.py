"""Copies of a small checkout, and commands that run in them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from arca import checkout
from tools import tree

WHERE = "import arca, arca_migrate; print(arca.__file__, arca_migrate.__file__)"


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a checkout with a tracked, a changed, a deleted, a new and an ignored file."""
    root = tmp_path / "root"
    for name, text in {
        "Pulumi.yaml": "name: arca-api\n",
        "__main__.py": "",
        ".gitignore": "ignored\n",
        "arca/__init__.py": "",
        "packages/arca-migrate/arca_migrate/__init__.py": "",
        "changed": "before",
        "deleted": "",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    for words in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *words], cwd=root, check=True)  # noqa: S607 - the one on PATH
    (root / "changed").write_text("after", encoding="utf-8")
    (root / "deleted").unlink()
    (root / "new").touch()
    (root / "ignored").touch()
    monkeypatch.setattr(checkout, "__file__", str(root / "arca" / "checkout.py"))
    checkout.root.cache_clear()
    yield root
    checkout.root.cache_clear()


@pytest.mark.usefixtures("small")
def test_a_copy_holds_what_git_would_take(tmp_path: Path) -> None:
    """It has the working tree's content, and neither ignored nor deleted files."""
    made = tmp_path / "copy"
    made.mkdir()
    tree.copy(made)
    found = {
        str(path.relative_to(made))
        for path in made.rglob("*")
        if path.is_file() and path.relative_to(made).parts[0] not in {".git", ".venv"}
    }
    assert found == {
        *("Pulumi.yaml", "__main__.py", ".gitignore", "changed", "new"),
        *("arca/__init__.py", "packages/arca-migrate/arca_migrate/__init__.py"),
    }
    assert (made / "changed").read_text(encoding="utf-8") == "after"
    listed = tree.shell(made, "git ls-files")
    assert set(listed.stdout.splitlines()) == found


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("python", ["python -P", "env -i .venv/bin/python -P"])
def test_a_command_uses_the_copys_packages(python: str, tmp_path: Path) -> None:
    """A test in the copy would otherwise test its origin, even without any variable."""
    made = tmp_path / "copy"
    made.mkdir()
    tree.copy(made)
    done = tree.shell(made, f". .venv/bin/activate\n{python} -c '{WHERE}'")
    migrate = made / "packages" / "arca-migrate" / "arca_migrate" / "__init__.py"
    assert done.stdout == f"{made / 'arca' / '__init__.py'} {migrate}\n"
    assert done.returncode == 0
