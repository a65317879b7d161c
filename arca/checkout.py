"""The checkout of this repository, whose program and stack files some commands need."""

from functools import lru_cache
from pathlib import Path

from arca.errors import ArcaError

PROJECT_FILE = "Pulumi.yaml"
PROGRAM_FILE = "__main__.py"


@lru_cache
def root() -> Path:
    """The root of the checkout: the one that this package stands in, or else the working one.

    Raises ArcaError where `arca` is installed as a package and the working directory is in no
    checkout.
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
    """The stacks that have a file `Pulumi.<stack>.yaml`; raises ArcaError outside a checkout."""
    return sorted(path.name.split(".")[1] for path in root().glob("Pulumi.*.yaml"))
