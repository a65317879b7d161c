"""The question itself: names of places, what the graph does not decide, and what it refuses."""

from dataclasses import replace
from typing import Any

import pytest

from arca.errors import ArcaError
from arca.graph import Resource
from arca.reach import known
from arca.reach.answer import Blocked, finish
from arca.reach.flows import verdicts
from arca.reach.listeners import Request, answer
from arca.reach.reach import reach
from arca.reach.table import BROKEN, table
from tests.arca.reach.graphs import DOMAIN, change, drop, find, graph_of


@pytest.mark.parametrize("alias", ["smoke-task", "migration-task"])
def test_every_one_off_task_is_the_same_place(alias: str) -> None:
    """The network cannot tell them apart."""
    assert reach(graph_of("whole"), alias, "database") == reach(
        graph_of("whole"), "job", "database"
    )


@pytest.mark.parametrize(
    ("source", "target", "where", "hint"),
    [
        ("custmer", "api", "FROM", "did you mean customer?"),
        ("customer", "databse", "TO", "did you mean database?"),
        ("xyzzy", "api", "FROM", "`arca explain reach`"),
        ("api", "database", "FROM", "`arca explain reach`"),
    ],
)
def test_an_unknown_place_is_one_clear_error(
    source: str, target: str, where: str, hint: str
) -> None:
    """It lists the places that are valid there."""
    with pytest.raises(ArcaError, match="There is no place") as error:
        reach(graph_of("whole"), source, target)
    assert error.value.where == where
    assert error.value.wanted.startswith("one of ")
    assert hint in error.value.do


@pytest.mark.parametrize(("source", "target"), [("customer", "tax-agency"), ("cache", "cache")])
def test_what_the_graph_does_not_decide_is_refused(source: str, target: str) -> None:
    """No answer is better than a guess."""
    with pytest.raises(ArcaError, match="The graph does not decide"):
        reach(graph_of("whole"), source, target)


@pytest.mark.parametrize(
    "stranger",
    [
        Resource("aws:ec2/vpcPeeringConnection:VpcPeeringConnection", "peer", "network", {}),
        Resource("aws:ec2/securityGroup:SecurityGroup", "inline", "access", {"ingress": [{}]}),
        Resource("aws:ec2/routeTable:RouteTable", "inline", "network", {"routes": [{}]}),
    ],
    ids=lambda one: one.name,
)
def test_a_graph_with_unknown_resources_is_refused(stranger: Resource) -> None:
    """It could change an answer unseen; the error names it."""
    graph = graph_of("dev")
    with pytest.raises(ArcaError, match=stranger.name) as error:
        reach(replace(graph, resources=(*graph.resources, stranger)), "customer", "api")
    assert "arca/reach/known.py" in error.value.do
    assert known.unknown_resources(graph) == []


@pytest.mark.parametrize(
    ("conditions", "forwards"),
    [
        ([], True),
        ([{"hostHeader": {"values": [f"API.{DOMAIN}"]}}], True),
        ([{"hostHeader": {"values": [f"*.{DOMAIN}"]}}], True),
        ([{"hostHeader": {"values": ["a.example", "b.example"]}}], False),
        ([{"pathPattern": {"values": ["/v1/*"]}}], True),
        ([{"pathPattern": {"values": ["/internal/*"]}}], False),
        ([{"pathPattern": {"values": ["/*"]}}, {"hostHeader": {"values": ["b.example"]}}], False),
    ],
)
def test_conditions_of_a_listener_rule(conditions: list[Any], *, forwards: bool) -> None:
    """All conditions of a rule must hold, and one value of each."""
    edit = change("ListenerRule", "load-balancer-production", conditions=conditions)
    graph = edit(graph_of("whole"))
    walk = answer(
        graph,
        find(graph, "LoadBalancer", "load-balancer"),
        Request(443, f"api.{DOMAIN}", client_certificate=True),
    )
    if forwards:
        assert finish(walk)[1].name == "load-balancer-blue"
        return
    with pytest.raises(Blocked) as blocked:
        finish(walk)
    assert blocked.value.obstacle.lacks.startswith("answers 421 itself; no rule forwards the host")


def test_a_condition_that_nobody_can_judge_is_no_yes() -> None:
    """For example a header that a client may or may not send."""
    conditions = [{"httpHeader": {"httpHeaderName": "x", "values": ["y"]}}]
    edit = change("ListenerRule", "load-balancer-production", conditions=conditions)
    obstacle = reach(edit(graph_of("whole")), "customer", "api").obstacle
    assert obstacle is not None
    assert "httpHeader cannot be judged here" in obstacle.lacks


def test_the_table_marks_what_is_wrong() -> None:
    """A refused flow that is needed, and an open one that nobody expects."""
    graph = change("Listener", "load-balancer-production", mutualAuthentication=None)(
        drop("SecurityGroupEgressRule", "access-service-cache-6379")(graph_of("whole"))
    )
    shown = table(verdicts(graph))
    cells = [cell for row in shown.rows for cell in row if cell.startswith(BROKEN)]
    assert sorted(cells) == [f"{BROKEN} egress rule", f"{BROKEN} open"]


def test_the_table_leaves_out_what_the_stack_does_not_have() -> None:
    """A standby has no cache, no proxy and no probe."""
    shown = table(verdicts(graph_of("dr on standby")))
    assert shown.absent == ("probe", "database-proxy", "cache", "ssmmessages")
    assert set(shown.titles).isdisjoint(shown.absent)
    assert not any(name in row[0] for name in shown.absent for row in shown.rows)
    assert all(len(row) == len(shown.titles) for row in shown.rows)
