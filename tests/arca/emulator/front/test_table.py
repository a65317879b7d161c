"""The routing table: what a listener does with a request."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arca.emulator.front.actions import FixedResponse, Forward, Redirect
from arca.emulator.front.conditions import HttpRequest, UnsupportedRule, matches
from arca.emulator.front.table import Target, eligible
from tests.arca.emulator.front.answers import (
    BALANCER,
    BLUE,
    GREEN,
    LISTENER,
    forward,
    health,
    host,
    path,
    rule,
    table,
)


def decided(rules: list[dict[str, Any]], **request: Any) -> Any:
    """Return the priority of the rule that decides about a request."""
    listener = table(rules).balancers[0].listeners[0]
    return listener.rule(HttpRequest(**request)).priority


PRIORITIES = st.lists(st.integers(1, 50_000), unique=True, min_size=1, max_size=8)


@given(PRIORITIES, st.data())
def test_the_lowest_number_that_matches_decides(priorities: list[int], data: st.DataObject) -> None:
    """The order of the API's answer does not matter."""
    matching = {one: data.draw(st.booleans()) for one in priorities}
    rules = [rule(one, path("/yes" if match else "/no")) for one, match in matching.items()]
    wanted = min((one for one, match in matching.items() if match), default=float("inf"))
    assert decided([*rules, rule("default")], path="/yes") == wanted


@pytest.mark.parametrize(
    ("condition", "holds", "holds_not"),
    [
        (host("api.example"), {"host": "API.example:443"}, {"host": "api.example.com"}),
        (host("*.example"), {"host": "a.b.example"}, {"host": "example"}),
        (host("api-?.example"), {"host": "api-1.example"}, {"host": "api-12.example"}),
        (path("/v1/*"), {"path": "/v1/a/b"}, {"path": "/V1/a"}),
        (path("/[v]1"), {"path": "/[v]1"}, {"path": "/v1"}),
        (
            {"Field": "path-pattern", "Values": ["/old"]},
            {"path": "/old"},
            {"path": "/old", "query": "", "host": "x"} | {"path": "/older"},
        ),
        (
            {
                "Field": "http-header",
                "HttpHeaderConfig": {"HttpHeaderName": "X-Who", "Values": ["me*"]},
            },
            {"headers": [("x-who", "you"), ("X-WHO", "Me too")]},
            {"headers": [("x-else", "me")]},
        ),
        (
            {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["POST"]}},
            {"method": "POST"},
            {"method": "post"},
        ),
        (
            {
                "Field": "query-string",
                "QueryStringConfig": {"Values": [{"Key": "a", "Value": "x*"}, {"Value": "y"}]},
            },
            {"query": "b=Y"},
            {"query": "b=x1&a="},
        ),
        (
            {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.1.0.0/16", "::1/128"]}},
            {"source": "10.1.2.3"},
            {"source": "10.2.2.3"},
        ),
    ],
)
def test_each_kind_of_condition(
    condition: dict[str, Any], holds: dict[str, Any], holds_not: dict[str, Any]
) -> None:
    """Each holds for one request and not for another."""
    rules = [rule(7, condition)]
    assert decided(rules, **holds) == 7
    assert decided(rules, **holds_not) == float("inf")


def test_all_conditions_of_a_rule_must_hold() -> None:
    """A rule with a host and a path needs both."""
    rules = [rule(7, host("a.example"), path("/x"))]
    assert decided(rules, host="a.example", path="/x") == 7
    assert decided(rules, host="a.example", path="/y") == float("inf")
    assert decided(rules, host="b.example", path="/x") == float("inf")


