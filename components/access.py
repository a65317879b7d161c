"""The security groups of the network: every allowed connection, as rules between roles."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, get_args

import pulumi
import pulumi_aws as aws
from pydantic import BaseModel, ConfigDict

from components.component import Component, Place, Text
from components.spec import SubnetTier, Zone
from components.wires import Placement

GroupRole = Literal[
    "load-balancer", "service", "job", "proxy", "database", "cache", "endpoint", "restored"
]
"""The roles in the network; each has a security group."""
TIERS: Mapping[GroupRole, SubnetTier] = {
    "load-balancer": "public",
    "service": "private",
    "job": "private",
    "endpoint": "private",
    "proxy": "isolated",
    "database": "isolated",
    "cache": "isolated",
    "restored": "isolated",
}
"""The subnets in which each role runs."""

POSTGRES = 5432
REDIS = 6379
HTTPS = 443
DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")
"""What the description of a rule or group may hold (Amazon EC2 API, IpRange and
CreateSecurityGroup, "Constraints"); apostrophes are refused."""
TEST_LISTENER = 8443
SMOKE = "smoke tests of a release before it takes traffic"


@dataclass(frozen=True)
class TrafficRule:
    """TCP traffic that is allowed; everything that no rule names is refused."""

    source: GroupRole | Literal["cloudflare", "nat"]
    target: GroupRole | Literal["internet"]
    port: int
    why: str

    def __post_init__(self) -> None:
        """Raise ValueError for a description that EC2 refuses."""
        if not DESCRIPTION.fullmatch(self.why):
            message = f"EC2 takes no such description of a rule: {self.why!r}"
            raise ValueError(message)


def traffic_rules(service_port: int) -> tuple[TrafficRule, ...]:
    """Return every allowed connection.

    From the internet, only Cloudflare comes in on 443, and our own NAT gateways on the test
    listener's port. A balancer that faces the internet has public addresses in DNS. A task reaches
    them through NAT, where a rule that names its security group does not match (Amazon VPC User
    Guide, "Security group rules": a referenced group stands for private addresses).
    """
    return (
        TrafficRule("cloudflare", "load-balancer", HTTPS, "customers, through our Cloudflare zone"),
        TrafficRule("load-balancer", "service", service_port, "requests and health checks"),
        TrafficRule("job", "internet", TEST_LISTENER, f"{SMOKE}, out to the balancer"),
        TrafficRule("nat", "load-balancer", TEST_LISTENER, f"{SMOKE}, back in from NAT"),
        TrafficRule("service", "proxy", POSTGRES, "queries, where the stack has a proxy"),
        TrafficRule("service", "database", POSTGRES, "queries, and read replicas"),
        TrafficRule(
            "job", "database", POSTGRES, "migrations, which the pool of a proxy would break"
        ),
        TrafficRule("proxy", "database", POSTGRES, "the pool of the proxy"),
        TrafficRule("job", "restored", POSTGRES, "checks of a database restored for a test"),
        TrafficRule("service", "cache", REDIS, "tokens, idempotency keys, rate limits"),
        TrafficRule("service", "endpoint", HTTPS, "AWS services inside the VPC"),
        TrafficRule("job", "endpoint", HTTPS, "AWS services inside the VPC"),
        TrafficRule("service", "internet", HTTPS, "web services of the tax agency, and AWS"),
        TrafficRule(
            "job",
            "internet",
            HTTPS,
            "images, logs and secrets where there is no endpoint",
        ),
    )


class CloudflareRanges(BaseModel):
    """The committed copy of Cloudflare's published ranges; `arca ranges refresh` renews it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    taken_on: date | None
    """The day on which Cloudflare's API gave them; None where nobody has asked it yet."""
    ipv4: tuple[str, ...]
    ipv6: tuple[str, ...]

    @classmethod
    def committed(cls) -> "CloudflareRanges":
        """Read the copy beside this file."""
        path = Path(__file__).with_name("cloudflare_ranges.json")
        return cls.model_validate(json.loads(path.read_text(encoding="utf-8")))


SPARE_ENTRIES = 5
"""Entries of a prefix list kept free for ranges that Cloudflare adds.

A list's maximum counts against the 60 rules of a security group (Amazon VPC User Guide, "Prefix
lists").
"""


