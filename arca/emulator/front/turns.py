"""Whose turn it is: target groups by their weights, targets by the group's algorithm."""

from collections.abc import Iterable, Mapping, Sequence

from arca.emulator.front.actions import Forward
from arca.emulator.front.table import LEAST_OUTSTANDING, RoutingTable, Target, TargetGroup

Credits = Mapping[str, int]
"""What each target group has saved up for its next turn."""

NO_CREDIT: Credits = {}


def next_turn(weights: Sequence[tuple[str, int]], credit: Credits) -> tuple[str | None, Credits]:
    """Return the name whose turn it is and the credits afterwards; None if no weight is positive.

    Each name is given its weight; the one with the most credit has the turn and pays the sum. So
    of as many turns as the sum, each name has exactly its weight. This is nginx's smooth weighted
    round robin (nginx, src/http/ngx_http_upstream_round_robin.c).
    """
    total = sum(weight for _, weight in weights)
    if total <= 0:
        return None, credit
    grown = {name: credit.get(name, 0) + weight for name, weight in weights}
    # The first of several with the same credit.
    chosen = max((name for name, weight in weights if weight > 0), key=lambda name: grown[name])
    return chosen, {**grown, chosen: grown[chosen] - total}


class Turns:
    """Remembers the turns of each rule and group, and the requests in flight of each target."""

    def __init__(self) -> None:
        self._credits: dict[str, tuple[Forward, Credits]] = {}
        self._last: dict[str, Target] = {}
        self.in_flight: dict[Target, int] = {}

    def choose(
        self, rule: str, forward: Forward, table: RoutingTable
    ) -> tuple[TargetGroup | None, Target | None]:
        """Return the target group and the target for the next request of a rule.

        A group without targets keeps its share: no page of AWS says that another group gets it.
        """
        known, kept = self._credits.get(rule, (forward, NO_CREDIT))
        arn, credit = next_turn(forward.weights, kept if known == forward else NO_CREDIT)
        self._credits[rule] = (forward, credit)
        if arn is None:
            return None, None
        group = table.groups.get(arn, TargetGroup(arn))
        return group, self._target(group)

    def _target(self, group: TargetGroup) -> Target | None:
        if not group.targets:
            return None
        order = after(group.targets, self._last.get(group.arn))
        if group.algorithm == LEAST_OUTSTANDING:
            order = sorted(order, key=lambda one: self.in_flight.get(one, 0))
        self._last[group.arn] = order[0]
        return order[0]

    def begin(self, target: Target) -> None:
        """Count a request to a target as in flight."""
        self.in_flight[target] = self.in_flight.get(target, 0) + 1

    def end(self, target: Target) -> None:
        """Count it no longer."""
        left = self.in_flight[target] - 1
        if left:
            self.in_flight[target] = left
        else:
            del self.in_flight[target]


def after(targets: Iterable[Target], last: Target | None) -> list[Target]:
    """Return the targets in turn, beginning with the one after the last that had a request."""
    ordered = sorted(targets)
    if last is None:
        return ordered
    return [one for one in ordered if one > last] + [one for one in ordered if one <= last]
