"""The graphs of the real stacks, each declared once in a test run."""

import fcntl
import hashlib
import json
import pickle
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from arca import checkout, stackfile
from settings.load import parse
from settings.model import Settings
from tests.changes import changed
from tests.graph import Graph, declare

STACKS = tuple(checkout.stack_names())
_declared: dict[str, Graph] = {}
_shared: list[Path] = []


def share(directory: Path) -> None:
    """Keep the graphs in a directory that all test processes of this run use.

    Declaring a stack takes seconds, reading its graph a few milliseconds.
    """
    _shared[:] = [directory]


def graph(stack: str, changes: Mapping[str, Any] | None = None, *, known: bool = True) -> Graph:
    """Return a stack's graph, with some settings changed; without `known`, of its first preview.

    Equal settings give the same graph, so no test may modify it.
    """
    config = changed(stack, changes or {})
    settings = json.dumps([stack, config, known], sort_keys=True)
    key = f"{stack}-{hashlib.sha256(settings.encode()).hexdigest()[:12]}"
    if key not in _declared:
        _declared[key] = _read_or_declare(key, stack, config, known=known)
    return _declared[key]


@cache
def settings_of(stack: str) -> Settings:
    """Return what a stack's file sets, read without Pulumi's engine."""
    return parse(stackfile.read(stackfile.path_of(stack)), emulated=True)


def _read_or_declare(key: str, stack: str, config: Mapping[str, str], *, known: bool) -> Graph:
    if not _shared:
        return declare(stack, config, known=known)
    path = _shared[0] / f"graph-{key}.pickle"
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            path.write_bytes(pickle.dumps(declare(stack, config, known=known)))
        return pickle.loads(path.read_bytes())  # noqa: S301 - a file of this test run
