"""The places of the platform: who asks, and who is asked at which port."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any
from urllib.parse import urlsplit

from arca.graph import Graph
from arca.naming import TEST_PORT
from arca.reach.answer import Blocked, Walk
from arca.reach.hosts import CACHE, DATABASE, LOAD_BALANCER, PROXY, SERVICE, Hosts
from arca.reach.listeners import Request
from arca.reach.names import PUBLIC_REGISTRY, TAX_AGENCY, resolve, service_name
from arca.reach.network import Destination, Interface, Outside
from arca.reach.requests import (
    CLOUDFLARE,
    HTTPS,
    TASK_DEFINITION,
    ask,
    ask_balancer,
    listening,
    presents_certificate,
)
from arca.reach.transport import carry

CANARY = "aws:synthetics/canary:Canary"
HEALTH_CHECK = "aws:route53/healthCheck:HealthCheck"
CUSTOMER = Outside("customer", IPv4Address("203.0.113.10"))
CHECKER = Outside("Route 53's checker", IPv4Address("203.0.113.20"))
PROBE = Outside("probe", IPv4Address("203.0.113.30"))
OTHER_ZONE = Outside("Cloudflare, for another zone", CLOUDFLARE.address)
"""Addresses of RFC 5737 stand for hosts that may have any address."""

Walker = Callable[[Hosts, "Source"], Walk[None]]


@dataclass(frozen=True)
class Source:
    """A place that opens connections."""

    name: str
    text: str
    host: Callable[[Hosts], Interface | Outside | None]
    """Where it is; None where the stack has none."""
    owner: str = ""
    """The type of the resource that it stands for, if it is one."""


@dataclass(frozen=True)
class Target:
    """A place that is asked, at a port that does not come from the graph: it is what is needed."""

    name: str
    text: str
    port: int
    walk: Walker
    inside: bool = True
    """Whether it is of this stack. Two places outside of it are none of the graph's business."""
    there: Callable[[Graph], bool] = lambda _: True
    """Whether the stack has it, or asks it."""


def _always(host: Outside) -> Callable[[Hosts], Outside]:
    return lambda _: host


SOURCES: Mapping[str, Source] = {
    one.name: one
    for one in (
        Source("customer", "any host on the internet", _always(CUSTOMER)),
        Source("other-cloudflare-zone", "Cloudflare for another customer", _always(OTHER_ZONE)),
        Source("cloudflare", "Cloudflare for our zone", _always(CLOUDFLARE)),
        Source(
            "route53-health-checker",
            "Route 53's checkers of the region",
            lambda hosts: CHECKER if hosts.only(HEALTH_CHECK) else None,
        ),
        Source(
            "probe",
            "the canary, which runs outside the VPC",
            lambda hosts: PROBE if hosts.only(CANARY) else None,
        ),
        Source("load-balancer", "the load balancer", lambda hosts: hosts.balancer),
        Source("service", "a task of the service", lambda hosts: hosts.service),
        Source("job", "a one-off task: smoke tests, migrations", lambda hosts: hosts.job),
        Source("database-proxy", "RDS Proxy", lambda hosts: hosts.proxy),
        Source("database", "the database", lambda hosts: hosts.database),
        Source("cache", "the cache", lambda hosts: hosts.cache),
    )
}
ALIASES: Mapping[str, str] = {
    "internet": "customer",
    "smoke-task": "job",
    "migration-task": "job",
    "tasks": "service",
    "canary": "probe",
}
"""Other names of places. All one-off tasks have the same subnets and the same group, so that the
network cannot tell a smoke test from a migration."""


def _url(key: str) -> Walker:
    """Ask a public URL of the stack's exports."""

    def walk(hosts: Hosts, source: Source) -> Walk[None]:
        url = urlsplit(_asked(hosts, source, key))
        yield from ask(hosts, _host(hosts, source), url.hostname or "", url.port or HTTPS)

    return walk


def _asked(hosts: Hosts, source: Source, key: str) -> str:
    """Return the URL that a source asks: a checker and a probe have their own settings."""
    url = str(hosts.graph.exports["edge"][key])
    canary, check = hosts.only(CANARY), hosts.only(HEALTH_CHECK)
    if source.name == "probe" and key == "url" and canary is not None:
        return str(canary.below("runConfig")["environmentVariables"]["URL"])
    if source.name == "route53-health-checker" and key == "regional_url" and check is not None:
        return f"https://{check.text('fqdn')}:{int(check.number('port', HTTPS))}"
    return url


def _production(hosts: Hosts, source: Source) -> Walk[None]:
    """Ask the balancer itself, with the public name as host."""
    host, public = _host(hosts, source), urlsplit(str(hosts.graph.exports["edge"]["url"])).hostname
    resource = hosts.only(LOAD_BALANCER)
    found = yield from resolve(hosts, resource.output("dnsName") if resource else "", host)
    certified = host is CLOUDFLARE and presents_certificate(hosts.graph)
    request = Request(HTTPS, public or "", client_certificate=certified)
    if isinstance(found, Destination):
        yield from ask_balancer(hosts, host, found, request)


def _test(hosts: Hosts, source: Source) -> Walk[None]:
    """Ask the test listener by the region's name, as a smoke test does (ADR 0019)."""
    name = str(hosts.graph.exports["edge"]["regional_origin_name"])
    yield from ask(hosts, _host(hosts, source), name, TEST_PORT)


