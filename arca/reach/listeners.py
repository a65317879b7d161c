"""What the load balancer does with a request: listener, certificates, rules, target groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from arca.graph import Graph, Resource
from arca.reach.answer import Blocked, Walk, through

LISTENER = "aws:lb/listener:Listener"
LISTENER_RULE = "aws:lb/listenerRule:ListenerRule"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"
CERTIFICATE = "aws:acm/certificate:Certificate"


@dataclass(frozen=True)
class Request:
    """An HTTPS request to the load balancer."""

    port: int
    host: str
    path: str = "/v1/status"
    client_certificate: bool = False
    """Whether the client presents the certificate that our own authority signed."""


def answer(graph: Graph, balancer: Resource, request: Request) -> Walk[Resource]:
    """Walk from a listener to the target group that gets a request.

    Raises Blocked where the balancer refuses the request or answers it itself.
    """
    listener = _listener(graph, balancer, request.port)
    yield through(listener, f"listens on {request.port}")
    certificate = _server_certificate(graph, listener)
    if not _covers(certificate, request.host):
        lacks = f"is not valid for {request.host}; it is for {', '.join(_domains(certificate))}"
        raise Blocked("certificate", certificate, lacks)
    yield through(certificate, f"is valid for {request.host}")
    if listener.below("mutualAuthentication").get("mode") == "verify":
        if not request.client_certificate:
            lacks = "verifies a client certificate of our own authority, and the client has none"
            raise Blocked("certificate", listener, lacks)
        yield through(listener, "verifies the client certificate of our Cloudflare zone")
    for rule in _rules(graph, listener):
        if all(_holds(condition, request) for condition in rule.items("conditions")):
            return (yield from _act(graph, rule, rule.items("actions"), request))
    return (yield from _act(graph, listener, listener.items("defaultActions"), request))


def _listener(graph: Graph, balancer: Resource, port: int) -> Resource:
    for one in graph.of(LISTENER):
        if one.text("loadBalancerArn") == balancer.output("arn") and one.number("port") == port:
            return one
    raise Blocked("listener", balancer, f"no listener on port {port}")


def _server_certificate(graph: Graph, listener: Resource) -> Resource:
    arn = listener.text("certificateArn")
    for one in graph.of(CERTIFICATE):
        if one.output("arn") == arn:
            return one
    raise Blocked("certificate", listener, f"its certificate {arn} is not of this stack")


def _domains(certificate: Resource) -> list[str]:
    return [certificate.text("domainName"), *certificate.items("subjectAlternativeNames")]


def _covers(certificate: Resource, host: str) -> bool:
    """Return whether a certificate is valid for a host.

    A wildcard stands for one label (AWS Certificate Manager User Guide, "AWS Certificate Manager
    public certificate characteristics and limitations", Wildcard names).
    """
    parent = f"*.{host.partition('.')[2]}"
    return any(domain in (host, parent) for domain in _domains(certificate))


def _rules(graph: Graph, listener: Resource) -> list[Resource]:
    """Return a listener's rules, the first one to try first.

    Source: Elastic Load Balancing User Guide, "Listener rules for your Application Load Balancer":
    the lowest priority first, and the default action last.
    """
    rules = (
        one for one in graph.of(LISTENER_RULE) if one.text("listenerArn") == listener.output("arn")
    )
    return sorted(rules, key=lambda one: one.number("priority"))


def _holds(condition: Mapping[str, Any], request: Request) -> bool:
    """Return whether a condition holds; host names are compared without regard to case.

    Raises Blocked for a kind of condition that is not known here, because a guess would be a lie.
    """
    match condition:
        case {"hostHeader": {"values": values}}:
            return any(fnmatchcase(request.host.lower(), str(one).lower()) for one in values)
        case {"pathPattern": {"values": values}}:
            return any(fnmatchcase(request.path, str(one)) for one in values)
        case _:
            kinds = ", ".join(condition)
            raise Blocked(
                "answer", "listener rule", f"a condition on {kinds} cannot be judged here"
            )


def _act(graph: Graph, rule: Resource, actions: Sequence[Any], request: Request) -> Walk[Resource]:
    for action in actions:
        if action["type"] == "fixed-response":
            code = action["fixedResponse"]["statusCode"]
            cause = "host" if rule.type == LISTENER else "answer"
            reason = f"; no rule forwards the host {request.host}" if rule.type == LISTENER else ""
            raise Blocked(cause, rule, f"answers {code} itself{reason}")
        if action["type"] == "forward":
            group = _target_group(graph, rule, action)
            yield through(rule, f"forwards {request.host} to {group.label}")
            return group
    raise Blocked("answer", rule, "forwards nothing")


def _target_group(graph: Graph, rule: Resource, action: Mapping[str, Any]) -> Resource:
    """Return the target group with the greatest weight.

    ECS moves the weights between the two groups; both are registered in then.
    """
    forward: Mapping[str, Any] = action.get("forward") or {}
    listed: Sequence[Mapping[str, Any]] = forward.get("targetGroups", ())
    weights = {str(one["arn"]): float(one.get("weight", 1)) for one in listed}
    if action.get("targetGroupArn"):
        weights[str(action["targetGroupArn"])] = 1
    arn = max(weights, key=lambda one: weights[one], default="")
    for one in graph.of(TARGET_GROUP):
        if one.output("arn") == arn and weights[arn] > 0:
            return one
    raise Blocked("answer", rule, "forwards to no target group with a weight")
