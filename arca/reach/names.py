"""Resolve a DNS name as its client does: inside the VPC, or from the internet."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from arca.graph import Graph, Resource
from arca.reach.answer import Blocked, Hop, Walk, through
from arca.reach.hosts import Hosts
from arca.reach.network import ENDPOINT, VPC, Destination, Interface, Outside

ZONE = "aws:route53/zone:Zone"
RECORD = "aws:route53/record:Record"
CLOUDFLARE_RECORD = "cloudflare:index/dnsRecord:DnsRecord"
AWS_ADDRESS = IPv4Address("198.51.100.1")
"""Stands for the public addresses of AWS's services (RFC 5737)."""
INTERNET_ADDRESS = IPv4Address("203.0.113.1")
"""Stands for the addresses of everybody else (RFC 5737)."""
TAX_AGENCY = "servicios1.afip.gov.ar"
"""The host of the tax agency's electronic invoicing (ARCA, "Web Services", WSFEv1)."""
PUBLIC_REGISTRY = "public.ecr.aws"
"""The registry of the collector's image."""
PUBLIC_NAMES = (TAX_AGENCY, PUBLIC_REGISTRY)
"""Names of others that the platform asks."""


@dataclass(frozen=True)
class Proxied:
    """A name that Cloudflare answers itself, with its own addresses."""

    name: str
    origin: str
    """The name at which Cloudflare finds the origin."""


Resolved = Destination | Proxied


def resolve(hosts: Hosts, name: str, source: Interface | Outside) -> Walk[Resolved]:
    """Walk from a name to what it stands for at a source; raises Blocked where it has no answer."""
    if isinstance(source, Interface):
        vpc = hosts.net.find(source.vpc_id)
        if vpc is None or vpc.type != VPC or not vpc.inputs.get("enableDnsSupport", True):
            raise Blocked(
                "name", vpc or source.vpc_id, f"enableDnsSupport is off; {name} stays open"
            )
        # A private zone needs both attributes (Amazon Route 53 Developer Guide, "Considerations
        # when working with a private hosted zone").
        named = bool(vpc.inputs.get("enableDnsHostnames"))
        private = _longest(_zones(hosts.graph, private_to=vpc.id), name) if named else None
        if private is not None:
            return (yield from _in_private_zone(hosts, private, name, source))
        endpoint = _private_endpoint(hosts, vpc, name)
        if endpoint is not None:
            yield through(endpoint, f"private DNS: {name} is its private addresses")
            return Destination(hosts.of_endpoint(endpoint), public=False)
    return (yield from _publicly(hosts, name, source))


def _publicly(hosts: Hosts, name: str, source: Interface | Outside) -> Walk[Resolved]:
    host = hosts.named(name)
    if host is not None:
        # A database's name gives its private address inside the VPC, a balancer's never does
        # (Amazon RDS User Guide, "Working with a DB instance in a VPC"; Elastic Load Balancing
        # User Guide, "Application Load Balancers", Scheme).
        both = host != hosts.balancer
        public = host.public and not (both and isinstance(source, Interface))
        yield Hop(host.owner, f"{name} is its {'public' if public else 'private'} addresses")
        return Destination(host, public=public)
    service = _service(name, hosts.graph.region)
    if service or name in PUBLIC_NAMES:
        yield Hop("public DNS", f"{name} is a public address")
        return Destination(Outside(name, AWS_ADDRESS if service else INTERNET_ADDRESS, service))
    for record in _cloudflare(hosts.graph, name):
        origin = record.text("content")
        if record.inputs.get("proxied"):
            yield through(record, f"{name} is Cloudflare, whose origin is {origin}")
            return Proxied(name, origin)
        yield through(record, f"{name} is {origin}, and not behind Cloudflare")
        return (yield from resolve(hosts, origin, source))
    zone = _longest(_zones(hosts.graph), name)
    if zone is not None:
        yield from _delegated(hosts.graph, zone)
        return (yield from _in_zone(hosts, zone, name, source))
    raise Blocked("name", "public DNS", f"has no record of {name}")


def _in_private_zone(hosts: Hosts, zone: Resource, name: str, source: Interface) -> Walk[Resolved]:
    """A private zone hides the public names below it.

    Source: Amazon Route 53 Developer Guide, "Considerations when working with a private hosted
    zone": where it has no record of the name, the answer is that the name does not exist.
    """
    yield through(zone, "private zone of the VPC")
    return (yield from _in_zone(hosts, zone, name, source))


