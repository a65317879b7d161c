"""The real stacks, declared once a test process."""

from functools import cache

from localcloud import stackfile
from tests.graph import Graph, declare

STACKS = tuple(stackfile.stacks())


@cache
def graph(stack: str) -> Graph:
    """A real stack's graph."""
    return declare(stack)
