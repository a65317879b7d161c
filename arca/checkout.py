"""Find the checkout of this repository; some commands need its program and its stack files."""

import importlib
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from arca.errors import ArcaError

PROJECT_FILE = "Pulumi.yaml"
PROJECT_NAME = "arca-api"
PROGRAM_FILE = "__main__.py"


@lru_cache
def root() -> Path:
    """Return the root of the checkout that holds this package, or else the working directory.

    Raises ArcaError where neither of them is in a checkout.
    """
    package = Path(__file__).parent.parent
    if _is_checkout(package):
        return package
    try:
        here = Path.cwd()
    except FileNotFoundError:
        here = None
    for directory in (here, *here.parents) if here else ():
        if _is_checkout(directory):
            return directory
    raise ArcaError(
        "This command needs a checkout of arca-infra, and there is none here.",
        where=str(here or "a working directory that was deleted"),
        wanted=f"a directory with the {PROJECT_FILE} of {PROJECT_NAME}, or one inside it",
        do="change to your checkout of arca-infra, and run this again",
    )


def _is_checkout(directory: Path) -> bool:
    """Return whether a directory holds this project, and not another Pulumi program in Python."""
    try:
        project = (directory / PROJECT_FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    named = f"name: {PROJECT_NAME}" in project.splitlines()
    return named and (directory / PROGRAM_FILE).is_file()


def stack_names() -> list[str]:
    """Return the stacks with a file `Pulumi.<stack>.yaml`; raises ArcaError outside a checkout."""
    return sorted(path.name.split(".")[1] for path in root().glob("Pulumi.*.yaml"))


def program_module(name: str) -> ModuleType:
    """Import a module of the checkout's program, such as `settings.load`.

    The program is not installed with this package: it imports from its own folder, as under the
    Pulumi CLI. Raises ArcaError outside a checkout.
    """
    make_importable()
    return importlib.import_module(name)


def make_importable() -> None:
    """Let this process import the program's packages; raises ArcaError outside a checkout."""
    folder = str(root())
    if folder not in sys.path:
        sys.path.insert(0, folder)
