"""The hosts of a stack, from the resources that have network interfaces."""

from collections.abc import Iterator
from functools import cached_property

from arca.graph import Graph, Resource
from arca.reach.network import Interface, Network

LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
SERVICE = "aws:ecs/service:Service"
DATABASE = "aws:rds/instance:Instance"
DATABASE_SUBNETS = "aws:rds/subnetGroup:SubnetGroup"
PROXY = "aws:rds/proxy:Proxy"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
CACHE_SUBNETS = "aws:elasticache/subnetGroup:SubnetGroup"


class Hosts:
    """The interfaces of a stack's resources, and the names that AWS gives them."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.net = graph, Network(graph)

    def only(self, kind: str) -> Resource | None:
        """Return the first resource of a type; None where the stack has none."""
        return next(self.graph.of(kind), None)

    @property
    def balancer(self) -> Interface | None:
        """The load balancer."""
        found = self.only(LOAD_BALANCER)
        if found is None:
            return None
        return self.net.placed(
            found.label,
            found.items("subnets"),
            found.items("securityGroups"),
            public=not found.inputs.get("internal", False),
        )

    @property
    def service(self) -> Interface | None:
        """The service's tasks."""
        found = self.only(SERVICE)
        if found is None:
            return None
        placement = found.below("networkConfiguration")
        return self.net.placed(
            found.label,
            placement.get("subnets", ()),
            placement.get("securityGroups", ()),
            public=bool(placement.get("assignPublicIp", False)),
        )

    @property
    def job(self) -> Interface | None:
        """The one-off tasks, which `arca` starts where the exports say (arca/release/tasks.py)."""
        exports = self.graph.exports.get("network")
        if exports is None:
            return None
        groups = [exports["job_security_group_id"]]
        return self.net.placed("one-off task", exports["private_subnet_ids"], groups)

    @property
    def database(self) -> Interface | None:
        """The database's instance."""
        found = self.only(DATABASE)
        if found is None:
            return None
        return self.net.placed(
            found.label,
            self._subnet_ids(DATABASE_SUBNETS, found.text("dbSubnetGroupName")),
            found.items("vpcSecurityGroupIds"),
            public=bool(found.inputs.get("publiclyAccessible", False)),
        )

    @property
    def proxy(self) -> Interface | None:
        """The database's proxy, which is never public (Amazon RDS User Guide, "RDS Proxy")."""
        found = self.only(PROXY)
        if found is None:
            return None
        return self.net.placed(
            found.label, found.items("vpcSubnetIds"), found.items("vpcSecurityGroupIds")
        )

    @property
    def cache(self) -> Interface | None:
        """The cache's nodes, which have no public addresses."""
        found = self.only(CACHE)
        if found is None:
            return None
        subnets = self._subnet_ids(CACHE_SUBNETS, found.text("subnetGroupName"))
        return self.net.placed(found.label, subnets, found.items("securityGroupIds"))

    def of_endpoint(self, endpoint: Resource) -> Interface:
        """Return the interfaces of an interface endpoint."""
        return self.net.placed(
            endpoint.label, endpoint.items("subnetIds"), endpoint.items("securityGroupIds")
        )

    def named(self, name: str) -> Interface | None:
        """Return the host to which AWS gave a name."""
        return self._named.get(name)

    @cached_property
    def _named(self) -> dict[str, Interface]:
        return {name: host for name, host in self._names() if name and host is not None}

    def _names(self) -> Iterator[tuple[str, Interface | None]]:
        for kind, output, host in (
            (LOAD_BALANCER, "dnsName", self.balancer),
            (DATABASE, "address", self.database),
            (PROXY, "endpoint", self.proxy),
            (CACHE, "primaryEndpointAddress", self.cache),
        ):
            found = self.only(kind)
            yield (found.output(output) if found else ""), host

    def _subnet_ids(self, kind: str, name: str) -> list[str]:
        groups = (
            one for one in self.graph.of(kind) if name in (one.output("name"), one.text("name"))
        )
        return [subnet for group in groups for subnet in group.items("subnetIds")]
