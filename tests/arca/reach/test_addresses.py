"""The primitives: prefixes, ports, and the first address of a subnet."""

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arca.reach.addresses import covers_ports, first_host, longest_prefix, ranges

ADDRESS = st.integers(0, 2**32 - 1).map(IPv4Address)
PORT = st.integers(0, 65535)


@st.composite
def around(draw: st.DrawFn, address: IPv4Address) -> IPv4Network:
    """Return a network that holds an address."""
    return IPv4Network((int(address), draw(st.integers(0, 32))), strict=False)


@given(st.data(), ADDRESS)
def test_the_longest_prefix_wins(data: st.DataObject, address: IPv4Address) -> None:
    """Whatever else there is, the answer covers the address, and no other range is narrower."""
    holding = data.draw(st.lists(around(address), min_size=1))
    others = data.draw(st.lists(ADDRESS.flatmap(around)))
    routes = [(cidr, number) for number, cidr in enumerate([*others, *holding])]
    found = longest_prefix(routes, address)
    assert found is not None
    assert address in found[0]
    covering = [cidr.prefixlen for cidr, _ in routes if address in cidr]
    assert found[0].prefixlen == max(covering)
    assert routes[found[1]][0] == found[0]


@given(ADDRESS, st.lists(ADDRESS.map(IPv4Network)))
def test_without_a_covering_route_there_is_none(
    address: IPv4Address, others: list[IPv4Network]
) -> None:
    """A host route covers its host alone."""
    routes = [(cidr, None) for cidr in others if cidr.network_address != address]
    assert longest_prefix(routes, address) is None


def test_the_first_of_equals_wins() -> None:
    """The answer does not depend on a sort."""
    cidr = IPv4Network("10.0.0.0/16")
    assert longest_prefix([(cidr, "one"), (cidr, "two")], IPv4Address("10.0.3.4")) == (cidr, "one")


@given(PORT, PORT, PORT, PORT)
def test_a_rule_covers_the_ports_between_its_ends(
    first: int, last: int, low: int, high: int
) -> None:
    """Each port is compared, which is slow and cannot be wrong."""
    rule = {"ipProtocol": "tcp", "fromPort": float(first), "toPort": float(last)}
    asked = range(min(low, high), max(low, high) + 1)
    expected = set(asked) <= set(range(first, last + 1))
    assert covers_ports(rule, asked[0], asked[-1]) == expected


@pytest.mark.parametrize(
    ("rule", "covers"),
    [
        ({"ipProtocol": "-1"}, True),
        ({"protocol": "all"}, True),
        ({"protocol": "6", "fromPort": 0, "toPort": 65535}, True),
        ({"ipProtocol": "udp", "fromPort": 0, "toPort": 65535}, False),
        ({"ipProtocol": "icmp", "fromPort": -1, "toPort": -1}, False),
        ({"ipProtocol": "tcp"}, False),
        ({}, False),
    ],
)
def test_protocols(rule: dict[str, Any], *, covers: bool) -> None:
    """A rule says TCP by name or by number, or all protocols at once."""
    assert covers_ports(rule, 443, 443) == covers


def test_addresses_of_ranges() -> None:
    """The first four addresses of a subnet belong to AWS; IPv6 has no part in this."""
    assert first_host("10.30.32.0/22") == IPv4Address("10.30.32.4")
    assert ranges(["10.0.0.0/8", "2606:4700::/32"]) == [IPv4Network("10.0.0.0/8")]
