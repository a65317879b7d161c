"""The graphs of the real stacks, each declared once in a test run."""

import fcntl
import pickle
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from arca import checkout

if TYPE_CHECKING:
    from tests.graph import Graph

STACKS = tuple(checkout.stack_names())
_shared: list[Path] = []


def share(directory: Path) -> None:
    """Keep the graphs in a directory that all test processes of this run use.

    Declaring a stack takes seconds, reading its graph a few milliseconds.
    """
    _shared[:] = [directory]


@cache
def graph(stack: str, *, known: bool = True) -> "Graph":
    """Return the graph of a real stack; without `known`, of its first preview."""
    # Imported here, because a process that only reads graphs does not need the SDKs.
    from tests.graph import declare

    if not _shared:
        return declare(stack, known=known)
    path = _shared[0] / f"graph-{stack}-{'known' if known else 'preview'}.pickle"
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            path.write_bytes(pickle.dumps(declare(stack, known=known)))
        return pickle.loads(path.read_bytes())  # noqa: S301 - a file of this test run
