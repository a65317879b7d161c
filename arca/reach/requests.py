"""Follow a request by its URL: names, Cloudflare, the load balancer, a task."""

import json
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from arca.graph import Graph, Resource
from arca.reach.answer import Blocked, Hop, Walk, through
from arca.reach.hosts import LOAD_BALANCER, SERVICE, Hosts
from arca.reach.listeners import Request, answer
from arca.reach.names import Proxied, resolve
from arca.reach.network import Destination, Interface, Outside
from arca.reach.transport import carry

if TYPE_CHECKING:
    from collections.abc import Mapping

HTTPS = 443
CLOUDFLARE = Outside("Cloudflare", IPv4Address("104.16.0.1"))
"""Stands for Cloudflare's addresses (Cloudflare, "IP Ranges": 104.16.0.0/13)."""
PROXIED_PORTS = frozenset({443, 2053, 2083, 2087, 2096, 8443})
"""Ports of TLS that Cloudflare proxies, each to the same port of the origin (Cloudflare
Fundamentals, "Network ports")."""
ORIGIN_PULLS = "cloudflare:index/authenticatedOriginPullsSettings:AuthenticatedOriginPullsSettings"
TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"


def ask(hosts: Hosts, source: Interface | Outside, name: str, port: int) -> Walk[None]:
    """Walk from a client to a task, by the name that the client asks and sends as its host."""
    found = yield from resolve(hosts, name, source)
    if not isinstance(found, Proxied):
        yield from ask_balancer(hosts, source, found, Request(port, name))
        return
    if port not in PROXIED_PORTS:
        raise Blocked("listener", CLOUDFLARE.owner, f"takes no TLS on port {port}")
    yield from carry(hosts.net, source, Destination(CLOUDFLARE), port)
    origin = yield from resolve(hosts, found.origin, CLOUDFLARE)
    if isinstance(origin, Proxied):
        raise Blocked("name", CLOUDFLARE.owner, f"the origin {found.origin} is Cloudflare again")
    certified = presents_certificate(hosts.graph)
    request = Request(port, name, client_certificate=certified)
    yield from ask_balancer(hosts, CLOUDFLARE, origin, request)


def presents_certificate(graph: Graph) -> bool:
    """Return whether our zone at Cloudflare presents our client certificate to the origin.

    Source: Cloudflare SSL documentation, "Authenticated Origin Pulls", Zone-level. A secondary's
    zone is its primary's. A review stack shares dev's zone, and its listener verifies nothing.
    """
    owners = (graph, graph.primary) if graph.primary else (graph,)
    return any(one.inputs.get("enabled") for owner in owners for one in owner.of(ORIGIN_PULLS))


def ask_balancer(
    hosts: Hosts, source: Interface | Outside, found: Destination, request: Request
) -> Walk[None]:
    """Walk from a client through the load balancer to a task."""
    balancer, resource = hosts.balancer, hosts.only(LOAD_BALANCER)
    if balancer is None or resource is None or found.host != balancer:
        raise Blocked("name", found.host.owner, f"{request.host} is not the load balancer")
    yield from carry(hosts.net, source, found, request.port)
    group = yield from answer(hosts.graph, resource, request)
    yield from _to_task(hosts, balancer, group)


def _to_task(hosts: Hosts, balancer: Interface, group: Resource) -> Walk[None]:
    service, tasks = hosts.only(SERVICE), hosts.service
    if service is None or tasks is None:
        raise Blocked("no task", group, "the stack has no service")
    for one in service.items("loadBalancers"):
        advanced: Mapping[str, Any] = one.get("advancedConfiguration") or {}
        if group.output("arn") in (
            one["targetGroupArn"],
            advanced.get("alternateTargetGroupArn"),
        ):
            port = int(group.number("port"))
            yield through(service, f"registers its tasks in {group.label}, port {port}")
            yield from carry(hosts.net, balancer, Destination(tasks, public=False), port)
            yield listening(hosts.graph, service, port)
            return
    raise Blocked("no task", group, f"{service.label} registers no task in it")


def listening(graph: Graph, service: Resource, port: int) -> Hop:
    """Return the hop into the container that listens on a port; raises Blocked without one."""
    for definition in graph.of(TASK_DEFINITION):
        if definition.output("arn") == service.text("taskDefinition"):
            for container in json.loads(definition.text("containerDefinitions")):
                ports = [one["containerPort"] for one in container.get("portMappings", ())]
                if port in ports:
                    return through(definition, f"container {container['name']} listens on {port}")
            raise Blocked("port", definition, f"no container listens on {port}")
    raise Blocked("no task", service, "its task definition is not of this stack")
