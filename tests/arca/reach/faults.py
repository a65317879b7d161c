"""Planted faults: what ends with each, and by which obstacle."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from arca.graph import Graph, Resource
from tests.arca.reach.graphs import DOMAIN, Edit, add, change, drop, find

SERVED = ("ecr", "secretsmanager", "ssm", "logs", "xray")
"""The AWS services that interface endpoints can answer for."""
OUTWARD = (*SERVED, "public-ecr", "tax-agency", "api", "regional-api")
"""What tasks reach through NAT; S3 has its gateway endpoint."""
CLIENTS = (
    *("customer", "other-cloudflare-zone", "cloudflare", "route53-health-checker", "probe"),
    *("service", "job"),
)
ZONES = ("a", "b", "c")


def pairs(sources: Iterable[str], targets: Iterable[str]) -> frozenset[str]:
    """Return each source with each target."""
    return frozenset(f"{source} > {target}" for source in sources for target in targets)


API = pairs(CLIENTS, ("api",))
REGION = pairs(CLIENTS, ("regional-api",))
PRODUCTION = pairs(("cloudflare",), ("production-listener",))
SMOKE = pairs(("job",), ("test-listener",))
BALANCED = API | REGION | PRODUCTION
THROUGH_NAT = pairs(("service", "job"), OUTWARD) | SMOKE


@dataclass(frozen=True)
class Fault:
    """An edit of a graph, the flows that it ends and those that it opens."""

    name: str
    edit: Edit
    ends: frozenset[str]
    cause: str = ""
    resource: str = ""
    """The obstacle of each flow that ends; empty where they differ."""
    begins: frozenset[str] = frozenset()
    variant: str = "whole"


def _together(*edits: Edit) -> Edit:
    def edit(graph: Graph) -> Graph:
        for one in edits:
            graph = one(graph)
        return graph

    return edit


def _group_instead_of_nat(graph: Graph) -> Graph:
    """The rule of before ADR 0019."""
    job = find(graph, "SecurityGroup", "access-job").id
    names = [f"access-nat-load-balancer-8443-{zone}" for zone in ZONES]
    return change("SecurityGroupIngressRule", names, cidrIpv4=None, referencedSecurityGroupId=job)(
        graph
    )


def _nat_in_a_private_subnet(graph: Graph) -> Graph:
    private = find(graph, "Subnet", "network-private-a").id
    return change("NatGateway", "network-a", subnetId=private)(graph)


def _without_cloudflares_range(graph: Graph) -> Graph:
    listed = find(graph, "ManagedPrefixList", "access-cloudflare-ipv4").items("entries")
    kept = [entry for entry in listed if entry["cidr"] != "104.16.0.0/13"]
    return change("ManagedPrefixList", "access-cloudflare-ipv4", entries=kept)(graph)


def _without_alternate(graph: Graph) -> Graph:
    (listed,) = find(graph, "Service", "service").items("loadBalancers")
    kept = {key: value for key, value in listed.items() if key != "advancedConfiguration"}
    return change("Service", "service", loadBalancers=[kept])(graph)


def _container_elsewhere(graph: Graph) -> Graph:
    text = find(graph, "TaskDefinition", "service").text("containerDefinitions")
    containers = [{**one, "portMappings": [{"containerPort": 1}]} for one in json.loads(text)]
    return change("TaskDefinition", "service", containerDefinitions=json.dumps(containers))(graph)


def _no_weight(graph: Graph) -> Graph:
    group = find(graph, "TargetGroup", "load-balancer-blue").output("arn")
    forward = {"targetGroups": [{"arn": group, "weight": 0.0}]}
    actions = [{"type": "forward", "forward": forward}]
    return change("ListenerRule", "load-balancer-production", actions=actions)(graph)


def _acl(*entries: tuple[str, int, str, str, int, int]) -> Edit:
    """Declare a network ACL for the isolated subnets."""

    def made(graph: Graph) -> Resource:
        ids = [find(graph, "Subnet", f"network-isolated-{zone}").id for zone in ZONES]
        content: dict[str, list[dict[str, Any]]] = {"ingress": [], "egress": []}
        for direction, number, action, cidr, low, high in entries:
            content[direction].append(
                {
                    "ruleNo": float(number),
                    "action": action,
                    "protocol": "tcp",
                    "cidrBlock": cidr,
                    "fromPort": float(low),
                    "toPort": float(high),
                }
            )
        inputs = {"subnetIds": ids, **content}
        return Resource("aws:ec2/networkAcl:NetworkAcl", "planted", "network", inputs, "acl-1")

    return add(made)


def _private_zone(graph: Graph) -> Resource:
    """A private zone with the name of the origin's, and without a record."""
    zone = find(graph, "Zone", "origin-zone")
    vpc = find(graph, "Vpc", "network")
    inputs = {**zone.inputs, "vpcs": [{"vpcId": vpc.id}]}
    outputs = {**zone.outputs, "zoneId": "Z-planted"}
    return replace(zone, name="planted", id="Z-planted", inputs=inputs, outputs=outputs)


