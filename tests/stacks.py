"""The real stacks, declared once a test process."""

from functools import cache

from arca import checkout
from tests.graph import Graph, declare

STACKS = tuple(checkout.stack_names())


@cache
def graph(stack: str) -> Graph:
    """A real stack's graph."""
    return declare(stack)
