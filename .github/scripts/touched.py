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
NOT_READ = ("bench/", "docs/", "localcloud/", "migrate/", "ops/", "tests/", ".ci/")
NOT_READ_FILES = ("Makefile", "outputs.py", "requirements-dev.in", "requirements-dev.txt")


def touched(paths: Iterable[str], stacks: Iterable[str]) -> list[str]:
    """The stacks, in the order in which they are brought up."""
    known, found = set(stacks), set[str]()
    for path in paths:
        own = re.fullmatch(r"Pulumi\.([a-z0-9-]+)\.yaml", path)
        if own:
            found |= {own[1]} & known
        elif not path.startswith(NOT_READ) and not path.endswith(".md"):
            found |= set() if path in NOT_READ_FILES else known
    return sorted(found, key=lambda stack: (*ORDER, stack).index(stack))


if __name__ == "__main__":
    files = [path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml")]
    changed = [line.strip() for line in sys.stdin if line.strip()]
    sys.stdout.write(json.dumps(touched(changed, files)) + "\n")
