"""Copies of the working tree, to change and to test without touching the tree itself."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from arca import checkout


def copy(to: Path) -> None:
    """Copy every file that git tracks or would add; the copy becomes a repository of its own.

    Raises CalledProcessError where git refuses.
    """
    root = checkout.root()
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, to / name)
    _git(to, "init", "--quiet")
    _git(to, "add", "--all")


def run(
    tree: Path, words: Iterable[str], *, quiet: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a command in a tree, with the tree's own packages and this environment's libraries.

    With `quiet`, what the command prints is kept in the result instead of being shown.
    """
    packages = (tree, tree / "packages" / "arca-migrate")
    found_first = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, packages)),
        "PATH": found_first,
    }
    return subprocess.run(  # noqa: S603 - commands of our own pages and targets
        [*words], cwd=tree, env=environment, capture_output=quiet, text=True, check=False
    )


def _git(directory: Path, *words: str) -> str:
    done = subprocess.run(  # noqa: S603 - words of ours
        ["git", *words],  # noqa: S607 - the one on PATH
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
