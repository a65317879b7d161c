"""The network: a VPC, three tiers of subnets in every zone, and their routes to the internet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any, Literal, get_args

import pulumi
import pulumi_aws as aws
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from arca.outputs import NetworkOutputs
from components.component import Component, Place
from components.spec import Spec, SubnetTier, WrongKey, Zone

EndpointService = Literal[
    "ecr.api",
    "ecr.dkr",
    "kms",
    "logs",
    "monitoring",
    "secretsmanager",
    "ssm",
    "ssmmessages",
    "sts",
    "xray",
]
"""AWS services that can be reached through an interface endpoint."""


TIER_SLOTS = 8
"""Slots for tiers in a VPC; three are in use."""
ZONE_SLOTS = 8
"""Slots for zones in a tier; each letter from a to h has its own, in use or not."""
SLOT_BITS = 6


def _range(value: Any) -> IPv4Network:
    wanted = "a private IPv4 range of /16 to /20 from its first address on, such as 10.50.0.0/16"
    try:
        found = IPv4Network(value)
    except ValueError:
        raise PydanticCustomError("format", "{wanted}", {"wanted": wanted}) from None
    # Subnets are six bits longer, and AWS accepts ranges from /16 to /28.
    if not 16 <= found.prefixlen <= 20 or not found.is_private:
        raise PydanticCustomError("format", "{wanted}", {"wanted": wanted})
    return found


VpcRange = Annotated[IPv4Network, BeforeValidator(_range)]


class NetworkSpec(Spec):
    """The VPC and its subnets."""

    cidr: VpcRange = Field(
        default=IPv4Network("10.0.0.0/16"),
        description="IPv4 range of the VPC, /16 to /20. It cannot change later.",
    )
    zones: tuple[Zone, ...] = Field(
        default=("a", "b"),
        min_length=2,
        description="Letters of the availability zones in use. A letter that is added later gets "
        "the range reserved for it, and no other subnet moves.",
    )
    nat: Literal["none", "single", "per-zone", "regional"] = Field(
        default="single",
        description="How private subnets reach the internet: not at all, through a single NAT "
        "gateway, through one in every zone, or through one that AWS spreads over the zones. A DR "
        "stack that is not active has one alone instead of one in every zone.",
    )
    interface_endpoints: tuple[EndpointService, ...] = Field(
        default=(),
        description="AWS services that tasks reach inside the VPC. AWS charges each by hour and "
        "zone. S3 and DynamoDB always have gateway endpoints, which are free.",
    )
    ipv6: bool = Field(
        default=False, description="Dual stack: a /56 of Amazon, and a /64 in every subnet."
    )

    def wrong_keys(self) -> Iterator[WrongKey]:
        """Require each zone once, in order, so that a subnet's place follows from its zone."""
        if list(self.zones) != sorted(set(self.zones)):
            ordered = ", ".join(sorted(set(self.zones)))
            yield WrongKey("zones", f"different letters in alphabetical order: [{ordered}]")


@dataclass(frozen=True)
class SubnetPlan:
    """One subnet before it exists."""

    tier: SubnetTier
    zone: Zone
    cidr: IPv4Network
    ipv6_slot: int


def plan_subnets(spec: NetworkSpec) -> Iterator[SubnetPlan]:
    """Yield a subnet for each tier and zone, in the range of its own slot.

    The range depends on the tier and the zone's letter alone. Adding a zone or a tier therefore
    moves no other subnet.
    """
    ranges = list(spec.cidr.subnets(prefixlen_diff=SLOT_BITS))
    tiers: tuple[SubnetTier, ...] = get_args(SubnetTier)
    for tier_slot, tier in enumerate(tiers):
        for zone in spec.zones:
            slot = tier_slot * ZONE_SLOTS + "abcdefgh".index(zone)
            yield SubnetPlan(tier, zone, ranges[slot], slot)


def ipv6_range(vpc_range: str, slot: int) -> str:
    """Return the /64 of a slot within the VPC's /56."""
    block = IPv6Network(vpc_range)
    return str(IPv6Network((int(block.network_address) + (slot << 64), 64)))


