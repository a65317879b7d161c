"""Who may talk to whom: the whole firewall on one page, as edges between roles."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import pulumi
import pulumi_aws as aws
from pydantic import BaseModel, ConfigDict

from components.component import Component, Place

Role = Literal["load-balancer", "service", "job", "proxy", "database", "cache", "endpoint"]
Outside = Literal["cloudflare", "internet"]

POSTGRES = 5432
REDIS = 6379
HTTPS = 443
TEST = 8443


@dataclass(frozen=True)
class Edge:
    """Traffic that is let through, over TCP; everything that no edge names is refused."""

    source: Role | Literal["cloudflare"]
    target: Role | Literal["internet"]
    port: int
    why: str


def edges(service_port: int) -> tuple[Edge, ...]:
    """The firewall. Nothing comes in from the internet but through Cloudflare, on 443."""
    return (
        Edge("cloudflare", "load-balancer", HTTPS, "customers, through our Cloudflare zone"),
        Edge("load-balancer", "service", service_port, "requests and health checks"),
        Edge("job", "load-balancer", TEST, "smoke tests of a release before it takes traffic"),
        Edge("service", "proxy", POSTGRES, "queries, where the stack has a proxy"),
        Edge("service", "database", POSTGRES, "queries, and read replicas"),
        Edge("job", "database", POSTGRES, "migrations, which a proxy's pool would break"),
        Edge("proxy", "database", POSTGRES, "the proxy's pool"),
        Edge("service", "cache", REDIS, "tokens, idempotency keys, rate limits"),
        Edge("service", "endpoint", HTTPS, "AWS services inside the VPC"),
        Edge("job", "endpoint", HTTPS, "AWS services inside the VPC"),
        Edge("service", "internet", HTTPS, "the tax agency's web services and AWS"),
        Edge("job", "internet", HTTPS, "images, logs and secrets where there is no endpoint"),
    )


class CloudflareRanges(BaseModel):
    """The committed snapshot of Cloudflare's published ranges; `arca ranges refresh` renews it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    taken_on: str
    ipv4: tuple[str, ...]
    ipv6: tuple[str, ...]

    @classmethod
    def committed(cls) -> "CloudflareRanges":
        """Read the snapshot beside this file."""
        path = Path(__file__).with_name("cloudflare_ranges.json")
        return cls.model_validate(json.loads(path.read_text(encoding="utf-8")))


SPARE_ENTRIES = 5
"""Room for ranges that Cloudflare adds: a prefix list counts as its maximum number of entries
against the 60 rules of a security group (Amazon VPC User Guide, "Prefix lists")."""


class Access(Component):
    """Every security group and every rule.

    Produces: one group a role, two rules an edge (out of the source, into the target), and a
    managed prefix list of Cloudflare's ranges for each address family.
    """

    groups: dict[Role, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        place: Place,
        *,
        vpc_id: pulumi.Input[str],
        service_port: int,
    ) -> None:
        super().__init__("arca:access:Access", name, place, data_class="internal")
        roles: tuple[Role, ...] = get_args(Role)
        groups: dict[Role, aws.ec2.SecurityGroup] = {
            role: aws.ec2.SecurityGroup(
                f"{name}-{role}",
                description=f"The {role} role; its rules are edges in components/access.py.",
                vpc_id=vpc_id,
                opts=self.child(),
            )
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
            )
            for family, cidrs in (("IPv4", ranges.ipv4), ("IPv6", ranges.ipv6))
        }
        for edge in edges(service_port):
            rule = f"{name}-{edge.source}-{edge.target}-{edge.port}"
            if edge.source == "cloudflare":
                for family, prefix_list in cloudflare.items():
                    aws.vpc.SecurityGroupIngressRule(
                        f"{rule}-{family.lower()}",
                        security_group_id=groups[_role(edge.target)].id,
                        prefix_list_id=prefix_list.id,
                        ip_protocol="tcp",
                        from_port=edge.port,
                        to_port=edge.port,
                        description=edge.why,
                        opts=self.child(),
                    )
            elif edge.target == "internet":
                for family, everywhere in (("ipv4", "0.0.0.0/0"), ("ipv6", "::/0")):
                    aws.vpc.SecurityGroupEgressRule(
                        f"{rule}-{family}",
                        security_group_id=groups[edge.source].id,
                        cidr_ipv4=everywhere if family == "ipv4" else None,
                        cidr_ipv6=everywhere if family == "ipv6" else None,
                        ip_protocol="tcp",
                        from_port=edge.port,
                        to_port=edge.port,
                        description=edge.why,
                        opts=self.child(),
                    )
            else:
                aws.vpc.SecurityGroupEgressRule(
                    rule,
                    security_group_id=groups[edge.source].id,
                    referenced_security_group_id=groups[edge.target].id,
                    ip_protocol="tcp",
                    from_port=edge.port,
                    to_port=edge.port,
                    description=edge.why,
                    opts=self.child(),
                )
                aws.vpc.SecurityGroupIngressRule(
                    rule,
                    security_group_id=groups[edge.target].id,
                    referenced_security_group_id=groups[edge.source].id,
                    ip_protocol="tcp",
                    from_port=edge.port,
                    to_port=edge.port,
                    description=edge.why,
                    opts=self.child(),
                )
        self.groups = {role: group.id for role, group in groups.items()}
        self.register_outputs({})

    @property
    def exports(self) -> dict[str, Any]:
        """Its part of the stack's exports: the groups of what operators start."""
        return {f"{role}_security_group_id": self.groups[role] for role in ("service", "job")}


def _role(target: Role | Outside) -> Role:
    if target in ("cloudflare", "internet"):
        message = f"{target} is outside: it has no security group"
        raise ValueError(message)
    return target
