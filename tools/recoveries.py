"""The generated parts of docs/disaster-recovery.md and docs/drills/README.md."""

from collections.abc import Iterable, Iterator

from arca import checkout
from arca.recovery import durations, estimate, records
from arca.recovery.budgets import BUDGETS, RTO_SECONDS, TO_RTO
from arca.recovery.estimate import Scenario, UpdateEstimate
from arca.recovery.report import INDEX_TITLES, index_row
from arca.recovery.timeline import duration
from tests.arca.cost.graphs import stack_graph

DRILLS = checkout.root() / "docs" / "drills"
SHORT = 5
"""Seconds of the shortest step that the page shows; `arca dr estimate` shows all."""


def estimates() -> str:
    """Return how long it takes to recreate dr and to fail over to it, by the table."""
    table = durations.read()
    graphs = [stack_graph("dr", {"recovery.phase": phase}) for phase in estimate.PHASES]
    found = (estimate.recreate(graphs[0], table), estimate.activate(graphs, table))
    return "\n".join(line for one in found for line in _scenario(one)).rstrip("\n")


def _scenario(one: Scenario) -> Iterator[str]:
    total, title = one.total, one.title
    verdict = "less" if one.in_time else "**not less**"
    yield f"**To {title}: {duration(total.expected)}**"
    yield f"({duration(total.low)} to {duration(total.high)})."
    yield f"That is {verdict} than the RTO of {duration(RTO_SECONDS)}."
    if one.beside_seconds:
        beside = duration(one.beside_seconds)
        yield f"Of it, {beside} are the budgets of the phases without an update."
    yield f"Resources without a duration of their own: {len(one.unknown)}."
    yield ""
    for part in one.updates:
        yield from _update(part)
        yield ""


def _update(one: UpdateEstimate) -> Iterator[str]:
    counts = [
        f"{one.update.count(operation)} to {operation}"
        for operation in ("create", "update", "delete")
    ]
    yield f"`{one.title}`: {duration(one.total.expected)}; resources: {', '.join(counts)}."
    yield f"The longest path takes {duration(one.path_seconds)}. Speed up first:"
    yield f"{one.gains[0].step.label}."
    yield ""
    saves = {gain.step.urn: gain.seconds for gain in one.gains}
    rows = [
        (
            step.label,
            step.operation,
            duration(step.seconds.expected),
            f"{step.seconds.expected / one.path_seconds:.0%}",
            duration(saves[step.urn]),
        )
        for step in one.path
        if step.seconds.expected >= SHORT
    ]
    yield from _table(("on the longest path", "operation", "expected", "share", "saves"), rows)


def budgets() -> str:
    """Return the budget of each phase, and their sum."""
    rows = [(name, duration(one.seconds), one.why, one.source) for name, one in BUDGETS.items()]
    total = sum(BUDGETS[name].seconds for name in TO_RTO)
    rows.insert(
        len(TO_RTO),
        ("**failover**", f"**{duration(total)}**", f"of the RTO of {duration(RTO_SECONDS)}", ""),
    )
    return "\n".join(_table(("phase", "budget", "why", "source"), rows))


def table_of_durations() -> str:
    """Return the rows of the table, without those of calls that answer at once."""
    quick = {"one call that answers at once; no figure is published"}
    rows = [
        (
            f"`{row.type.rpartition(':')[2]}`",
            f"{row.operation} with `{row.input}`" if row.input else row.operation,
            f"{row.seconds.low:g}",
            f"{row.seconds.expected:g}",
            f"{row.seconds.high:g}",
            row.certainty,
            row.source,
        )
        for row in durations.read().rows
        if row.source not in quick
    ]
    titles = ("type", "operation", "low", "expected", "high", "certainty", "source")
    return "\n".join(_table(titles, rows))


def results() -> str:
    """Return the table of all records."""
    if not any(DRILLS.glob("*.json")):
        return "No drill has been recorded yet."
    return "\n".join(_table(INDEX_TITLES, map(index_row, records.read(DRILLS))))


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield f"|{' --- |' * len(titles)}"
    yield from (f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)
