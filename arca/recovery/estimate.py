"""How long a stack takes to be recreated, and a standby to be activated, before anybody tries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from arca.graph import Graph
from arca.recovery.budgets import BUDGETS, RTO_SECONDS, TO_RTO, PhaseName
from arca.recovery.durations import BOUNDS, Durations, Seconds
from arca.recovery.schedule import longest_path, makespan
from arca.recovery.updates import Step, Update, update

PARALLEL = 16
"""Operations at once: Pulumi's default is 4 for each processor, and a usual machine has 4.

Source: github.com/pulumi/pulumi, pkg/cmd/pulumi/operations/up.go, `defaultParallel` (3.259.0).
"""
PHASES = ("standby", "promoting", "active")
"""The phases of a secondary; a failover is one update from each to the next."""
UPDATES: tuple[PhaseName, ...] = ("promote", "activate")
BESIDE: tuple[PhaseName, ...] = tuple(name for name in TO_RTO if name not in UPDATES)
"""The phases of a failover that are no update."""


@dataclass(frozen=True)
class Gain:
    """By how much an update shrinks if one of its steps takes no time."""

    step: Step
    seconds: float


@dataclass(frozen=True)
class UpdateEstimate:
    """The duration of one update."""

    title: str
    update: Update
    total: Seconds
    """With the workers that there are."""
    path: tuple[Step, ...]
    """The longest chain, without steps that take no time."""
    gains: tuple[Gain, ...]
    """Of the steps on that chain, the greatest first."""

    @property
    def path_seconds(self) -> float:
        """The duration with unlimited workers."""
        return sum(step.seconds.expected for step in self.path)


@dataclass(frozen=True)
class Scenario:
    """A recovery: its updates, one after the other, and what happens beside them."""

    name: str
    title: str
    updates: tuple[UpdateEstimate, ...]
    beside_seconds: float = 0
    """Seconds of the phases that are no update, by their budgets."""

    @property
    def total(self) -> Seconds:
        """The duration of everything."""
        beside = Seconds(self.beside_seconds, self.beside_seconds, self.beside_seconds)
        return sum((one.total for one in self.updates), beside)

    @property
    def in_time(self) -> bool:
        """Whether the expected duration is less than the RTO."""
        return self.total.expected < RTO_SECONDS

    @property
    def unknown(self) -> tuple[str, ...]:
        """The resources whose type has no row in the table."""
        steps = (step for one in self.updates for step in one.update.steps)
        return tuple(step.label for step in steps if step.unknown)


def recreate(graph: Graph, durations: Durations, *, parallel: int = PARALLEL) -> Scenario:
    """Estimate the creation of a stack from nothing."""
    made = _estimate(f"create {graph.stack}", update(None, graph, durations), parallel)
    return Scenario("recreate", f"recreate {graph.stack} from nothing", (made,))


def activate(
    phases: Sequence[Graph], durations: Durations, *, parallel: int = PARALLEL
) -> Scenario:
    """Estimate a failover to a standby, whose graphs are given in the order of PHASES."""
    pairs = zip(PHASES, PHASES[1:], phases, phases[1:], strict=False)
    updates = tuple(
        _estimate(f"{begin} to {end}", update(before, after, durations), parallel)
        for begin, end, before, after in pairs
    )
    beside = sum(BUDGETS[name].seconds for name in BESIDE)
    return Scenario("activate", f"fail over to {phases[0].stack}", updates, beside)


def _estimate(title: str, found: Update, parallel: int) -> UpdateEstimate:
    parts = (found.forward, found.deletions)
    low, expected, high = (
        sum(makespan(part, parallel, bound) for part in parts) for bound in BOUNDS
    )
    path = tuple(step for part in parts for step in longest_path(part) if step.seconds.expected)
    gains = [
        Gain(
            step,
            expected - sum(makespan(part, parallel, instead={step.urn: 0}) for part in parts),
        )
        for step in path
    ]
    return UpdateEstimate(
        title,
        found,
        Seconds(low, expected, high),
        path,
        tuple(sorted(gains, key=lambda one: -one.seconds)),
    )


def as_json(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as `--json` prints it; seconds everywhere."""
    return {
        "name": scenario.name,
        "title": scenario.title,
        "total": _seconds(scenario.total),
        "beside": scenario.beside_seconds,
        "rto": RTO_SECONDS,
        "in_time": scenario.in_time,
        "unknown": list(scenario.unknown),
        "updates": [_update_json(one) for one in scenario.updates],
    }


def _update_json(one: UpdateEstimate) -> dict[str, Any]:
    return {
        "title": one.title,
        "total": _seconds(one.total),
        "created": one.update.count("create"),
        "updated": one.update.count("update"),
        "deleted": one.update.count("delete"),
        "path_seconds": one.path_seconds,
        "path": [
            {
                "resource": step.label,
                "operation": step.operation,
                "seconds": _seconds(step.seconds),
                "share": step.seconds.expected / one.path_seconds,
                "certainty": step.row.certainty if step.row else None,
                "source": step.row.source if step.row else None,
            }
            for step in one.path
        ],
        "speed_up": [{"resource": gain.step.label, "saves": gain.seconds} for gain in one.gains],
    }


def _seconds(found: Seconds) -> dict[str, float]:
    return {bound: found.at(bound) for bound in BOUNDS}
