"""The flows of every real stack: what the platform needs is reached, and nothing else."""

import pytest

from arca.reach.flows import NEEDED, OPEN, verdicts
from arca.reach.known import NOT_READ, READ, SERVICES
from arca.reach.places import ALIASES, SOURCES, TARGETS
from tests.arca.reach.graphs import COMMON, VARIANTS, answers, graph_of

every_variant = pytest.mark.parametrize(
    "variant",
    [pytest.param(name, marks=() if name in COMMON else pytest.mark.slow) for name in VARIANTS],
)


@every_variant
def test_needed_flows_are_reached_and_all_others_are_refused(variant: str) -> None:
    """A flow that is open besides has its reason in OPEN; a refused one has its obstacle."""
    found = verdicts(graph_of(variant))
    wrong = {pair: one.answer.obstacle for pair, one in found.items() if not one.kept}
    assert wrong == {}
    for one in found.values():
        if one.expected == "refused":
            assert one.answer.obstacle is not None
            assert one.answer.obstacle.lacks


@every_variant
def test_every_reached_pair_has_a_path(variant: str) -> None:
    """A path names each resource, so that a person can look at it."""
    for answer in answers(variant).values():
        if answer.reached:
            assert answer.path
        assert all(hop.resource and hop.rule for hop in answer.path)


def test_each_flow_is_real() -> None:
    """Each needed flow is needed somewhere, and each that is open besides is open somewhere."""
    graphs = [(graph_of(variant), answers(variant)) for variant in VARIANTS]
    for flow in NEEDED:
        assert any(flow.when(graph) for graph, _ in graphs), flow
    for flow in OPEN:
        pair = (flow.source, flow.target)
        assert any(flow.when(graph) and found[pair].reached for graph, found in graphs), flow


def test_no_flow_is_listed_twice_and_each_names_places() -> None:
    """Both tables name places of the matrix; a pair may be open only where it is not needed."""
    for flows in (NEEDED, OPEN):
        pairs = [(flow.source, flow.target) for flow in flows]
        assert len(pairs) == len(set(pairs))
        assert {source for source, _ in pairs} <= set(SOURCES)
        assert {target for _, target in pairs} <= set(TARGETS)
    assert set(ALIASES.values()) <= {*SOURCES, *TARGETS}
    assert set(ALIASES).isdisjoint({*SOURCES, *TARGETS})


@pytest.mark.parametrize(
    ("variant", "source", "target", "cause"),
    [
        ("dr on standby", "customer", "api", "name"),
        ("dr promoting", "customer", "api", "name"),
        ("prod fenced", "customer", "api", "answer"),
        ("prod fenced", "route53-health-checker", "regional-api", "answer"),
        ("whole", "other-cloudflare-zone", "production-listener", "certificate"),
        ("whole", "customer", "production-listener", "ingress rule"),
        ("whole", "customer", "test-listener", "ingress rule"),
        ("whole", "customer", "database", "no address"),
        ("whole", "service", "test-listener", "egress rule"),
        ("whole", "job", "cache", "egress rule"),
        ("dev rolling", "job", "test-listener", "no task"),
        ("dev rolling", "service", "database-proxy", "none here"),
        ("dr on standby", "service", "cache", "none here"),
    ],
)
def test_refused_flows_have_the_obstacle_that_is_meant(
    variant: str, source: str, target: str, cause: str
) -> None:
    """Refused for the wrong reason would be luck."""
    obstacle = answers(variant)[source, target].obstacle
    assert obstacle is not None
    assert obstacle.cause == cause


def test_the_path_of_a_smoke_test_goes_out_and_back_in() -> None:
    """ADR 0019: through NAT, to the balancer's public addresses."""
    kinds = [
        hop.resource.partition(" ")[0] for hop in answers("whole")["job", "test-listener"].path
    ]
    assert kinds == [
        "DnsRecord",
        "Record",
        "LoadBalancer",
        "SecurityGroupEgressRule",
        "RouteTable",
        "NatGateway",
        "InternetGateway",
        "SecurityGroupIngressRule",
        "Listener",
        "Certificate",
        "ListenerRule",
        "Service",
        "SecurityGroupEgressRule",
        "RouteTable",
        "SecurityGroupIngressRule",
        "TaskDefinition",
    ]


@pytest.mark.parametrize(
    ("source", "target", "rule"),
    [
        ("job", "test-listener", "public"),
        ("customer", "api", "public"),
        ("service", "database", "private"),
        ("service", "cache", "private"),
    ],
)
def test_a_path_says_how_a_name_resolves(source: str, target: str, rule: str) -> None:
    """A balancer that faces the internet has public addresses inside the VPC too."""
    rules = [hop.rule for hop in answers("whole")[source, target].path]
    assert [one for one in rules if one.endswith(f" is its {rule} addresses")]


def test_endpoints_keep_traffic_inside() -> None:
    """An interface endpoint answers by private DNS, a gateway endpoint by the route table."""
    logs = answers("whole with endpoints")["service", "logs"].path
    assert logs[0].resource == "VpcEndpoint endpoints-logs"
    assert logs[-1].resource == "SecurityGroupIngressRule access-service-endpoint-443"
    for variant in ("whole", "whole with endpoints"):
        documents = answers(variant)["service", "s3"].path
        assert documents[-1].rule == "route com.amazonaws.sa-east-1.s3, to VpcEndpoint network-s3"


@every_variant
def test_each_network_resource_is_known(variant: str) -> None:
    """A type that nobody reads could change an answer unseen."""
    types = {one.type for one in graph_of(variant).resources if one.type.startswith(SERVICES)}
    assert types <= READ | NOT_READ.keys()
    assert READ.isdisjoint(NOT_READ)