@given(st.text(alphabet="ab*?/", max_size=8), st.text(alphabet="ab/", max_size=8))
def test_patterns_agree_with_a_simple_matcher(pattern: str, text: str) -> None:
    """A star is any text, a question mark one character, all else itself."""

    def simple(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return any(simple(pattern[1:], text[n:]) for n in range(len(text) + 1))
        return bool(text) and pattern[0] in ("?", text[0]) and simple(pattern[1:], text[1:])

    assert matches(pattern, text, exact_case=True) == simple(pattern, text)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (rule(1, {"Field": "jwt-validation"}), "condition of the kind 'jwt-validation'"),
        (
            rule(1, {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/a"]}}),
            "has RegexValues",
        ),
        (rule(1, {"Field": "path-pattern", "PathPatternConfig": {"Values": []}}), "no value"),
        (rule(1, Actions=[{"Type": "authenticate-oidc"}, forward(blue=1)]), "2 actions"),
        (rule(1, Actions=[{"Type": "jwt-validation"}]), "type 'jwt-validation'"),
        (rule(1, Transforms=[{"Type": "url-rewrite"}]), "rewrites"),
        (
            rule(
                1,
                Actions=[
                    {
                        "Type": "forward",
                        "ForwardConfig": {
                            "TargetGroups": [{"TargetGroupArn": BLUE}],
                            "TargetGroupStickinessConfig": {"Enabled": True},
                        },
                    }
                ],
            ),
            "stickiness",
        ),
    ],
)
def test_what_the_front_cannot_follow_is_refused(broken: dict[str, Any], why: str) -> None:
    """The listener's requests are refused with the rule's ARN; none is routed by a guess."""
    listener = table([broken, rule(2)]).balancers[0].listeners[0]
    with pytest.raises(UnsupportedRule, match=why) as caught:
        listener.rule(HttpRequest())
    assert caught.value.where == f"{LISTENER}/rule-1"


def test_actions() -> None:
    """A weight that is not given is 1, and the older form names one group."""
    short = {"Type": "forward", "TargetGroupArn": BLUE}
    unweighted = {"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": BLUE}]}}
    answer = {
        "Type": "fixed-response",
        "FixedResponseConfig": {
            "StatusCode": "503",
            "MessageBody": "fenced",
            "ContentType": "text/html",
        },
    }
    wanted = {
        1: (forward(blue=90, green=10), Forward(((BLUE, 90), (GREEN, 10)))),
        2: (short, Forward(((BLUE, 1),))),
        3: (unweighted, Forward(((BLUE, 1),))),
        4: (answer, FixedResponse(503, "fenced", "text/html")),
    }
    rules = [rule(number, Actions=[action]) for number, (action, _) in wanted.items()]
    found = {one.priority: one.action for one in table(rules).balancers[0].listeners[0].rules}
    assert {number: found[number] for number in wanted} == {
        number: action for number, (_, action) in wanted.items()
    }
    assert found[float("inf")] == FixedResponse(421, "", "text/plain")


def test_a_redirect_fills_in_the_parts_of_the_request() -> None:
    """The parts that are not named stay those of the request."""
    config = {"Host": "new.#{host}", "Path": "/v2/#{path}", "StatusCode": "HTTP_301"}
    rules = [rule(1, Actions=[{"Type": "redirect", "RedirectConfig": config}])]
    action = table(rules).balancers[0].listeners[0].rules[0].action
    assert isinstance(action, Redirect)
    assert action.status == 301
    request = HttpRequest(host="Api.example:443", path="/a/b", query="c=d")
    assert action.location(request) == "https://new.api.example:443/v2/a/b?c=d"


def test_only_healthy_targets_get_requests() -> None:
    """Where all are unhealthy, all do: the load balancer fails open."""
    mixed = health(p1="healthy", p2="unhealthy", p3="draining", p4="initial", p5="unused")
    assert eligible(mixed) == (Target("127.0.0.1", 1),)
    assert eligible(health(p1="unhealthy", p2="unhealthy")) == (
        Target("127.0.0.1", 1),
        Target("127.0.0.1", 2),
    )
    assert eligible(health(p1="unhealthy", p2="initial")) == ()
    assert eligible(()) == ()


def test_attributes_and_names() -> None:
    """Attributes come from the API, and a name in DNS has no case."""
    made = table(
        targets={BLUE: health(p1="healthy")},
        attributes={
            BALANCER: {
                "idle_timeout.timeout_seconds": "7",
                "routing.http.drop_invalid_header_fields.enabled": "true",
            },
            BLUE: {"load_balancing.algorithm.type": "least_outstanding_requests"},
        },
    )
    balancer = made.balancer("b.elb.amazonaws.com")
    assert balancer is not None
    assert (balancer.idle_seconds, balancer.drops_invalid_headers) == (7, True)
    assert made.groups[BLUE].algorithm == "least_outstanding_requests"
    assert made.groups[BLUE].name == "blue"
    assert balancer.listener(444) is None
