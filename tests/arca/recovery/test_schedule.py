"""Schedules: the longest path as a foreign library has it, and the bounds of list schedules."""

from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arca.recovery.durations import Seconds
from arca.recovery.schedule import longest_path, makespan
from arca.recovery.updates import Step

NX: Any = nx
"""The library has no types."""


def step(name: str, seconds: float, *needs: str) -> Step:
    """Return a step with one expected duration."""
    bounds = Seconds(seconds / 2, seconds, seconds * 2)
    return Step(name, name, "part", "create", bounds, frozenset(needs))


@st.composite
def graphs(draw: st.DrawFn) -> list[Step]:
    """Return steps that need only steps before them."""
    count = draw(st.integers(1, 14))
    steps: list[Step] = []
    for number in range(count):
        needs = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set[int]()
        seconds = draw(st.integers(0, 50))
        steps.append(step(f"s{number}", seconds, *(f"s{one}" for one in needs)))
    return steps


def seconds(steps: list[Step]) -> float:
    """Return the sum of the expected durations."""
    return sum(one.seconds.expected for one in steps)


@given(graphs())
def test_the_longest_path_is_networkxs(steps: list[Step]) -> None:
    """And it is a path: each of its steps needs the one before it."""
    judge: Any = NX.DiGraph()
    judge.add_nodes_from(["begin", *(one.urn for one in steps)])
    for one in steps:
        for need in one.needs or ["begin"]:
            judge.add_edge(need, one.urn, weight=one.seconds.expected)
    path = longest_path(steps)
    assert seconds([*path]) == NX.dag_longest_path_length(judge)
    assert not path[0].needs
    assert all(one.urn in two.needs for one, two in pairwise(path))


@given(graphs(), st.integers(1, 5))
def test_a_schedule_keeps_its_bounds(steps: list[Step], workers: int) -> None:
    """One worker takes the sum, and many take the longest path; between them, Graham's bound.

    Source: R. L. Graham, Bounds on Multiprocessing Timing Anomalies (1969).
    """
    path, work = seconds([*longest_path(steps)]), seconds(steps)
    assert makespan(steps, 1) == pytest.approx(work)
    assert makespan(steps, len(steps)) == pytest.approx(path)
    found = makespan(steps, workers)
    assert max(path, work / workers) <= found + 1e-6
    assert found <= work / workers + (1 - 1 / workers) * path + 1e-6


@given(graphs(), st.integers(1, 5))
def test_the_bounds_of_the_durations_are_computed_alike(steps: list[Step], workers: int) -> None:
    """Here, each high is twice the expected one, so the schedules are too."""
    assert makespan(steps, workers, "high") == pytest.approx(2 * makespan(steps, workers))
    assert makespan(steps, workers, "low") == pytest.approx(makespan(steps, workers) / 2)


@given(graphs(), st.integers(1, 5), st.data())
def test_a_step_that_takes_no_time_is_as_if_it_had_none(
    steps: list[Step], workers: int, data: st.DataObject
) -> None:
    """`instead` changes nothing but that step."""
    chosen = data.draw(st.sampled_from(steps))
    without = [replace(one, seconds=Seconds(0, 0, 0)) if one is chosen else one for one in steps]
    assert makespan(steps, workers, instead={chosen.urn: 0}) == makespan(without, workers)


@given(graphs(), st.integers(1, 5), st.randoms())
def test_the_order_of_the_declarations_does_not_matter(
    steps: list[Step], workers: int, random: Random
) -> None:
    """A program declares its resources in another order at each run; the estimate stays."""
    found = makespan(steps, workers), longest_path(steps)
    mixed = random.sample(steps, len(steps))
    assert (makespan(mixed, workers), longest_path(mixed)) == found


def test_a_worker_takes_the_first_by_name() -> None:
    """Not the longest one: nobody tells Pulumi which that is."""
    assert makespan([step("a", 1), step("b", 10), step("c", 5, "a")], 2) == 10
    assert makespan([step("b", 10), step("d", 10), step("x", 1), step("y", 5, "x")], 2) == 16


def test_nothing_takes_no_time() -> None:
    """An update without a deletion has none to schedule."""
    assert (makespan([], 4), longest_path([])) == (0, ())