def _in_zone(
    hosts: Hosts, zone: Resource, name: str, source: Interface | Outside
) -> Walk[Resolved]:
    records = [
        record
        for record in _everywhere(hosts.graph, RECORD)
        if record.text("name").rstrip(".") == name and _belongs(hosts.graph, record, zone)
    ]
    record = _chosen(hosts.graph, records)
    if record is None:
        raise Blocked("name", zone, f"has no record of {name}")
    targets = [alias["name"] for alias in record.items("aliases")] or list(record.items("records"))
    if not targets:
        raise Blocked("name", record, "names no target")
    if record.text("type") == "A" and not record.items("aliases"):
        yield through(record, f"{name} is {targets[0]}")
        return Destination(Outside(targets[0], IPv4Address(targets[0])))
    if record.items("aliases") and hosts.named(targets[0]) is None:
        lacks = f"leads {name} to {targets[0]}, which is not of stack {hosts.graph.stack}"
        raise Blocked("name", record, lacks)
    yield through(record, f"{name} is {targets[0]}")
    return (yield from resolve(hosts, targets[0], source))


def _belongs(graph: Graph, record: Resource, zone: Resource) -> bool:
    """Return whether a record is in a zone.

    A secondary's records are in its primary's zone, whose id comes with the primary's exports.
    """
    own = zone in graph.resources or record not in graph.resources
    return record.text("zoneId") == zone.output("zoneId") or not own


def _chosen(graph: Graph, records: Iterable[Resource]) -> Resource | None:
    """Return the record that answers; of a failover pair, the one that the lever chooses.

    The lever is a live state, which no graph has (ADR 0021). The phase in the stack's file stands
    for it: a secondary that is active has the traffic.
    """
    wanted = "SECONDARY" if _has_taken_over(graph) else "PRIMARY"
    for record in records:
        kinds = {policy["type"] for policy in record.items("failoverRoutingPolicies")}
        if not kinds or wanted in kinds:
            return record
    return None


def _has_taken_over(graph: Graph) -> bool:
    return (graph.exports.get("role"), graph.exports.get("phase")) == ("secondary", "active")


def _delegated(graph: Graph, zone: Resource) -> Walk[None]:
    """Walk from Cloudflare's zone to Route 53's; raises Blocked without the NS records."""
    servers = zone.outputs.get("nameServers") or ()
    for record in _cloudflare(graph, zone.text("name"), "NS"):
        if record.text("content") in servers:
            yield through(record, f"delegates {zone.text('name')} to Route 53")
            return
    lacks = f"no NS record at Cloudflare delegates {zone.text('name')} to it"
    raise Blocked("name", zone, lacks)


def _private_endpoint(hosts: Hosts, vpc: Resource, name: str) -> Resource | None:
    """Return the interface endpoint whose private DNS answers for a name.

    Both DNS attributes of the VPC must be on (AWS PrivateLink Guide, "Access an AWS service using
    an interface VPC endpoint", Private DNS; Amazon VPC User Guide, "DNS attributes for your VPC").
    """
    if not vpc.inputs.get("enableDnsHostnames", False):
        return None
    for one in hosts.graph.of(ENDPOINT):
        service = one.text("serviceName").rpartition(f"{hosts.graph.region}.")[2]
        if (
            one.text("vpcEndpointType") == "Interface"
            and one.text("vpcId") == vpc.id
            and one.inputs.get("privateDnsEnabled")
            and name == service_name(service, hosts.graph.region)
        ):
            return one
    return None


def service_name(service: str, region: str) -> str:
    """Return the name at which a client finds an AWS service in a region.

    The registries' names begin in reverse: `api.ecr` for `ecr.api` (Amazon ECR User Guide, "VPC
    endpoints").
    """
    return f"{'.'.join(reversed(service.split('.')))}.{region}.amazonaws.com"


def _service(name: str, region: str) -> str:
    """Return the AWS service at a name, as endpoints name it; empty for any other name."""
    labels = name.removesuffix(f".{region}.amazonaws.com")
    return "" if labels == name else ".".join(reversed(labels.split(".")))


def _zones(graph: Graph, *, private_to: str = "") -> Iterator[Resource]:
    for zone in _everywhere(graph, ZONE):
        vpcs = [vpc["vpcId"] for vpc in zone.items("vpcs")]
        if private_to in vpcs if private_to else not vpcs:
            yield zone


def _longest(zones: Iterable[Resource], name: str) -> Resource | None:
    holding = [zone for zone in zones if f".{name}".endswith(f".{zone.text('name')}")]
    return max(holding, key=lambda zone: len(zone.text("name")), default=None)


def _cloudflare(graph: Graph, name: str, *kinds: str) -> Iterator[Resource]:
    for record in _everywhere(graph, CLOUDFLARE_RECORD):
        if record.text("name") == name and record.text("type") in (kinds or ("A", "CNAME")):
            yield record


def _everywhere(graph: Graph, kind: str) -> Iterator[Resource]:
    """Yield the resources of a type in the stack and in its primary, which owns the zones."""
    yield from graph.of(kind)
    if graph.primary is not None:
        yield from graph.primary.of(kind)