class Network(Component):
    """The VPC.

    Produces: VPC, internet gateway, subnets, route tables, NAT gateways, gateway endpoints, and
    the default security group without any rule.
    """

    vpc_id: pulumi.Output[str]
    subnet_ids: dict[SubnetTier, list[pulumi.Output[str]]]
    nat_addresses: dict[Zone, pulumi.Output[str]]
    """The public addresses of the NAT gateways, by the zone in which they are."""

    def __init__(
        self,
        name: str,
        spec: NetworkSpec,
        place: Place,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:network:Network", name, place, data_class="internal", opts=opts)
        self._name, self._spec = name, spec
        self.nat_addresses = {}

        vpc = aws.ec2.Vpc(
            name,
            cidr_block=str(spec.cidr),
            enable_dns_hostnames=True,
            enable_dns_support=True,
            assign_generated_ipv6_cidr_block=spec.ipv6 or None,
            opts=self.child(),
        )
        aws.ec2.DefaultSecurityGroup(
            f"{name}-default", vpc_id=vpc.id, ingress=[], egress=[], opts=self.child()
        )
        subnets: dict[tuple[SubnetTier, Zone], aws.ec2.Subnet] = {
            (plan.tier, plan.zone): aws.ec2.Subnet(
                f"{name}-{plan.tier}-{plan.zone}",
                vpc_id=vpc.id,
                availability_zone=f"{place.region}{plan.zone}",
                cidr_block=str(plan.cidr),
                ipv6_cidr_block=_ipv6(vpc, plan.ipv6_slot) if spec.ipv6 else None,
                assign_ipv6_address_on_creation=spec.ipv6 or None,
                map_public_ip_on_launch=False,
                tags={"tier": plan.tier},
                opts=self.child(),
            )
            for plan in plan_subnets(spec)
        }
        tables = self._route(vpc, subnets)
        for service in ("s3", "dynamodb"):
            aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=vpc.id,
                service_name=f"com.amazonaws.{place.region}.{service}",
                vpc_endpoint_type="Gateway",
                route_table_ids=[table.id for table in tables],
                opts=self.child(),
            )

        self.vpc_id = vpc.id
        tiers: tuple[SubnetTier, ...] = get_args(SubnetTier)
        self.subnet_ids = {tier: [subnets[tier, zone].id for zone in spec.zones] for tier in tiers}
        self.register_outputs({"vpc_id": vpc.id})

    def outputs(
        self, *, groups: Mapping[str, pulumi.Output[str]]
    ) -> NetworkOutputs[pulumi.Output[str]]:
        """The network's part of the stack's exports, with the ids of all security groups."""
        return NetworkOutputs[pulumi.Output[str]](
            vpc_id=self.vpc_id,
            public_subnet_ids=self.subnet_ids["public"],
            private_subnet_ids=self.subnet_ids["private"],
            isolated_subnet_ids=self.subnet_ids["isolated"],
            security_group_ids=dict(groups),
            service_security_group_id=groups["service"],
            job_security_group_id=groups["job"],
        )

    def _route(
        self, vpc: aws.ec2.Vpc, subnets: dict[tuple[SubnetTier, Zone], aws.ec2.Subnet]
    ) -> Sequence[aws.ec2.RouteTable]:
        name, spec = self._name, self._spec
        gateway = aws.ec2.InternetGateway(name, vpc_id=vpc.id, opts=self.child())
        public = aws.ec2.RouteTable(f"{name}-public", vpc_id=vpc.id, opts=self.child())
        isolated = aws.ec2.RouteTable(f"{name}-isolated", vpc_id=vpc.id, opts=self.child())
        private = {
            zone: aws.ec2.RouteTable(f"{name}-private-{zone}", vpc_id=vpc.id, opts=self.child())
            for zone in spec.zones
        }
        for (tier, zone), subnet in subnets.items():
            table = {"public": public, "isolated": isolated}.get(tier) or private[zone]
            aws.ec2.RouteTableAssociation(
                f"{name}-{tier}-{zone}",
                subnet_id=subnet.id,
                route_table_id=table.id,
                opts=self.child(),
            )
        aws.ec2.Route(
            f"{name}-public",
            route_table_id=public.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=self.child(),
        )
        nats = self._nat_gateways(vpc, subnets, gateway)
        for zone, nat in nats.items():
            aws.ec2.Route(
                f"{name}-private-{zone}",
                route_table_id=private[zone].id,
                destination_cidr_block="0.0.0.0/0",
                nat_gateway_id=nat.id,
                opts=self.child(),
            )
        if spec.ipv6:
            outward = aws.ec2.EgressOnlyInternetGateway(name, vpc_id=vpc.id, opts=self.child())
            aws.ec2.Route(
                f"{name}-public-ipv6",
                route_table_id=public.id,
                destination_ipv6_cidr_block="::/0",
                gateway_id=gateway.id,
                opts=self.child(),
            )
            for zone, table in private.items():
                aws.ec2.Route(
                    f"{name}-private-{zone}-ipv6",
                    route_table_id=table.id,
                    destination_ipv6_cidr_block="::/0",
                    egress_only_gateway_id=outward.id,
                    opts=self.child(),
                )
        return [public, isolated, *private.values()]

    def _nat_gateways(
        self,
        vpc: aws.ec2.Vpc,
        subnets: dict[tuple[SubnetTier, Zone], aws.ec2.Subnet],
        gateway: aws.ec2.InternetGateway,
    ) -> dict[Zone, aws.ec2.NatGateway]:
        """Declare the NAT gateways; return the one of each zone's private subnets."""
        name, zones = self._name, self._spec.zones
        after_gateway = self.child(depends_on=[gateway])
        if self._spec.nat == "none":
            return {}
        if self._spec.nat == "regional":
            # Addresses that AWS chooses would change, and a firewall could not name them.
            regional = aws.ec2.NatGateway(
                name,
                vpc_id=vpc.id,
                availability_mode="regional",
                availability_zone_addresses=[
                    {
                        "availability_zone": f"{self.place.region}{zone}",
                        "allocation_ids": [self._nat_address(zone)],
                    }
                    for zone in zones
                ],
                opts=after_gateway,
            )
            return dict.fromkeys(zones, regional)
        homes = zones if self._spec.nat == "per-zone" else zones[:1]
        nats = {
            zone: aws.ec2.NatGateway(
                f"{name}-{zone}",
                subnet_id=subnets["public", zone].id,
                allocation_id=self._nat_address(zone),
                opts=after_gateway,
            )
            for zone in homes
        }
        return {zone: nats.get(zone, nats[homes[0]]) for zone in zones}

    def _nat_address(self, zone: Zone) -> pulumi.Output[str]:
        """Declare the public address of the NAT gateway in a zone; returns its allocation."""
        address = aws.ec2.Eip(f"{self._name}-nat-{zone}", domain="vpc", opts=self.child())
        self.nat_addresses[zone] = address.public_ip
        return address.allocation_id


def _ipv6(vpc: aws.ec2.Vpc, slot: int) -> pulumi.Output[str]:
    return vpc.ipv6_cidr_block.apply(lambda block: ipv6_range(block, slot))
