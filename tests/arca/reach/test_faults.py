"""Each planted fault ends exactly the flows that it should, by the obstacle that it is."""

from collections.abc import Mapping

import pytest

from arca.reach.answer import Answer
from arca.reach.reach import matrix, reach
from tests.arca.reach.faults import FAULTS, Fault
from tests.arca.reach.graphs import COMMON, answers, graph_of


def reached(found: Mapping[tuple[str, str], Answer]) -> set[str]:
    """Return the pairs that are reached."""
    return {" > ".join(pair) for pair, answer in found.items() if answer.reached}


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            fault,
            id=fault.name.replace(" ", "-"),
            marks=() if fault.variant in COMMON else pytest.mark.slow,
        )
        for fault in FAULTS
    ],
)
def test_a_fault_ends_what_it_should_and_nothing_else(fault: Fault) -> None:
    """The shared graph stays as it is: an edit returns a copy."""
    whole = answers(fault.variant)
    broken = matrix(fault.edit(graph_of(fault.variant)))
    before, after = reached(whole), reached(broken)
    assert before - after == fault.ends
    assert after - before == fault.begins
    for pair in fault.ends:
        source, _, target = pair.partition(" > ")
        obstacle = broken[source, target].obstacle
        assert obstacle is not None
        assert obstacle.cause == fault.cause or not fault.cause, pair
        assert obstacle.resource == fault.resource or not fault.resource, pair


def test_no_fault_has_the_name_of_another() -> None:
    """A name finds one fault."""
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_a_rule_by_group_says_why_it_does_not_match() -> None:
    """It looks right, which is how the fault of ADR 0019 came to be."""
    (fault,) = (one for one in FAULTS if one.name.startswith("a group instead"))
    obstacle = reach(fault.edit(graph_of("whole")), "smoke-task", "test-listener").obstacle
    assert obstacle is not None
    assert "names a group, which matches private addresses only" in obstacle.lacks
    assert "NatGateway network-a" in obstacle.lacks


def test_a_name_beside_cloudflare_is_stopped_twice() -> None:
    """The group stops strangers, and mutual TLS whoever comes from Cloudflare's addresses."""
    (fault,) = (one for one in FAULTS if one.name == "a public name beside Cloudflare")
    broken = matrix(fault.edit(graph_of("whole")))
    for source, cause in (("customer", "ingress rule"), ("other-cloudflare-zone", "certificate")):
        obstacle = broken[source, "api"].obstacle
        assert obstacle is not None
        assert obstacle.cause == cause


def test_a_zone_that_differs_is_named() -> None:
    """The path is of the first zone, and the obstacle of the one that has it."""
    (fault,) = (one for one in FAULTS if one.name == "one zone's NAT address is not let in")
    obstacle = reach(fault.edit(graph_of("whole")), "job", "test-listener").obstacle
    assert obstacle is not None
    assert "NatGateway network-c" in obstacle.lacks