def _route(cidr: str, table: str, gateway: str) -> Edit:
    def made(graph: Graph) -> Resource:
        inputs = {
            "routeTableId": find(graph, "RouteTable", table).id,
            "destinationCidrBlock": cidr,
            "gatewayId": find(graph, "InternetGateway", gateway).id,
        }
        return Resource("aws:ec2/route:Route", "planted", "network", inputs, "r-planted")

    return add(made)


def _isolated_subnet_elsewhere(graph: Graph) -> Graph:
    cidr = find(graph, "Subnet", "network-isolated-c").text("cidrBlock")
    return _route(cidr, "network-private-a", "network")(graph)


def _ingress(group: str, **inputs: Any) -> Edit:
    def made(graph: Graph) -> Resource:
        content = {
            "securityGroupId": find(graph, "SecurityGroup", group).id,
            "ipProtocol": "tcp",
            **inputs,
        }
        kind = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
        return Resource(kind, "planted", "access", content, "sgr-planted")

    return add(made)


def _env(url: str) -> Edit:
    return change("Canary", "probe", runConfig={"environmentVariables": {"URL": url}})


EVERYWHERE = "0.0.0.0/0"
DATABASES = pairs(("service", "job", "database-proxy"), ("database",))
IN_ISOLATED = DATABASES | pairs(("service",), ("database-proxy", "cache"))
FAULTS: tuple[Fault, ...] = (
    Fault(
        "no egress rule",
        drop("SecurityGroupEgressRule", "access-service-proxy-5432"),
        pairs(("service",), ("database-proxy",)),
        "egress rule",
        "SecurityGroup access-service",
    ),
    Fault(
        "no ingress rule",
        drop("SecurityGroupIngressRule", "access-proxy-database-5432"),
        pairs(("database-proxy",), ("database",)),
        "ingress rule",
        "SecurityGroup access-database",
    ),
    Fault(
        "a rule for another port",
        change(
            "SecurityGroupIngressRule",
            "access-service-cache-6379",
            fromPort=6380.0,
            toPort=6390.0,
        ),
        pairs(("service",), ("cache",)),
        "ingress rule",
        "SecurityGroup access-cache",
    ),
    Fault(
        "a rule for another protocol",
        change("SecurityGroupEgressRule", "access-service-cache-6379", ipProtocol="udp"),
        pairs(("service",), ("cache",)),
        "egress rule",
        "SecurityGroup access-service",
    ),
    Fault(
        "a group instead of NAT's addresses",
        _group_instead_of_nat,
        SMOKE,
        "ingress rule",
        "SecurityGroup access-load-balancer",
    ),
    Fault(
        "one zone's NAT address is not let in",
        drop("SecurityGroupIngressRule", "access-nat-load-balancer-8443-c"),
        SMOKE,
        "ingress rule",
        "SecurityGroup access-load-balancer",
    ),
    Fault(
        "a prefix list without a range of Cloudflare",
        _without_cloudflares_range,
        BALANCED,
        "ingress rule",
        "SecurityGroup access-load-balancer",
    ),
    Fault(
        "no route in one zone",
        drop("Route", "network-private-b"),
        THROUGH_NAT,
        "route",
        "RouteTable network-private-b",
    ),
    Fault(
        "no NAT gateway in one zone",
        drop("NatGateway", "network-c"),
        THROUGH_NAT,
        "route",
        "Route network-private-c",
    ),
    Fault(
        "a NAT gateway without a public address",
        drop("Eip", "network-nat-a"),
        THROUGH_NAT,
        "gateway",
        "NatGateway network-a",
    ),
    Fault(
        "a NAT gateway in a private subnet",
        _nat_in_a_private_subnet,
        THROUGH_NAT,
        "route",
        "RouteTable network-private-a",
    ),
    Fault(
        "a private NAT gateway",
        change("NatGateway", "network-b", connectivityType="private"),
        THROUGH_NAT,
        "gateway",
        "NatGateway network-b",
    ),
    Fault(
        "a regional NAT gateway without an address in one zone",
        drop("Eip", "network-nat-b"),
        THROUGH_NAT,
        "gateway",
        "NatGateway network",
        variant="whole with a regional NAT",
    ),
    Fault(
        "a subnet without its route table",
        drop("RouteTableAssociation", "network-private-a"),
        THROUGH_NAT | pairs(("service", "job"), ("s3",)),
        "route",
        "RouteTable main (of network-private-a)",
    ),
    Fault(
        "a longer prefix leads elsewhere",
        _route("203.0.113.0/28", "network-private-a", "network"),
        pairs(("service", "job"), ("public-ecr", "tax-agency")),
        "no address",
        "InternetGateway network",
    ),
    Fault(
        "a route to nothing that is declared",
        change("Route", "network-public", gatewayId="igw-other"),
        BALANCED | THROUGH_NAT,
        "route",
    ),
    Fault(
        "an internet gateway of another VPC",
        change("InternetGateway", "network", vpcId="vpc-other"),
        BALANCED | THROUGH_NAT,
        "gateway",
        "InternetGateway network",
    ),
    Fault(
        "no gateway endpoint: S3 goes through NAT",
        drop("VpcEndpoint", "network-s3"),
        frozenset(),
    ),
    Fault(
        "an endpoint's group does not admit jobs",
        drop("SecurityGroupIngressRule", "access-job-endpoint-443"),
        pairs(("job",), SERVED),
        "ingress rule",
        "SecurityGroup access-endpoint",
        variant="whole with endpoints",
    ),
    Fault(
        "an endpoint without private DNS, and no NAT",
        _together(
            change("VpcEndpoint", "endpoints-logs", privateDnsEnabled=False),
            drop("Route", "network-private-a", "network-private-b", "network-private-c"),
        ),
        pairs(("service", "job"), ("logs", "public-ecr", "tax-agency", "api", "regional-api"))
        | SMOKE,
        "route",
        "RouteTable network-private-a",
        variant="whole with endpoints",
    ),
    Fault(
        "a VPC without DNS hostnames, and no NAT",
        _together(
            change("Vpc", "network", enableDnsHostnames=False),
            drop("Route", "network-private-a", "network-private-b", "network-private-c"),
        ),
        THROUGH_NAT,
        "route",
        "RouteTable network-private-a",
        variant="whole with endpoints",
    ),
    Fault(
        "a longer prefix leads out of the VPC",
        _isolated_subnet_elsewhere,
        pairs(("service",), ("database-proxy", "database", "cache"))
        | pairs(("job",), ("database",)),
        "route",
        "Route planted",
    ),
    Fault(
        "a VPC without DNS",
        change("Vpc", "network", enableDnsSupport=False),
        pairs(("service", "job"), (*OUTWARD, "s3"))
        | pairs(("service",), ("database-proxy", "database", "cache"))
        | pairs(("job",), ("database", "test-listener"))
        | pairs(("database-proxy",), ("database",)),
        "name",
        "Vpc network",
    ),
    Fault(
        "no record of the region",
        drop("Record", "origin-region"),
        REGION | SMOKE,
        "name",
        "Zone origin-zone",
    ),
    Fault(
        "no delegation",
        drop("DnsRecord", *(f"edge-delegation-{number}" for number in range(4))),
        API | REGION | SMOKE,
        "name",
        "Zone origin-zone",
    ),
    Fault(
        "a delegation to other name servers",
        change("DnsRecord", [f"edge-delegation-{number}" for number in range(4)], content="ns.x"),
        API | REGION | SMOKE,
        "name",
        "Zone origin-zone",
    ),
    Fault("one name server less", drop("DnsRecord", "edge-delegation-0"), frozenset()),
    Fault("no public name", drop("DnsRecord", "edge-api"), API, "name", "public DNS"),
    Fault(
        "a public name beside Cloudflare",
        change("DnsRecord", "edge-api", proxied=False),
        API,
    ),
    Fault(
        "a private zone hides the origin's name",
        add(_private_zone),
        SMOKE,
        "name",
        "Zone planted",
    ),
    Fault(
        "another Host condition",
        change(
            "ListenerRule",
            "load-balancer-production",
            conditions=[{"hostHeader": {"values": ["other.example"]}}],
        ),
        BALANCED,
        "host",
        "Listener load-balancer-production",
    ),
    Fault(
        "a rule before the one that forwards",
        change(
            "ListenerRule",
            "load-balancer-test",
            actions=[{"type": "fixed-response", "fixedResponse": {"statusCode": "503"}}],
        ),
        SMOKE,
        "answer",
        "ListenerRule load-balancer-test",
    ),
    Fault(
        "no weight",
        _no_weight,
        BALANCED,
        "answer",
        "ListenerRule load-balancer-production",
    ),
    Fault(
        "a test listener on another port",
        change("Listener", "load-balancer-test", port=9443.0),
        SMOKE,
        "listener",
        "LoadBalancer load-balancer",
    ),
    Fault(
        "a certificate without the origin's names",
        change("Certificate", "certificate", subjectAlternativeNames=[]),
        SMOKE,
        "certificate",
        "Certificate certificate",
    ),
    Fault(
        "a zone that presents no client certificate",
        change("AuthenticatedOriginPullsSettings", "origin-pulls", enabled=False),
        BALANCED,
        "certificate",
        "Listener load-balancer-production",
    ),
    Fault(
        "a production listener without mutual TLS",
        change("Listener", "load-balancer-production", mutualAuthentication=None),
        frozenset(),
        begins=pairs(("other-cloudflare-zone",), ("production-listener",)),
    ),
    Fault(
        "a service without a second target group",
        _without_alternate,
        SMOKE,
        "no task",
        "TargetGroup load-balancer-green",
    ),
    Fault(
        "a target group's other port",
        change("TargetGroup", "load-balancer-blue", port=9090.0),
        BALANCED,
        "egress rule",
        "SecurityGroup access-load-balancer",
    ),
    Fault(
        "a container that listens elsewhere",
        _container_elsewhere,
        BALANCED | SMOKE | pairs(("load-balancer",), ("service",)),
        "port",
        "TaskDefinition service",
    ),
    Fault(
        "a database's other port",
        change("Instance", "database", port=5433.0),
        DATABASES,
        "port",
        "Instance database",
    ),
    Fault(
        "a health check that goes round Cloudflare",
        change("HealthCheck", "origin", fqdn=f"sa-east-1.origin.{DOMAIN}"),
        pairs(("route53-health-checker",), ("regional-api",)),
        "ingress rule",
        "SecurityGroup access-load-balancer",
    ),
    Fault(
        "a health check on a port that Cloudflare does not serve",
        change("HealthCheck", "origin", port=9443.0),
        pairs(("route53-health-checker",), ("regional-api",)),
        "listener",
        "Cloudflare",
    ),
    Fault(
        "a probe of a name that nobody has",
        _env("https://other.example"),
        pairs(("probe",), ("api",)),
        "name",
        "public DNS",
    ),
    Fault(
        "an ACL that denies before it allows",
        _acl(
            ("ingress", 90, "deny", EVERYWHERE, 6379, 6379),
            ("ingress", 100, "allow", EVERYWHERE, 0, 65535),
            ("egress", 100, "allow", EVERYWHERE, 0, 65535),
        ),
        pairs(("service",), ("cache",)),
        "network ACL",
        "NetworkAcl planted",
    ),
    Fault(
        "an ACL that lets no answer out",
        _acl(
            ("ingress", 100, "allow", EVERYWHERE, 0, 65535),
            ("egress", 100, "allow", EVERYWHERE, 5432, 5432),
        ),
        IN_ISOLATED,
        "network ACL",
        "NetworkAcl planted",
    ),
    Fault(
        "a database that is open and has a public address, in subnets without a way to it",
        _together(
            change("Instance", "database", publiclyAccessible=True),
            _ingress("access-database", cidrIpv4=EVERYWHERE, fromPort=5432.0, toPort=5432.0),
        ),
        frozenset(),
    ),
    Fault(
        "the same in subnets with a way to it",
        _together(
            change("Instance", "database", publiclyAccessible=True),
            _ingress("access-database", cidrIpv4=EVERYWHERE, fromPort=5432.0, toPort=5432.0),
            _route(EVERYWHERE, "network-isolated", "network"),
        ),
        frozenset(),
        begins=pairs([one for one in CLIENTS if one not in ("service", "job")], ("database",)),
    ),
    Fault(
        "a test listener that is open to the world",
        _ingress("access-load-balancer", cidrIpv4=EVERYWHERE, fromPort=8443.0, toPort=8443.0),
        frozenset(),
        begins=pairs([one for one in CLIENTS if one not in ("service", "job")], ("test-listener",)),
    ),
    Fault(
        "any protocol and port between service and cache",
        _together(
            change(
                "SecurityGroupEgressRule",
                "access-service-cache-6379",
                ipProtocol="-1",
                fromPort=None,
                toPort=None,
            ),
            change(
                "SecurityGroupIngressRule",
                "access-service-cache-6379",
                ipProtocol="-1",
                fromPort=None,
                toPort=None,
            ),
        ),
        frozenset(),
    ),
)
