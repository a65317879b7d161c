"""The load balancer: its rules, its client certificates and its names."""

from tests.components.alone import alone, load_balancer
from tests.stacks import graph

RULE = "aws:lb/listenerRule:ListenerRule"


def test_ask_2_weights_that_ecs_shifts_are_left_alone() -> None:
    """The program ignores weights that ECS shifts, and declares them for rolling deployments."""
    for stack, ignored in (("prod", ("actions",)), ("staging", ("actions",)), ("dev", ())):
        assert {rule.ignore_changes for rule in graph(stack).of(RULE)} == {ignored}


def test_ask_17_the_origin_is_locked_by_ranges_and_certificate() -> None:
    """Port 443 verifies certificates of our own authority; the test listener does not."""
    listeners = {n.name: n.inputs for n in graph("prod").of("aws:lb/listener:Listener")}
    assert listeners["load-balancer-production"]["mutualAuthentication"]["mode"] == "verify"
    assert "mutualAuthentication" not in listeners["load-balancer-test"]
    bundle = (
        graph("prod")
        .one("aws:s3/bucketObjectv2:BucketObjectv2", "load-balancer-client-ca")
        .inputs["content"]
    )
    assert bundle.startswith("-----BEGIN CERTIFICATE-----")
    pulls = graph("prod").one(
        "cloudflare:index/authenticatedOriginPullsSettings:AuthenticatedOriginPullsSettings"
    )
    assert pulls.inputs["enabled"] is True


def test_ask_19_long_stack_names_fit() -> None:
    """Names of load balancer and target groups differ and have at most 32 characters."""
    own = {"network.cidr": "10.99.0.0/16", "owner.cloudflare_zone_id": "f" * 32}
    name = "a-review-stack-with-a-very-long-name-indeed"
    declared = alone(load_balancer, changes=own, stack_name=name)
    kinds = ("aws:lb/loadBalancer:LoadBalancer", "aws:lb/targetGroup:TargetGroup")
    names = [node.inputs["name"] for node in declared.of(*kinds)]
    assert len(names) == len(set(names)) == 3
    assert all(len(name) <= 32 for name in names)
