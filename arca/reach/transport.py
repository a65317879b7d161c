"""Carry a TCP connection from one host to another: rules, routes, NAT, gateways.

IPv4 only: the origin's names have A records alone, and no rule of the stack admits more over IPv6.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address

from arca.graph import Resource
from arca.reach.answer import Blocked, Walk, every, through
from arca.reach.filters import Peer, through_acl, through_group
from arca.reach.network import (
    EIP,
    INTERNET_GATEWAY,
    Destination,
    Interface,
    Network,
    Outside,
    Route,
)

BALANCER_ADDRESS = IPv4Address("192.0.2.80")
"""Stands for public addresses that AWS chooses, such as a load balancer's (RFC 5737)."""


@dataclass(frozen=True)
class Leg:
    """One zone's part of a connection: a subnet at each end, where the end is in the VPC."""

    source: Interface | Outside
    source_subnet: Resource | None
    target: Destination
    target_subnet: Resource | None
    port: int


def carry(net: Network, source: Interface | Outside, target: Destination, port: int) -> Walk[None]:
    """Walk from a host to a destination; raises Blocked at the first obstacle in any zone."""
    inside = source.subnets if isinstance(source, Interface) else (None,)
    there = target.host.subnets if isinstance(target.host, Interface) else (None,)
    yield from every(
        _leg(net, Leg(source, one, target, other, port)) for one in inside for other in there
    )


def _leg(net: Network, leg: Leg) -> Walk[None]:
    if isinstance(leg.source, Interface) and leg.source_subnet is not None:
        seen = yield from _leave(net, leg, leg.source, leg.source_subnet)
    elif isinstance(leg.source, Outside):
        seen = Peer(leg.source.owner, leg.source.address)
    else:
        raise Blocked("none here", leg.source.owner, "it is in no subnet")
    yield from _arrive(net, leg, seen)


def _leave(net: Network, leg: Leg, source: Interface, subnet: Resource) -> Walk[Peer]:
    """Walk out of the source's interface; return what the target sees of it."""
    target, port = _peer_of(net, leg), leg.port
    yield from through_group(net, source, "egress", target, port)
    service = leg.target.host.service if isinstance(leg.target.host, Outside) else ""
    route = net.route(subnet, target.address, service)
    private = Peer(source.owner, net.private_address(subnet), source.group_ids)
    if leg.target_subnet is None or leg.target_subnet.id != subnet.id:
        yield from through_acl(net, subnet, "egress", target.address, port)
    inside = isinstance(leg.target.host, Interface) and not leg.target.public
    if inside and route.kind != "local":
        lacks = f"sends {target.address} to {route.via.label}, and not inside the VPC"
        raise Blocked("route", route.entry, lacks)
    way = "local" if route.kind == "local" else f"to {route.via.label}"
    yield through(route.table, f"route {route.to}, {way}")
    match route.kind:
        case "local" | "endpoint":
            return private
        case "nat":
            return (yield from _through_nat(net, route, subnet, private.address, leg))
        case "internet" if source.public:
            _attached(route.via, subnet)
            return Peer(source.owner, BALANCER_ADDRESS)
        case "internet":
            lacks = f"needs a public address of {source.owner}, which has none"
            raise Blocked("no address", route.via, lacks)
        case "other":
            raise Blocked("route", route.entry, f"leads {route.to} to nothing that is declared")


def _through_nat(
    net: Network, route: Route, subnet: Resource, inner: IPv4Address, leg: Leg
) -> Walk[Peer]:
    """Walk through a NAT gateway; the target sees the gateway's Elastic IP.

    A zonal gateway needs a subnet whose route leads to an internet gateway. A regional one stands
    in no subnet, and has addresses in each zone (Amazon VPC User Guide, "NAT gateways" and
    "Regional NAT gateways").
    """
    nat, outer = route.via, _peer_of(net, leg).address
    if nat.text("connectivityType") == "private":
        raise Blocked("gateway", nat, "is private and leads to no internet")
    if nat.text("availabilityMode") == "regional":
        zone = subnet.text("availabilityZone")
        allocations = [
            allocation
            for one in nat.items("availabilityZoneAddresses")
            if one["availabilityZone"] == zone
            for allocation in one["allocationIds"]
        ]
        if not any(
            one.text("vpcId") == nat.text("vpcId") for one in net.graph.of(INTERNET_GATEWAY)
        ):
            raise Blocked("gateway", nat, "its VPC has no internet gateway")
    else:
        allocations = [nat.text("allocationId")]
        (home,) = net.subnets([nat.text("subnetId")])
        if home.id != subnet.id:
            yield from through_acl(net, home, "ingress", inner, leg.port)
        yield from through_acl(net, home, "egress", outer, leg.port)
        onward = net.route(home, outer)
        if onward.kind != "internet":
            lacks = f"{nat.label} in {home.label} needs a route to an internet gateway here"
            raise Blocked("route", onward.table, lacks)
        _attached(onward.via, home)
    for address in net.graph.of(EIP):
        if address.output("allocationId") in allocations:
            seen = IPv4Address(address.output("publicIp"))
            yield through(nat, f"leaves with {address.label}, {seen}")
            return Peer(nat.label, seen)
    raise Blocked("gateway", nat, f"has no Elastic IP for {subnet.label}")


def _attached(gateway: Resource, subnet: Resource) -> None:
    if gateway.text("vpcId") != subnet.text("vpcId"):
        raise Blocked("gateway", gateway, f"is not attached to the VPC of {subnet.label}")


def _arrive(net: Network, leg: Leg, seen: Peer) -> Walk[None]:
    host, subnet = leg.target.host, leg.target_subnet
    if isinstance(host, Outside):
        return
    if subnet is None:
        raise Blocked("none here", host.owner, "it is in no subnet")
    if leg.target.public:
        # The answers leave by the same way, so the subnet needs the route back.
        back = net.route(subnet, seen.address)
        if back.kind != "internet":
            lacks = f"{host.owner} in {subnet.label} needs a route to an internet gateway here"
            raise Blocked("route", back.table, lacks)
        _attached(back.via, subnet)
        yield through(back.via, f"to the public address of {host.owner}")
    elif isinstance(leg.source, Outside):
        lacks = f"has private addresses only, which {leg.source.owner} cannot reach"
        raise Blocked("no address", host.owner, lacks)
    if leg.source_subnet is None or leg.source_subnet.id != subnet.id or leg.target.public:
        yield from through_acl(net, subnet, "ingress", seen.address, leg.port)
    yield from through_group(net, host, "ingress", seen, leg.port)


def _peer_of(net: Network, leg: Leg) -> Peer:
    """Return the target as the source's filters see it."""
    host = leg.target.host
    if isinstance(host, Outside):
        return Peer(host.owner, host.address)
    if leg.target.public or leg.target_subnet is None:
        return Peer(host.owner, BALANCER_ADDRESS)
    return Peer(host.owner, net.private_address(leg.target_subnet), host.group_ids)
