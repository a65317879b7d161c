"""Which stacks a change touches: paths on stdin, a JSON list of stacks on stdout.

A stack's own file touches that stack; what the program never reads touches none; whatever else
changed may change them all. So a new folder is previewed everywhere until it is named here.
"""
# ruff: noqa: INP001 - a script of the workflows, run by its path

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ORDER = ("dev", "staging", "prod", "dr")
NOT_READ = ("bench/", "docs/", "packages/", "tests/", "tools/", ".ci/")
NOT_READ_FILES = ("Makefile", "requirements-dev.in", "requirements-dev.txt")
READ_OF_ARCA = ("arca/__init__.py", "arca/errors.py", "arca/naming.py", "arca/monitoring/")
NOT_READ_OF_ARCA = ("arca/monitoring/live/",)
"""The program reads little of the package `arca`: the rest of it touches no stack."""


def touched(paths: Iterable[str], stacks: Iterable[str]) -> list[str]:
    """The stacks, in the order in which they are brought up."""
    known, found = set(stacks), set[str]()
    for path in paths:
        own = re.fullmatch(r"Pulumi\.([a-z0-9-]+)\.yaml", path)
        if own:
            found |= {own[1]} & known
        elif _read(path):
            found |= known
    return sorted(found, key=lambda stack: (*ORDER, stack).index(stack))


def _read(path: str) -> bool:
    """Whether the program may read the file."""
    if path.startswith("arca/"):
        return path.startswith(READ_OF_ARCA) and not path.startswith(NOT_READ_OF_ARCA)
    return not (path.startswith(NOT_READ) or path in NOT_READ_FILES or path.endswith(".md"))


if __name__ == "__main__":
    files = [path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml")]
    changed = [line.strip() for line in sys.stdin if line.strip()]
    sys.stdout.write(json.dumps(touched(changed, files)) + "\n")
