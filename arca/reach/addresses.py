"""Addresses, address ranges and ports: what routes and rules compare."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, ip_network
from typing import Any, TypeVar

T = TypeVar("T")

EPHEMERAL = (1024, 65535)
"""Ports of answers to clients of any kind (Amazon VPC User Guide, "Custom network ACLs",
Ephemeral ports)."""
RESERVED_HOSTS = 4
"""The first addresses of a subnet, which nobody gets (Amazon VPC User Guide, "Subnet CIDR
blocks")."""


def first_host(cidr: str) -> IPv4Address:
    """Return the first address of a subnet that an interface can have."""
    return IPv4Network(cidr)[RESERVED_HOSTS]


def longest_prefix(
    routes: Iterable[tuple[IPv4Network, T]], address: IPv4Address
) -> tuple[IPv4Network, T] | None:
    """Return the most specific route that covers an address; the first one of equals.

    Source: Amazon VPC User Guide, "Route priority".
    """
    covering = [route for route in routes if address in route[0]]
    return max(covering, key=lambda route: route[0].prefixlen, default=None)


def ranges(cidrs: Iterable[str]) -> list[IPv4Network]:
    """Return the IPv4 ranges among ranges of both families."""
    return [found for cidr in cidrs if isinstance(found := ip_network(cidr), IPv4Network)]


def covers_ports(rule: Mapping[str, Any], low: int, high: int) -> bool:
    """Return whether a rule of a group or network ACL is about TCP and all of these ports.

    Protocol -1 means every protocol and port (Amazon EC2 API Reference, IpPermission).
    """
    protocol = str(rule.get("ipProtocol", rule.get("protocol", "")))
    if protocol in ("-1", "all"):
        return True
    first, last = int(rule.get("fromPort", -1)), int(rule.get("toPort", -1))
    return protocol in ("tcp", "6") and first <= low and high <= last
