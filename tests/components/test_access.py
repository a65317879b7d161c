"""The security groups: closed to everything that no traffic rule names."""

from typing import get_args

import pytest

from components.access import DESCRIPTION, TIERS, GroupRole, TrafficRule
from tests.stacks import STACKS, graph


def test_ask_9_security_groups_are_closed() -> None:
    """The default group has no rule; only Cloudflare and our own NAT come in from outside."""
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
        "access-nat-load-balancer-8443-a",
    ]


def test_every_role_has_its_subnets() -> None:
    """A role without a tier would fail where something is first placed there."""
    assert set(TIERS) == set(get_args(GroupRole))


@pytest.mark.parametrize("stack", STACKS)
def test_descriptions_are_what_ec2_takes(stack: str) -> None:
    """Groups and rules hold no character that EC2 refuses, such as an apostrophe."""
    described = [
        node.inputs["description"]
        for kind in (
            "aws:ec2/securityGroup:SecurityGroup",
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        )
        for node in graph(stack).of(kind)
    ]
    assert described
    assert [text for text in described if not DESCRIPTION.fullmatch(text)] == []


def test_a_description_that_ec2_refuses_is_an_error() -> None:
    """It is found where the rule is written, before any stack comes up."""
    with pytest.raises(ValueError, match="EC2 takes no such description"):
        TrafficRule("service", "cache", 6379, "the service's tokens")


def test_smoke_tests_reach_the_test_listener_through_nat() -> None:
    """Each NAT gateway's address is let in, and nobody else is."""
    prod = graph("prod")
    rules = prod.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    allowed = {
        rule.name: rule.inputs.get("cidrIpv4") for rule in rules if rule.inputs["fromPort"] == 8443
    }
    addresses = {
        f"access-nat-load-balancer-8443-{node.name[-1]}": f"{prod.states[node.urn]['publicIp']}/32"
        for node in prod.of("aws:ec2/eip:Eip")
    }
    assert len(addresses) == 3
    assert allowed == addresses