def _service(hosts: Hosts, source: Source) -> Walk[None]:
    """Ask a task at its own address, for tasks have no name."""
    tasks, service = hosts.service, hosts.only(SERVICE)
    port = service_port(hosts.graph)
    if tasks is not None and service is not None:
        yield from carry(hosts.net, _host(hosts, source), Destination(tasks, tasks.public), port)
        yield listening(hosts.graph, service, port)


def _of(kind: str, output: str, port: int, declared: str) -> Walker:
    """Ask a resource by the name that AWS gave it."""

    def walk(hosts: Hosts, source: Source) -> Walk[None]:
        resource, host = hosts.only(kind), _host(hosts, source)
        if resource is None:
            return
        found = yield from resolve(hosts, resource.output(output), host)
        if isinstance(found, Destination):
            yield from carry(hosts.net, host, found, port)
        if declared and int(resource.number(declared)) != port:
            raise Blocked("port", resource, f"listens on {resource.number(declared):g}, not {port}")

    return walk


def _names(*names: str) -> Walker:
    """Ask hosts outside the stack; all of them must answer."""

    def walk(hosts: Hosts, source: Source) -> Walk[None]:
        host = _host(hosts, source)
        for name in names:
            found = yield from resolve(hosts, name.format(region=hosts.graph.region), host)
            if isinstance(found, Destination):
                yield from carry(hosts.net, host, found, HTTPS)

    return walk


def _host(hosts: Hosts, source: Source) -> Interface | Outside:
    found = source.host(hosts)
    if found is None:
        raise Blocked("none here", source.name, f"stack {hosts.graph.stack} has none")
    return found


def service_port(graph: Graph) -> int:
    """Return the port on which the exports say that the service listens."""
    return int(graph.exports["service"]["port"])


def _containers(graph: Graph) -> Iterator[Mapping[str, Any]]:
    for definition in graph.of(TASK_DEFINITION):
        yield from json.loads(definition.text("containerDefinitions"))


def _reads(service: str) -> Callable[[Graph], bool]:
    """Whether a container gets a variable from an AWS service before it starts."""
    beginning = f"arn:aws:{service}:"
    return lambda graph: any(
        variable["valueFrom"].startswith(beginning)
        for container in _containers(graph)
        for variable in container.get("secrets", ())
    )


def _logs(graph: Graph) -> bool:
    return any(one["logConfiguration"]["logDriver"] == "awslogs" for one in _containers(graph))


def _has(kind: str) -> Callable[[Graph], bool]:
    return lambda graph: next(graph.of(kind), None) is not None


def _collects(graph: Graph) -> bool:
    return any(one["name"] == "collector" for one in _containers(graph))


def _public_images(graph: Graph) -> bool:
    return any(one["image"].startswith(f"{PUBLIC_REGISTRY}/") for one in _containers(graph))


def _executes(graph: Graph) -> bool:
    return any(one.inputs.get("enableExecuteCommand") for one in graph.of(SERVICE))


def _aws(name: str, text: str, there: Callable[[Graph], bool], *services: str) -> Target:
    names = [service_name(one, "{region}") for one in services or (name,)]
    return Target(name, text, HTTPS, _names(*names), inside=False, there=there)


TARGETS: Mapping[str, Target] = {
    one.name: one
    for one in (
        Target("api", "a task, by the API's public name", HTTPS, _url("url")),
        Target("regional-api", "a task, by the region's public name", HTTPS, _url("regional_url")),
        Target("production-listener", "a task, by the balancer's own name", HTTPS, _production),
        Target("test-listener", "a task, by the test listener", TEST_PORT, _test),
        Target("service", "a task, by its own address", 0, _service, there=_has(SERVICE)),
        Target(
            "database-proxy", "RDS Proxy", 5432, _of(PROXY, "endpoint", 5432, ""), there=_has(PROXY)
        ),
        Target(
            "database",
            "the database",
            5432,
            _of(DATABASE, "address", 5432, "port"),
            there=_has(DATABASE),
        ),
        Target(
            "cache",
            "the cache",
            6379,
            _of(CACHE, "primaryEndpointAddress", 6379, "port"),
            there=_has(CACHE),
        ),
        _aws("ecr", "the registry's API and images", lambda _: True, "ecr.api", "ecr.dkr"),
        _aws("s3", "documents, and the layers of images", lambda _: True),
        _aws("secretsmanager", "secrets", _reads("secretsmanager")),
        _aws("ssm", "parameters", _reads("ssm")),
        _aws("logs", "CloudWatch Logs", _logs),
        _aws("xray", "traces", _collects),
        _aws("ssmmessages", "ECS Exec", _executes),
        Target(
            "public-ecr",
            "the public registry, of the collector's image",
            HTTPS,
            _names(PUBLIC_REGISTRY),
            inside=False,
            there=_public_images,
        ),
        Target(
            "tax-agency",
            "the tax agency, or any other web service",
            HTTPS,
            _names(TAX_AGENCY),
            inside=False,
        ),
    )
}
"""What tasks ask, by Amazon ECS Developer Guide, "Fargate task networking": a task's own interface
carries its image, its secrets and its logs too."""
