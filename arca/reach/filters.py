"""What filters packets: security groups by interface, and network ACLs by subnet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Literal

from arca.graph import Resource
from arca.reach.addresses import EPHEMERAL, covers_ports, ranges
from arca.reach.answer import Blocked, Hop, Walk, through
from arca.reach.network import Interface, Network

Direction = Literal["egress", "ingress"]

GROUP = "aws:ec2/securityGroup:SecurityGroup"
GROUP_RULES: Mapping[Direction, str] = {
    "egress": "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "ingress": "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
}
ACL = "aws:ec2/networkAcl:NetworkAcl"


@dataclass(frozen=True)
class Peer:
    """The other end of a connection, as a filter sees it."""

    what: str
    address: IPv4Address
    group_ids: frozenset[str] = frozenset()
    """Empty for a public address: a rule that names a group stands for private addresses only
    (Amazon VPC User Guide, "Security group rules", Security group referencing)."""


def through_group(
    net: Network, interface: Interface, direction: Direction, peer: Peer, port: int
) -> Walk[None]:
    """Walk through an interface's groups; raises Blocked where no rule admits the connection.

    Groups are stateful, so the answers need no rule (Amazon VPC User Guide, "Security groups").
    """
    for rule in net.graph.of(GROUP_RULES[direction]):
        if (
            rule.text("securityGroupId") in interface.group_ids
            and covers_ports(rule.inputs, port, port)
            and _names(net, rule, peer)
        ):
            yield through(rule, f"{direction} of {interface.owner}, TCP {port}: {_said(net, rule)}")
            return
    groups = [net.find(one) for one in sorted(interface.group_ids)]
    names = ", ".join(group.label for group in groups if group) or f"no group of {interface.owner}"
    side = "to" if direction == "egress" else "from"
    lacks = f"no {direction} rule for TCP {port} {side} {peer.what} ({peer.address})"
    nearly = [rule.name for rule in _by_group_alone(net, interface, direction, port)]
    if nearly and not peer.group_ids:
        lacks += f"; {', '.join(nearly)} names a group, which matches private addresses only"
    raise Blocked("egress rule" if direction == "egress" else "ingress rule", names, lacks)


def _names(net: Network, rule: Resource, peer: Peer) -> bool:
    """Return whether a rule's other side holds the peer."""
    if rule.text("referencedSecurityGroupId"):
        return rule.text("referencedSecurityGroupId") in peer.group_ids
    return any(peer.address in one for one in _rule_ranges(net, rule))


def _rule_ranges(net: Network, rule: Resource) -> list[IPv4Network]:
    if rule.text("prefixListId"):
        return net.prefix_list(rule.text("prefixListId"))
    return ranges([rule.text("cidrIpv4")]) if rule.text("cidrIpv4") else []


def _said(net: Network, rule: Resource) -> str:
    """Return the other side of a rule, as a person reads it."""
    group_id, list_id = rule.text("referencedSecurityGroupId"), rule.text("prefixListId")
    named = net.find(group_id or list_id)
    return named.label if named else group_id or list_id or rule.text("cidrIpv4")


def _by_group_alone(
    net: Network, interface: Interface, direction: Direction, port: int
) -> Iterator[Resource]:
    for rule in net.graph.of(GROUP_RULES[direction]):
        if (
            rule.text("securityGroupId") in interface.group_ids
            and covers_ports(rule.inputs, port, port)
            and rule.text("referencedSecurityGroupId")
        ):
            yield rule


def through_acl(
    net: Network, subnet: Resource, direction: Direction, peer: IPv4Address, port: int
) -> Walk[None]:
    """Walk through a subnet's network ACL, where one is declared; a VPC's own admits everything.

    ACLs are stateless: the answers need an entry of the other direction for ephemeral ports (Amazon
    VPC User Guide, "Network ACLs"). Raises Blocked where an entry denies or none admits.
    """
    for acl in net.graph.of(ACL):
        if subnet.id not in acl.items("subnetIds"):
            continue
        back: Direction = "ingress" if direction == "egress" else "egress"
        yield _entry(acl, direction, peer, (port, port), subnet)
        _entry(acl, back, peer, EPHEMERAL, subnet)


def _entry(
    acl: Resource, direction: Direction, peer: IPv4Address, ports: tuple[int, int], at: Resource
) -> Hop:
    """Return the hop through the first entry that applies; the lowest number decides."""
    entries: list[Mapping[str, Any]] = sorted(
        acl.items(direction), key=lambda entry: int(entry["ruleNo"])
    )
    for entry in entries:
        if covers_ports(entry, *ports) and any(peer in one for one in ranges([entry["cidrBlock"]])):
            if str(entry["action"]).lower() == "allow":
                return through(acl, f"{direction} entry {int(entry['ruleNo'])} of {at.label}")
            lacks = f"{direction} entry {int(entry['ruleNo'])} denies {peer}"
            raise Blocked("network ACL", acl, lacks)
    span = f"{ports[0]}" if ports[0] == ports[1] else f"{ports[0]} to {ports[1]}"
    raise Blocked("network ACL", acl, f"no {direction} entry admits {peer}, TCP {span}")
