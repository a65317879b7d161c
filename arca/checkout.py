"""Find the checkout of this repository; some commands need its program and its stack files."""

import importlib
import sys
import traceback
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from arca.errors import ArcaError

PROJECT_FILE = "Pulumi.yaml"
PROJECT_NAME = "arca-api"
PROGRAM_FILE = "__main__.py"


class ProgramFailed(ArcaError):
    """The checkout's program raised an exception, which is this one's cause.

    `where` names the innermost line of the checkout, and `details` has the whole traceback.
    """

    def __init__(self, error: Exception, *, doing: str) -> None:
        text = " ".join(str(error).split())
        super().__init__(
            f"The program failed {doing}: {type(error).__name__}{text and f': {text}'}",
            where=_place(error),
            wanted="a program that runs without an exception",
            do="correct the program, and run this again; stderr has the whole traceback",
        )
        self.details = "".join(traceback.format_exception(error))


def _place(error: Exception) -> str:
    """Return the innermost line of the checkout in a traceback, as `FILE:LINE`.

    Installed packages do not count, because a virtual environment may be in the checkout. Nor does
    the emulated cloud, which runs the program.
    """
    lines = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        lines.append((error.filename, error.lineno))
    others = (Path(sys.prefix), root() / "arca" / "emulator")
    for name, line in reversed(lines):
        path = Path(name)
        if path.is_relative_to(root()) and not any(path.is_relative_to(one) for one in others):
            return f"{path.relative_to(root())}:{line}"
    return "a value that the program passed to Pulumi, which failed later; no line is known"


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
    Pulumi CLI. Raises ArcaError outside a checkout, and ProgramFailed where the import fails.
    """
    make_importable()
    try:
        return importlib.import_module(name)
    except ArcaError:
        raise
    except Exception as error:
        raise ProgramFailed(error, doing=f"while {name} was imported") from error


def make_importable() -> None:
    """Let this process import the program's packages; raises ArcaError outside a checkout."""
    folder = str(root())
    if folder not in sys.path:
        sys.path.insert(0, folder)
