"""When steps begin and end: with unlimited workers the longest path, with few a list schedule."""

import heapq
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter

from arca.recovery.durations import Bound
from arca.recovery.updates import Step


def longest_path(steps: Sequence[Step], bound: Bound = "expected") -> tuple[Step, ...]:
    """Return the chain of steps that takes longest, in its order: nothing can be faster."""
    by_urn = {step.urn: step for step in steps}
    sorter = TopologicalSorter({step.urn: step.needs for step in steps})
    ends: dict[str, float] = {}
    previous: dict[str, str] = {}
    for urn in sorter.static_order():
        step = by_urn[urn]
        last = max(step.needs, key=lambda need: (ends[need], need), default=None)
        if last is not None:
            previous[urn] = last
        ends[urn] = (ends[last] if last else 0) + step.seconds.at(bound)
    urn = max(ends, key=lambda one: (ends[one], one), default=None)
    path: list[Step] = []
    while urn is not None:
        path.append(by_urn[urn])
        urn = previous.get(urn)
    return tuple(reversed(path))


def makespan(
    steps: Sequence[Step],
    workers: int,
    bound: Bound = "expected",
    *,
    instead: Mapping[str, float] | None = None,
) -> float:
    """Return the seconds until the last step ends, with so many workers.

    A free worker takes a step that is ready, the first by its URN. Pulumi's engine takes them in
    the order in which the program declares them, which differs from run to run; equal graphs have
    equal estimates here. `instead` has other durations for some steps, by URN.
    """
    steps = sorted(steps, key=lambda step: step.urn)
    index = {step.urn: number for number, step in enumerate(steps)}
    waits = {step.urn: len(step.needs) for step in steps}
    users: dict[str, list[str]] = {step.urn: [] for step in steps}
    for step in steps:
        for need in step.needs:
            users[need].append(step.urn)
    ready = [index[urn] for urn, count in waits.items() if not count]
    heapq.heapify(ready)
    running: list[tuple[float, int]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < workers:
            number = heapq.heappop(ready)
            step = steps[number]
            lasts = (instead or {}).get(step.urn, step.seconds.at(bound))
            heapq.heappush(running, (now + lasts, number))
        now, number = heapq.heappop(running)
        for user in users[steps[number].urn]:
            waits[user] -= 1
            if not waits[user]:
                heapq.heappush(ready, index[user])
    return now
