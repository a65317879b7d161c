"""Which stacks a change touches.

A stack's own file touches that stack. A file that the program never reads touches no stack, and
any other file touches all of them. So a new folder touches every stack until it is listed here.
"""

import re
from collections.abc import Iterable

DEPLOYMENT_ORDER = ("dev", "staging", "prod", "dr")
UNREAD_FOLDERS = ("bench/", "docs/", "packages/", "tests/", "tools/", ".ci/")
UNREAD_FILES = (
    "Makefile",
    "requirements-dev.in",
    "requirements-dev.txt",
    "requirements-operator.in",
    "requirements-operator.txt",
)
READ_IN_ARCA = (
    "arca/__init__.py",
    "arca/checkout.py",
    "arca/cost/__init__.py",
    "arca/cost/span.py",
    "arca/cost/traffic.py",
    "arca/errors.py",
    "arca/naming.py",
    "arca/outputs.py",
    "arca/pins.py",
    "arca/stackfile.py",
    "arca/zone_plans.py",
    "arca/monitoring/",
)
"""The program reads these files of the package `arca`; the rest of it touches no stack."""
UNREAD_IN_ARCA = ("arca/monitoring/live/",)
"""Exceptions within READ_IN_ARCA."""


def touched_stacks(paths: Iterable[str], stacks: Iterable[str]) -> list[str]:
    """Return the stacks that changed files touch, in the order in which they are deployed.

    Paths are relative to the root of the repository, and `stacks` are the stacks that have a file.
    """
    known, found = set(stacks), set[str]()
    for path in paths:
        own = re.fullmatch(r"Pulumi\.([a-z0-9-]+)\.yaml", path)
        if own:
            found |= {own[1]} & known
        elif _may_be_read(path):
            found |= known
    return sorted(found, key=lambda stack: (*DEPLOYMENT_ORDER, stack).index(stack))


def _may_be_read(path: str) -> bool:
    if path.startswith("arca/"):
        return path.startswith(READ_IN_ARCA) and not path.startswith(UNREAD_IN_ARCA)
    return not (path.startswith(UNREAD_FOLDERS) or path in UNREAD_FILES or path.endswith(".md"))
