"""The edge: rules that Cloudflare sees no difference in."""

import pytest

from tests.stacks import STACKS, graph

NOTIFICATION = "cloudflare:index/notificationPolicy:NotificationPolicy"
CERTIFICATE = (
    "cloudflare:index/authenticatedOriginPullsCertificate:AuthenticatedOriginPullsCertificate"
)


def test_ask_21_cloudflare_sees_no_difference_in_order() -> None:
    """Every rule has its own reference, and another run declares the same rules in order."""
    first, second = (
        {
            node.name: node.inputs["rules"]
            for node in graph("prod", known=known).of("cloudflare:index/ruleset:Ruleset")
        }
        for known in (True, False)
    )
    assert first == second
    for rules in first.values():
        references = [rule["ref"] for rule in rules]
        assert len(references) == len(set(references))


def test_nothing_that_a_rule_can_skip_stops_route_53() -> None:
    """A challenge or a limit in front of its checks would fail the region over."""
    rules = graph("prod").one("cloudflare:index/ruleset:Ruleset", "edge-request-firewall-custom")
    skip = rules.inputs["rules"][0]["actionParameters"]
    assert skip["products"] == ["bic", "securityLevel", "uaBlock", "zoneLockdown"]
    assert {"http_ratelimit", "http_request_firewall_managed"} <= set(skip["phases"])


def test_the_notification_filters_health_checks() -> None:
    """`newHealths` belongs to load balancers' alerts."""
    policy = graph("prod").one(NOTIFICATION, "edge-region")
    assert set(policy.inputs["filters"]) == {"healthCheckIds", "statuses"}


@pytest.mark.parametrize("stack", STACKS)
def test_somebody_hears_of_the_origin_pull_certificate(stack: str) -> None:
    """It lives for a year; whoever owns the zone hears 30 days before it ends."""
    declared = graph(stack)
    found = [node for node in declared.of(NOTIFICATION) if node.name == "origin-pulls"]
    owned = declared.of(CERTIFICATE)
    assert len(found) == len(owned) == (stack != "dr")
    for policy in found:
        assert policy.inputs["alertType"] == "zone_aop_custom_certificate_expiration_type"
        assert policy.inputs["mechanisms"]["emails"][0]["id"]


def test_a_free_zone_gets_only_what_it_has() -> None:
    """Two stages come up on a zone without a plan."""
    for stack in ("dev", "staging"):
        declared = graph(stack)
        assert not declared.of("cloudflare:index/healthcheck:Healthcheck")
        phases = {node.inputs["phase"] for node in declared.of("cloudflare:index/ruleset:Ruleset")}
        assert "http_request_firewall_managed" not in phases
        limits = declared.one("cloudflare:index/ruleset:Ruleset", "edge-ratelimit").inputs["rules"]
        assert [limit["ratelimit"]["period"] for limit in limits] == [10]
