"""The network: one VPC, three tiers of subnets in every zone, and the ways out of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Literal, Self

import pulumi
import pulumi_aws as aws
from pydantic import Field, field_validator, model_validator

from components.component import Component, Place
from components.spec import Spec, Zone

Endpoint = Literal[
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
]  # fmt: skip - one list, read as one


class Tier(StrEnum):
    """What a subnet is for; its place in this list is its slot in the address plan."""

    PUBLIC = "public"
    PRIVATE = "private"
    ISOLATED = "isolated"


TIER_SLOTS = 8
"""Slots for tiers in a VPC; three are taken."""
ZONE_SLOTS = 8
"""Slots for zones in a tier; zone letters a to h own one each, whether used or not."""
SLOT_BITS = 6


class NetworkSpec(Spec):
    """The VPC and its subnets."""

    cidr: IPv4Network = Field(
        default=IPv4Network("10.0.0.0/16"),
        description="IPv4 range of the VPC, /16 to /20. Fixed at creation.",
    )
    zones: tuple[Zone, ...] = Field(
        default=("a", "b"),
        min_length=2,
        description="Letters of the availability zones in use. A letter added later gets a "
        "range that was reserved for it: nothing moves.",
    )
    nat: Literal["none", "single", "per-zone", "regional"] = Field(
        default="single",
        description="How private subnets reach the internet: not at all, through one NAT "
        "gateway, one in every zone, or one regional gateway that AWS spreads over the zones.",
    )
    interface_endpoints: tuple[Endpoint, ...] = Field(
        default=(),
        description="AWS services reached inside the VPC. Each costs by the hour and zone; S3 "
        "and DynamoDB are always reached through gateway endpoints, which cost nothing.",
    )
    ipv6: bool = Field(
        default=False, description="Dual stack: an Amazon /56, a /64 in every subnet."
    )

    @field_validator("cidr")
    @classmethod
    def _room_for_every_slot(cls, cidr: IPv4Network) -> IPv4Network:
        # The subnets are six bits longer, and AWS takes nothing longer than /28 or wider than /16.
        if not 16 <= cidr.prefixlen <= 20 or not cidr.is_private:
            message = f"{cidr} must be a private range from /16 to /20"
            raise ValueError(message)
        return cidr

    @model_validator(mode="after")
    def _zones_once_in_order(self) -> Self:
        if list(self.zones) != sorted(set(self.zones)):
            message = f"zones {list(self.zones)} must be different letters in alphabetical order"
            raise ValueError(message)
        return self


@dataclass(frozen=True)
class SubnetPlan:
    """One subnet before it exists."""

    tier: Tier
    zone: Zone
    cidr: IPv4Network
    ipv6_slot: int


def plan_subnets(spec: NetworkSpec) -> Iterator[SubnetPlan]:
    """Give each tier and zone the range of its own slot.

    The range depends on the tier and the letter alone, never on what else is there, so adding
    a zone or a tier leaves every other subnet where it is.
    """
    ranges = list(spec.cidr.subnets(prefixlen_diff=SLOT_BITS))
    for tier_slot, tier in enumerate(Tier):
        for zone in spec.zones:
            slot = tier_slot * ZONE_SLOTS + "abcdefgh".index(zone)
            yield SubnetPlan(tier, zone, ranges[slot], slot)


def ipv6_range(vpc_range: str, slot: int) -> str:
    """The /64 of a slot within the VPC's /56."""
    block = IPv6Network(vpc_range)
    return str(IPv6Network((int(block.network_address) + (slot << 64), 64)))


class Network(Component):
    """The VPC.

    Produces: VPC, internet gateway, subnets and route tables, NAT, gateway endpoints,
    and the default security group with every rule taken out.
    """

    vpc_id: pulumi.Output[str]
    public: list[pulumi.Output[str]]
    private: list[pulumi.Output[str]]
    isolated: list[pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        spec: NetworkSpec,
        place: Place,
    ) -> None:
        super().__init__("arca:network:Network", name, place, data_class="internal")
        self._name, self._spec = name, spec

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
        subnets: dict[tuple[Tier, Zone], aws.ec2.Subnet] = {
            (plan.tier, plan.zone): aws.ec2.Subnet(
                f"{name}-{plan.tier}-{plan.zone}",
                vpc_id=vpc.id,
                availability_zone=f"{place.region}{plan.zone}",
                cidr_block=str(plan.cidr),
                ipv6_cidr_block=_ipv6(vpc, plan.ipv6_slot) if spec.ipv6 else None,
                assign_ipv6_address_on_creation=spec.ipv6 or None,
                map_public_ip_on_launch=False,
                tags={"tier": plan.tier.value},
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
        self.public = [subnets[Tier.PUBLIC, zone].id for zone in spec.zones]
        self.private = [subnets[Tier.PRIVATE, zone].id for zone in spec.zones]
        self.isolated = [subnets[Tier.ISOLATED, zone].id for zone in spec.zones]
        self.register_outputs({"vpc_id": vpc.id})

    @property
    def exports(self) -> dict[str, Any]:
        """Its part of the stack's exports."""
        return {
            "vpc_id": self.vpc_id,
            "public_subnet_ids": self.public,
            "private_subnet_ids": self.private,
            "isolated_subnet_ids": self.isolated,
        }

    def _route(
        self, vpc: aws.ec2.Vpc, subnets: dict[tuple[Tier, Zone], aws.ec2.Subnet]
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
            table = {Tier.PUBLIC: public, Tier.ISOLATED: isolated}.get(tier) or private[zone]
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
        nats = self._translate(vpc, subnets, gateway)
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

    def _translate(
        self,
        vpc: aws.ec2.Vpc,
        subnets: dict[tuple[Tier, Zone], aws.ec2.Subnet],
        gateway: aws.ec2.InternetGateway,
    ) -> dict[Zone, aws.ec2.NatGateway]:
        """The NAT gateway that each zone's private subnets leave through."""
        name, zones = self._name, self._spec.zones
        after_gateway = self.child(depends_on=[gateway])
        if self._spec.nat == "none":
            return {}
        if self._spec.nat == "regional":
            regional = aws.ec2.NatGateway(
                name, vpc_id=vpc.id, availability_mode="regional", opts=after_gateway
            )
            return dict.fromkeys(zones, regional)
        homes = zones if self._spec.nat == "per-zone" else zones[:1]
        nats: dict[Zone, aws.ec2.NatGateway] = {}
        for zone in homes:
            address = aws.ec2.Eip(f"{name}-nat-{zone}", domain="vpc", opts=self.child())
            nats[zone] = aws.ec2.NatGateway(
                f"{name}-{zone}",
                subnet_id=subnets[Tier.PUBLIC, zone].id,
                allocation_id=address.allocation_id,
                opts=after_gateway,
            )
        return {zone: nats.get(zone, nats[homes[0]]) for zone in zones}


def _ipv6(vpc: aws.ec2.Vpc, slot: int) -> pulumi.Output[str]:
    return vpc.ipv6_cidr_block.apply(lambda block: ipv6_range(block, slot))