class Access(Component):
    """Every security group and every rule.

    Produces: a group for each role; for each traffic rule an egress rule of the source's group
    and an ingress rule of the target's; a managed prefix list of Cloudflare's ranges for each
    address family.
    """

    groups: dict[GroupRole, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        place: Place,
        *,
        vpc_id: pulumi.Output[str],
        subnet_ids: Mapping[SubnetTier, list[pulumi.Output[str]]],
        service_port: int,
        nat_addresses: Mapping[Zone, pulumi.Output[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:access:Access", name, place, data_class="internal", opts=opts)
        self._vpc_id, self._subnet_ids = vpc_id, subnet_ids
        roles: tuple[GroupRole, ...] = get_args(GroupRole)
        self.groups = {
            role: aws.ec2.SecurityGroup(
                f"{name}-{role}",
                # A new description would replace the group.
                description=f"The {role} role; its rules are edges in components/access.py.",
                vpc_id=vpc_id,
                opts=self.child(),
            ).id
            for role in roles
        }
        ranges = CloudflareRanges.committed()
        cloudflare = {
            family: aws.ec2.ManagedPrefixList(
                f"{name}-cloudflare-{family.lower()}",
                address_family=family,
                max_entries=len(cidrs) + SPARE_ENTRIES,
                entries=[{"cidr": cidr, "description": "Cloudflare"} for cidr in cidrs],
                opts=self.child(),
            ).id
            for family, cidrs in (("IPv4", ranges.ipv4), ("IPv6", ranges.ipv6))
        }
        for rule in traffic_rules(service_port):
            logical = f"{name}-{rule.source}-{rule.target}-{rule.port}"
            match rule.source, rule.target:
                case "cloudflare" | "nat", "internet":
                    continue
                case "cloudflare", target:
                    for family, prefix_list_id in cloudflare.items():
                        self._ingress(
                            f"{logical}-{family.lower()}",
                            rule,
                            target,
                            prefix_list_id=prefix_list_id,
                        )
                case "nat", target:
                    for zone, address in nat_addresses.items():
                        cidr = pulumi.Output.concat(address, "/32")
                        self._ingress(f"{logical}-{zone}", rule, target, cidr_ipv4=cidr)
                case source, "internet":
                    self._egress(f"{logical}-ipv4", rule, source, cidr_ipv4="0.0.0.0/0")
                    self._egress(f"{logical}-ipv6", rule, source, cidr_ipv6="::/0")
                case source, target:
                    self._egress(logical, rule, source, group_id=self.groups[target])
                    self._ingress(logical, rule, target, group_id=self.groups[source])
        self.register_outputs({})

    def at(self, role: GroupRole) -> Placement:
        """Return where a role runs."""
        return Placement(self._vpc_id, self._subnet_ids[TIERS[role]], self.groups[role])

    def _egress(
        self,
        logical: str,
        rule: TrafficRule,
        source: GroupRole,
        *,
        group_id: Text | None = None,
        cidr_ipv4: str | None = None,
        cidr_ipv6: str | None = None,
    ) -> None:
        aws.vpc.SecurityGroupEgressRule(
            logical,
            security_group_id=self.groups[source],
            referenced_security_group_id=group_id,
            cidr_ipv4=cidr_ipv4,
            cidr_ipv6=cidr_ipv6,
            ip_protocol="tcp",
            from_port=rule.port,
            to_port=rule.port,
            description=rule.why,
            opts=self.child(),
        )

    def _ingress(
        self,
        logical: str,
        rule: TrafficRule,
        target: GroupRole,
        *,
        group_id: Text | None = None,
        prefix_list_id: Text | None = None,
        cidr_ipv4: Text | None = None,
    ) -> None:
        aws.vpc.SecurityGroupIngressRule(
            logical,
            security_group_id=self.groups[target],
            referenced_security_group_id=group_id,
            prefix_list_id=prefix_list_id,
            cidr_ipv4=cidr_ipv4,
            ip_protocol="tcp",
            from_port=rule.port,
            to_port=rule.port,
            description=rule.why,
            opts=self.child(),
        )
