"""DNS: which load balancer a name leads to."""

from typing import Any

import pytest

from arca.emulator.front.dns import Records, Resolver, UnresolvedName, resolve

NAME = "api.origin.example"
LEVER: dict[str, Any] = {"Type": "CALCULATED", "HealthThreshold": 0, "ChildHealthChecks": ["c"]}


def alias(target: str, **more: Any) -> dict[str, Any]:
    """Return a record of type A that leads to a load balancer."""
    asks = more.pop("asks", False)
    return {
        "Name": f"{NAME}.",
        "Type": "A",
        "AliasTarget": {"DNSName": target, "EvaluateTargetHealth": asks},
        **more,
    }


def pair(primary: str | None = "lever", secondary: str | None = None) -> list[dict[str, Any]]:
    """Return a failover pair whose halves have health checks or none."""
    halves = [("PRIMARY", "one", primary), ("SECONDARY", "two", secondary)]
    return [
        alias(target, Failover=half, **({"HealthCheckId": check} if check else {}))
        for half, target, check in halves
    ]


def test_a_single_record_answers_whatever_its_health() -> None:
    """Names have no case, and AWS may write `dualstack.` and a last dot."""
    record = alias("dualstack.One.elb.amazonaws.com.", asks=True)
    other = {**alias("two"), "Name": "api.origin.example.org."}
    assert resolve("API.origin.example", Records([other, record])) == "one.elb.amazonaws.com"


@pytest.mark.parametrize(
    ("checks", "wanted"),
    [
        ({"lever": LEVER}, "one"),
        ({"lever": {**LEVER, "Inverted": True}}, "two"),
        ({"lever": {**LEVER, "Inverted": True, "Disabled": True}}, "two"),
        ({"lever": {"Type": "HTTPS", "Disabled": True}}, "one"),
    ],
)
def test_the_lever_decides(checks: dict[str, Any], wanted: str) -> None:
    """A calculated check with a threshold of 0 is healthy until it is inverted."""
    assert resolve(NAME, Records(pair(), checks)) == wanted


def test_when_all_are_unhealthy_the_primary_answers() -> None:
    """As if all were healthy."""
    inverted = {**LEVER, "Inverted": True}
    records = Records(pair("a", "b"), {"a": inverted, "b": inverted})
    assert resolve(NAME, records) == "one"


def test_half_a_pair_answers() -> None:
    """Prod alone has the primary's half only."""
    inverted = {"lever": {**LEVER, "Inverted": True}}
    assert resolve(NAME, Records(pair()[:1], inverted)) == "one"
    assert resolve(NAME, Records(pair()[1:])) == "two"


@pytest.mark.parametrize(
    ("records", "why"),
    [
        (Records(), "no record"),
        (Records([{"Name": NAME, "Type": "A", "TTL": 60}]), "no alias"),
        (Records([alias("one"), alias("two")]), "no failover pair"),
        (Records([alias("one", Weight=1), alias("two", Weight=1)]), "no failover pair"),
        (Records(pair()), "does not exist"),
        (Records(pair(), {"lever": {"Type": "HTTPS"}}), "nobody runs"),
        (Records(pair(), {"lever": {**LEVER, "HealthThreshold": 1}}), "nobody runs"),
        (Records([alias("one", Failover="PRIMARY", asks=True)]), "load balancer's health"),
    ],
)
def test_what_cannot_be_answered_is_refused(records: Records, why: str) -> None:
    """No answer is guessed."""
    with pytest.raises(UnresolvedName, match=why):
        resolve(NAME, records)


def test_an_answer_is_kept_for_a_while() -> None:
    """A pulled lever moves the customers once the answer is too old."""
    now = [100.0]
    resolver = Resolver(cache_seconds=60, monotonic=lambda: now[0])
    with pytest.raises(UnresolvedName):
        resolver.resolve(NAME)
    resolver.records = Records(pair(), {"lever": LEVER})
    assert resolver.resolve(NAME) == "one"
    resolver.records = Records(pair(), {"lever": {**LEVER, "Inverted": True}})
    now[0] = 159.9
    assert resolver.resolve(NAME) == "one"
    now[0] = 160.0
    assert resolver.resolve(NAME) == "two"
