"""The operations of one `pulumi up`: what differs between a stack before and after it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from arca.graph import Graph, Resource
from arca.recovery.durations import DEFAULT, START, Durations, Row, Seconds

Operation = Literal["start", "create", "update", "delete", "same"]
NOTHING = Seconds(0, 0, 0)


@dataclass(frozen=True)
class Step:
    """One operation on one resource."""

    urn: str
    label: str
    component: str
    operation: Operation
    seconds: Seconds
    needs: frozenset[str]
    """The URNs of the steps that end before this one begins."""
    row: Row | None = field(default=None, compare=False)
    """The row of the table that the seconds are from; none for what stays as it is."""

    @property
    def unknown(self) -> bool:
        """Whether the table has no row for the type."""
        return self.row is not None and self.row.type == DEFAULT


@dataclass(frozen=True)
class Update:
    """The steps of one update: first all creations and changes, then all deletions."""

    forward: tuple[Step, ...]
    deletions: tuple[Step, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps that do something."""
        return tuple(s for s in (*self.forward, *self.deletions) if s.operation != "same")

    def count(self, operation: Operation) -> int:
        """Return the number of steps with an operation."""
        return sum(step.operation == operation for step in self.steps)


def update(before: Graph | None, after: Graph, durations: Durations) -> Update:
    """Return the steps that lead from one graph to another; from nothing without `before`.

    An input that the program asks Pulumi to ignore is no change. Source: Pulumi documentation,
    "How Pulumi works": creations and updates run in the order of their dependencies, and deletions
    run after all of them, in the opposite order.
    """
    old = {one.urn: one for one in before.resources} if before else {}
    new = {one.urn: one for one in after.resources}
    start = durations.find(START, "start")
    first = Step(START, "start of the update", "", "start", start.seconds, frozenset(), start)
    gone = {urn: one for urn, one in old.items() if urn not in new}
    return Update(
        (first, *(_forward(old.get(urn), one, new, durations) for urn, one in new.items())),
        tuple(_deletions(gone, durations)),
    )


def _forward(
    old: Resource | None, new: Resource, all_new: Mapping[str, Resource], durations: Durations
) -> Step:
    needs = frozenset({START, *(urn for urn in new.dependencies if urn in all_new)})
    if old is None:
        row = durations.find(new.type, "create", _given(new))
        return Step(new.urn, new.label, new.component, "create", row.seconds, needs, row)
    changed = {
        key
        for key in {*old.inputs, *new.inputs}
        if old.inputs.get(key) != new.inputs.get(key) and key not in new.ignored
    }
    if not changed:
        return Step(new.urn, new.label, new.component, "same", NOTHING, needs)
    row = durations.find(new.type, "update", changed)
    return Step(new.urn, new.label, new.component, "update", row.seconds, needs, row)


def _given(resource: Resource) -> set[str]:
    """Return the names of the inputs that have a value."""
    return {key for key, value in resource.inputs.items() if value not in (None, "", False)}


def _deletions(gone: Mapping[str, Resource], durations: Durations) -> Iterator[Step]:
    """Yield the deletions; a resource goes after those that depend on it."""
    users: dict[str, set[str]] = {urn: set() for urn in gone}
    for urn, one in gone.items():
        for needed in one.dependencies:
            if needed in users:
                users[needed].add(urn)
    for urn, one in gone.items():
        row = durations.find(one.type, "delete")
        needs = frozenset(users[urn])
        yield Step(urn, one.label, one.component, "delete", row.seconds, needs, row)
