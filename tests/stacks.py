"""The real stacks, declared once a test process."""

from functools import cache

from localcloud import engine
from tests.graph import Graph, declare

STACKS = tuple(engine.stacks())


@cache
def graph(stack: str) -> Graph:
    """A real stack's graph."""
    return declare(stack)
