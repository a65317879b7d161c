"""The security groups: closed to everything that no traffic rule names."""

from typing import get_args

from components.access import TIERS, GroupRole
from tests.stacks import graph


def test_ask_9_security_groups_are_closed() -> None:
    """The default group has no rule, and only Cloudflare comes in from outside."""
    default = graph("dev").one("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup").inputs
    assert (default["ingress"], default["egress"]) == ([], [])
    outside = [
        rule.name
        for rule in graph("dev").of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        if "referencedSecurityGroupId" not in rule.inputs
    ]
    assert sorted(outside) == [
        "access-cloudflare-load-balancer-443-ipv4",
        "access-cloudflare-load-balancer-443-ipv6",
    ]


def test_every_role_has_its_subnets() -> None:
    """A role without a tier would fail where something is first placed there."""
    assert set(TIERS) == set(get_args(GroupRole))
