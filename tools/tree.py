"""Copies of the working tree, with an environment of their own, to change and to try."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from pathlib import Path

from arca import checkout

PLAIN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What a shell has before anything is activated."""


def copy(to: Path) -> None:
    """Copy every file that git tracks or would add; the copy becomes a repository of its own.

    It gets what `make` would install for it: a `.venv` with its own packages, and with the
    libraries of this interpreter. Raises CalledProcessError where git refuses.
    """
    root = checkout.root()
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, to / name)
    _git(to, "init", "--quiet")
    _git(to, "add", "--all")
    _install(to)


def shell(
    tree: Path, script: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script in a plain shell to its end; the result has what it prints on both streams."""
    with start(tree, script, environment) as process:
        printed, _ = process.communicate()
    return subprocess.CompletedProcess(script, process.returncode, printed)


def start(
    tree: Path, script: str, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a script in a plain shell, whose home is empty; both streams go to one pipe.

    Only the given variables are set beside PATH and HOME.
    """
    home = tree / ".venv" / "home"
    home.mkdir(exist_ok=True)
    return subprocess.Popen(  # noqa: S603 - scripts of our own pages
        ["bash", "-c", script],  # noqa: S607 - the one on PATH
        cwd=tree,
        env={"PATH": PLAIN_PATH, "HOME": str(home), **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def python(tree: Path) -> str:
    """Return the interpreter of a copy."""
    return str(tree / ".venv" / "bin" / "python")


def _install(tree: Path) -> None:
    environment = tree / ".venv"
    venv.create(environment, with_pip=False, symlinks=True)
    paths = {"base": str(environment), "platbase": str(environment)}
    libraries = Path(sysconfig.get_path("purelib", "venv", paths))
    own = (tree, tree / "packages" / "arca-migrate")
    shared = (path for path in sys.path if path.endswith(("site-packages", "dist-packages")))
    lines = [*map(str, own), *shared, ""]
    (libraries / "tree.pth").write_text("\n".join(lines), encoding="utf-8")
    for command in Path(sys.executable).parent.iterdir():
        shown = environment / "bin" / command.name
        if shown.exists() or not command.is_file():
            continue
        first, _, script = command.read_bytes().partition(b"\n")
        # pip names the interpreter by whichever of its names it was called.
        if first.startswith(f"#!{Path(sys.executable).parent}/python".encode()):
            shown.write_bytes(f"#!{python(tree)}\n".encode() + script)
            shown.chmod(0o755)
        else:
            shown.symlink_to(command)
    # The Makefile's mark of an environment that is complete.
    (environment / ".ready").touch()


def _git(directory: Path, *words: str) -> str:
    # Under a hook, git's own variables name another repository.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(  # noqa: S603 - words of ours
        ["git", *words],  # noqa: S607 - the one on PATH
        cwd=directory,
        env=kept,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
