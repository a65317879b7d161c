"""The network of a stack: hosts inside and outside of it, subnets, route tables, their routes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from arca.graph import Graph, Resource
from arca.reach.addresses import first_host, longest_prefix, ranges
from arca.reach.answer import Blocked

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
ROUTE = "aws:ec2/route:Route"
ROUTE_TABLE = "aws:ec2/routeTable:RouteTable"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
INTERNET_GATEWAY = "aws:ec2/internetGateway:InternetGateway"
NAT_GATEWAY = "aws:ec2/natGateway:NatGateway"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
EIP = "aws:ec2/eip:Eip"
PREFIX_LIST = "aws:ec2/managedPrefixList:ManagedPrefixList"


@dataclass(frozen=True)
class Interface:
    """The network interfaces of one owner in the VPC, one in each of its subnets."""

    owner: str
    vpc_id: str
    subnets: tuple[Resource, ...]
    group_ids: frozenset[str]
    public: bool = False
    """Whether each has a public address too."""


@dataclass(frozen=True)
class Outside:
    """A host outside the VPC."""

    owner: str
    address: IPv4Address
    service: str = ""
    """The AWS service behind the address, as endpoints name it."""


@dataclass(frozen=True)
class Destination:
    """A host, and which of its addresses a name gave."""

    host: Interface | Outside
    public: bool = True


@dataclass(frozen=True)
class Route:
    """The route that a subnet takes to an address."""

    kind: Literal["local", "endpoint", "nat", "internet", "other"]
    table: Resource
    to: str
    """The range, or the service, that the route covers."""
    via: Resource
    """The gateway or endpoint; of a local route, the VPC."""
    entry: Resource
    """The resource that declares the route."""


class Network:
    """The network's resources of a graph, found by their ids."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._by_id = {one.id: one for one in graph.resources if one.id}

    def find(self, resource_id: str) -> Resource | None:
        """Return the resource of an id; None where the stack declares none."""
        return self._by_id.get(resource_id)

    def subnets(self, ids: Sequence[str]) -> tuple[Resource, ...]:
        """Return subnets; raises Blocked for one that the stack does not declare."""
        found = [(one, self._by_id.get(one)) for one in ids]
        for subnet_id, subnet in found:
            if subnet is None:
                raise Blocked("none here", f"subnet {subnet_id}", "the stack declares no such one")
        return tuple(subnet for _, subnet in found if subnet is not None)

    def placed(
        self,
        owner: str,
        subnet_ids: Sequence[str],
        group_ids: Sequence[str],
        *,
        public: bool = False,
    ) -> Interface:
        """Return the interfaces of an owner in these subnets."""
        subnets = self.subnets(subnet_ids)
        vpc_id = subnets[0].text("vpcId") if subnets else ""
        return Interface(owner, vpc_id, subnets, frozenset(group_ids), public)

    def private_address(self, subnet: Resource) -> IPv4Address:
        """Return an address that stands for all private ones of a subnet."""
        return first_host(subnet.text("cidrBlock"))

    def prefix_list(self, list_id: str) -> list[IPv4Network]:
        """Return the IPv4 ranges of a managed prefix list; none where the stack declares none."""
        found = self._by_id.get(list_id)
        return ranges(entry["cidr"] for entry in found.items("entries")) if found else []

    def route(self, subnet: Resource, address: IPv4Address, service: str = "") -> Route:
        """Return the route of a subnet to an address; raises Blocked where none covers it.

        Every table has the local route. A gateway endpoint adds its service's prefix list, which is
        more specific than a default route (Amazon VPC User Guide, "Route priority"; AWS PrivateLink
        Guide, "Gateway endpoints", Routing).
        """
        table = self._table(subnet)
        for endpoint in self._gateway_endpoints(table, service):
            return Route("endpoint", table, endpoint.text("serviceName"), endpoint, endpoint)
        found = longest_prefix(self._routes(subnet, table), address)
        if found is None:
            lacks = f"no route covers {address}, which {subnet.label} asks for"
            raise Blocked("route", table, lacks)
        return found[1]

    def _table(self, subnet: Resource) -> Resource:
        """Return the route table of a subnet.

        A subnet without an association uses the VPC's main table, which Pulumi does not declare and
        which has only the local route (Amazon VPC User Guide, "Subnet route tables").
        """
        for one in self.graph.of(ASSOCIATION):
            table = self._by_id.get(one.text("routeTableId"))
            if one.text("subnetId") == subnet.id and table is not None:
                return table
        return Resource(ROUTE_TABLE, f"main (of {subnet.name})", "", {})

    def _gateway_endpoints(self, table: Resource, service: str) -> Iterator[Resource]:
        for one in self.graph.of(ENDPOINT):
            gateway = one.text("vpcEndpointType") in ("", "Gateway")
            of_service = service and one.text("serviceName").endswith(f".{service}")
            if gateway and of_service and table.id in one.items("routeTableIds"):
                yield one

    def _routes(self, subnet: Resource, table: Resource) -> Iterator[tuple[IPv4Network, Route]]:
        vpc = self._by_id.get(subnet.text("vpcId"))
        if vpc is not None:
            cidr = vpc.text("cidrBlock")
            yield IPv4Network(cidr), Route("local", table, cidr, vpc, table)
        for one in self.graph.of(ROUTE):
            if table.id and one.text("routeTableId") == table.id:
                for cidr in self._destinations(one):
                    yield cidr, self._declared(one, table, str(cidr))

    def _destinations(self, route: Resource) -> list[IPv4Network]:
        if route.text("destinationPrefixListId"):
            return self.prefix_list(route.text("destinationPrefixListId"))
        cidr = route.text("destinationCidrBlock")
        return [IPv4Network(cidr)] if cidr else []

    def _declared(self, route: Resource, table: Resource, to: str) -> Route:
        nat = self._by_id.get(route.text("natGatewayId"))
        if nat is not None and nat.type == NAT_GATEWAY:
            return Route("nat", table, to, nat, route)
        gateway = self._by_id.get(route.text("gatewayId"))
        if gateway is not None and gateway.type == INTERNET_GATEWAY:
            return Route("internet", table, to, gateway, route)
        return Route("other", table, to, route, route)
