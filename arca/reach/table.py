"""The matrix as a table: a column for each place that asks, a row for each that is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from arca.reach.flows import Verdict
from arca.reach.places import SOURCES, TARGETS

NEEDED, OPEN, BROKEN, NOT_DECIDED = "✓", "open", "✗", ""


@dataclass(frozen=True)
class Table:
    """The matrix of one stack; what the stack does not have is left out."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    absent: tuple[str, ...]
    """The places that the stack does not have."""


def table(verdicts: Mapping[tuple[str, str], Verdict]) -> Table:
    """Return the matrix; targets that are answered alike share a row."""
    absent = absent_places(verdicts)
    sources = [name for name in SOURCES if name not in absent]
    rows: dict[tuple[str, ...], list[str]] = {}
    for target in TARGETS:
        if target not in absent:
            cells = tuple(_cell(verdicts.get((source, target))) for source in sources)
            rows.setdefault(cells, []).append(target)
    return Table(
        ("to, from:", *sources),
        tuple((_ports(names, verdicts), *cells) for cells, names in rows.items()),
        absent,
    )


def absent_places(verdicts: Mapping[tuple[str, str], Verdict]) -> tuple[str, ...]:
    """Return the places that the stack does not have."""
    found = {
        one.answer.obstacle.resource
        for one in verdicts.values()
        if one.answer.obstacle and one.answer.obstacle.cause == "none here"
    }
    return tuple(name for name in {**SOURCES, **TARGETS} if name in found)


def _cell(verdict: Verdict | None) -> str:
    if verdict is None:
        return NOT_DECIDED
    obstacle = verdict.answer.obstacle
    if not verdict.kept:
        return f"{BROKEN} {obstacle.cause if obstacle else 'open'}"
    if obstacle is not None:
        return obstacle.cause
    return NEEDED if verdict.expected == "needed" else OPEN


def _ports(names: Sequence[str], verdicts: Mapping[tuple[str, str], Verdict]) -> str:
    ports: dict[int, list[str]] = {}
    for name in names:
        port = next(one.answer.port for (_, target), one in verdicts.items() if target == name)
        ports.setdefault(port, []).append(name)
    return "; ".join(f"{', '.join(group)}: {port}" for port, group in ports.items())
