"""Find the checkout of this repository; some commands need its program and its stack files."""

from functools import lru_cache
from pathlib import Path

from arca.errors import ArcaError

PROJECT_FILE = "Pulumi.yaml"
PROGRAM_FILE = "__main__.py"


@lru_cache
def root() -> Path:
    """Return the root of the checkout that holds this package, or else the working directory.

    Raises ArcaError where neither of them is in a checkout.
    """
    package = Path(__file__).parent.parent
    here = Path.cwd()
    for directory in (package, here, *here.parents):
        if (directory / PROJECT_FILE).is_file() and (directory / PROGRAM_FILE).is_file():
            return directory
    raise ArcaError(
        "This command needs a checkout of arca-infra, and there is none here.",
        where=str(here),
        wanted=f"a directory with {PROJECT_FILE} and {PROGRAM_FILE}, or one inside it",
        do="change to your checkout of arca-infra, and run this again",
    )


def stack_names() -> list[str]:
    """Return the stacks with a file `Pulumi.<stack>.yaml`; raises ArcaError outside a checkout."""
    return sorted(path.name.split(".")[1] for path in root().glob("Pulumi.*.yaml"))
