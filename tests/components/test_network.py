"""The network: the address plan."""

from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.network import NetworkSpec, ipv6_range, plan_subnets
from tests.components.alone import alone, network
from tests.graph import Graph
from tests.stacks import graph

LETTERS = ("a", "b", "c", "d", "e", "f")
zones = st.sets(st.sampled_from(LETTERS), min_size=2).map(lambda s: tuple(sorted(s)))


def private_range(length: int, seed: int) -> IPv4Network:
    """Return a range within 10.0.0.0/8."""
    return IPv4Network((0x0A000000 + (seed << (32 - length)) % (1 << 24), length))


cidrs = st.builds(private_range, st.integers(16, 20), st.integers(0, 255))
specs = st.builds(NetworkSpec, cidr=cidrs, zones=zones)


@given(specs)
def test_subnets_lie_within_the_vpc_and_apart(spec: NetworkSpec) -> None:
    """No two subnets of a plan share an address."""
    plans = [plan.cidr for plan in plan_subnets(spec)]
    assert all(cidr.subnet_of(spec.cidr) for cidr in plans)
    assert not any(a.overlaps(b) for a, b in combinations(plans, 2))


@given(specs, st.sampled_from(LETTERS))
def test_a_new_zone_moves_nothing(spec: NetworkSpec, letter: Any) -> None:
    """Every existing subnet keeps its range, whatever letter is added."""
    more = spec.model_copy(update={"zones": tuple(sorted({*spec.zones, letter}))})
    before = {(plan.tier, plan.zone): plan for plan in plan_subnets(spec)}
    after = {(plan.tier, plan.zone): plan for plan in plan_subnets(more)}
    assert before.items() <= after.items()


@given(specs)
def test_ipv6_ranges_are_apart(spec: NetworkSpec) -> None:
    """Every slot has its own /64 in the VPC's /56."""
    ranges = [ipv6_range("2600:1f1e:abcd:ef00::/56", plan.ipv6_slot) for plan in plan_subnets(spec)]
    assert len(set(ranges)) == len(ranges)
    assert all(text.startswith("2600:1f1e:abcd:ef") for text in ranges)


def test_ask_7_a_zone_moves_no_subnet() -> None:
    """With a third zone, the other two keep their ranges."""
    two = ranges(alone(network, "prod", {"network.zones": ["a", "b"]}))
    assert two.items() < ranges(graph("prod")).items()


def ranges(declared: Graph) -> dict[str, str]:
    """Return the range of each subnet by its name."""
    return {node.name: node.inputs["cidrBlock"] for node in declared.of("aws:ec2/subnet:Subnet")}


def test_a_standby_has_one_nat_gateway() -> None:
    """Every zone's tasks leave through it; the active stack has one in each zone, as prod."""
    nats = {
        phase: [node.name for node in declared.of("aws:ec2/natGateway:NatGateway")]
        for phase in ("standby", "promoting", "active")
        for declared in [graph("dr", {"recovery.phase": phase, "network.nat": "per-zone"})]
    }
    assert nats == {
        "standby": ["network-a"],
        "promoting": ["network-a"],
        "active": ["network-a", "network-b", "network-c"],
    }
    standby = graph("dr", {"recovery.phase": "standby", "network.nat": "per-zone"})
    routes = [
        node.inputs.get("natGatewayId")
        for node in standby.of("aws:ec2/route:Route")
        if node.name.startswith("network-private-")
    ]
    assert len(routes) == 3
    assert len(set(routes)) == 1


def test_only_a_gateway_a_zone_shrinks_on_standby() -> None:
    """A regional gateway stays regional."""
    declared = graph("dr", {"recovery.phase": "standby", "network.nat": "regional"})
    assert declared.one("aws:ec2/natGateway:NatGateway").inputs["availabilityMode"] == "regional"
