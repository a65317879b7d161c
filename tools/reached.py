"""The generated part of docs/architecture.md about who reaches whom."""

from collections.abc import Iterator

from arca.reach.flows import verdicts
from arca.reach.places import SOURCES, TARGETS
from arca.reach.table import Table, table
from tests.arca.cost.graphs import stack_graph


def places() -> str:
    """Return what each place is."""
    texts = {name: place.text for places in (SOURCES, TARGETS) for name, place in places.items()}
    return "\n".join(_lines(("place", "what it is"), ((f"`{n}`", t) for n, t in texts.items())))


def prod() -> str:
    """Return the matrix of prod."""
    return _matrix("prod")


def dr() -> str:
    """Return the matrix of dr, in the phase that its file has."""
    return _matrix("dr")


def _matrix(stack: str) -> str:
    shown: Table = table(verdicts(stack_graph(stack)))
    lines = [*_lines(shown.titles, iter(shown.rows))]
    if shown.absent:
        names = ", ".join(f"`{name}`" for name in shown.absent)
        lines += ["", f"Not in {stack}: {names}."]
    return "\n".join(lines)


def _lines(titles: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield f"| {' | '.join('---' for _ in titles)} |"
    yield from (f"| {' | '.join(row)} |" for row in rows)
