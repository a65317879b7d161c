"""Wheels of this repository, and environments that hold a wheel and nothing undeclared.

An environment stands outside the checkout. Its site-packages hold one wheel or two, installed by
pip without an index, and links to the installed packages that the wheels declare, directly or
through each other. So an import that nobody declared fails there as it does for a stranger.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import ROOT, clock

OURS = frozenset({"arca-infra", "arca-migrate"})
TEST_TOOLS = ("time-machine",)
"""What tests/clock needs to move the clock of a process; nothing of ours imports it."""
SECONDS = 120


@dataclass(frozen=True)
class Environment:
    """An environment of its own, and a directory outside every checkout to work in."""

    bin: Path
    work: Path

    def run(
        self, *words: str, variables: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its commands; it gets the tests' clock, and none of their other variables."""
        return subprocess.run(
            [self.bin / words[0], *words[1:]],
            cwd=cwd or self.work,
            env={
                **clock.environment(),
                "PYTHONPATH": clock.FOLDER,
                "PATH": "/usr/bin:/bin",
                "HOME": str(self.work),
                **(variables or {}),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Make a directory once for all processes of a test run; the others wait for it."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    directory = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            directory.mkdir()
            make(directory)
    return directory


def build(factory: pytest.TempPathFactory, name: str) -> Path:
    """Build the wheel of one of our distributions; the same one for all tests of a run."""
    directory = once(factory, f"wheel-{name}", lambda made: _build(made, project(name)))
    (wheel,) = directory.glob("*.whl")
    return wheel


def project(name: str) -> Path:
    """Return the directory with the pyproject.toml of one of our distributions."""
    return ROOT if name == "arca-infra" else ROOT / "packages" / name


def _build(directory: Path, project: Path) -> None:
    """Build a wheel from a copy of the project that holds only files that git would take."""
    copy = directory / "source"
    listed = _done(["git", "ls-files", "--cached", "--others", "--exclude-standard", "."], project)
    for name in listed.splitlines():
        if (project / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(project / name, copy / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(directory)]
    _done([*pip, "wheel", *options, str(copy)], directory)
    shutil.rmtree(copy)


def environment(
    factory: pytest.TempPathFactory, wheels: Iterable[Path], *requirements: str
) -> Environment:
    """Make an environment with these wheels and what the requirements need besides.

    All tests of a run share the environments of the same requirements; each process has a working
    directory of its own.
    """
    name = "env-" + hashlib.sha256(" ".join(requirements).encode()).hexdigest()[:12]
    home = once(factory, name, lambda made: _environment(made, wheels, requirements))
    return Environment(home / "bin", factory.mktemp("work"))


def _environment(home: Path, wheels: Iterable[Path], requirements: Iterable[str]) -> None:
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    for wheel in wheels:
        pip = [sys.executable, "-m", "pip", "--python", str(python), "--quiet", "install"]
        _done([*pip, "--disable-pip-version-check", "--no-deps", "--no-index", str(wheel)], home)
    (packages,) = home.glob("lib/python*/site-packages")
    for name in sorted(closure([*requirements, *TEST_TOOLS]) - OURS):
        _link(distribution(name), packages)


def closure(requirements: Iterable[str]) -> set[str]:
    """Return the distributions that requirements need, with their extras, as they are installed.

    The wheels' own names are among them; importlib's metadata of the checkout's installation is
    not read for those: pyproject.toml is.
    """
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        found.add(name)
        for extra in ("", *wanted.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for text in declared(name):
                below = Requirement(text)
                if below.marker is None or below.marker.evaluate({"extra": extra}):
                    waiting.append(below)
    return found


def declared(name: str) -> list[str]:
    """Return what a distribution requires, with markers; of ours as pyproject.toml has it."""
    if name not in OURS:
        return distribution(name).requires or []
    text = (project(name) / "pyproject.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)["project"]
    extras = content["optional-dependencies"].items()
    return [
        *content["dependencies"],
        *(f'{text} ; extra == "{extra}"' for extra, texts in extras for text in texts),
    ]


def _link(found: Distribution, packages: Path) -> None:
    """Link what a distribution has installed; a .pth file would lead elsewhere."""
    source = Path(str(found.locate_file("")))
    for top in {path.parts[0] for path in found.files or ()}:
        link = packages / top
        if top not in {"..", "__pycache__"} and not top.endswith(".pth") and not link.exists():
            link.symlink_to(source / top)


def _done(command: list[str], directory: Path) -> str:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout
