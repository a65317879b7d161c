"""What stacks need of quotas: the real ones by their settings, and planted changes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arca.graph import Graph, Resource
from arca.quotas.needs import DIRECTIONS, FOREIGN_LIST_RULES, Need, needs, totals
from arca.quotas.table import (
    ADDRESSES,
    LOG_POLICIES,
    ON_DEMAND_VCPU,
    QUOTAS,
    RULES,
    SPOT_VCPU,
    VPCS,
    Quota,
)
from settings.model import Settings
from tests.arca.cost.graphs import stack_graph
from tests.arca.reach.graphs import add, change, find
from tests.stacks import STACKS, settings_of

LOAD_BALANCER = "access-load-balancer"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
SCALED: Mapping[str, Any] = {
    "service.cpu": 512,
    "service.memory_mib": 1024,
    "service.scaling": {"min_tasks": 2, "max_tasks": 10},
    "service.fargate": {"on_demand_base": 1, "on_demand_weight": 1, "spot_weight": 1},
    "service.deployment": {"strategy": "blue-green", "bake_minutes": 10},
}
"""Ten tasks of half a virtual CPU, on both providers."""


def amounts(graph: Graph) -> dict[tuple[str, Quota], float]:
    """Return what a stack needs, by region and quota."""
    found = needs(graph)
    by_place = {(need.region, need.quota): need.amount for need in found}
    assert len(by_place) == len(found)
    return by_place


def why(graph: Graph, quota: Quota) -> str:
    """Return the reason for a stack's need of a quota."""
    (found,) = (need for need in needs(graph) if need.quota is quota)
    return found.why


def serving(stack: str) -> Graph:
    """Return a real stack as it serves."""
    secondary = settings_of(stack).secondary
    return stack_graph(stack, {"recovery.phase": "active"} if secondary else {})


def expected_vcpus(settings: Settings) -> float:
    """Return the virtual CPUs of the service in a release, by the settings alone."""
    service = settings.service
    schedules = [schedule.max_tasks or 0 for schedule in service.scaling.schedules]
    most = max(service.scaling.max_tasks, *schedules, 0)
    return most * 2 * service.cpu / 1024


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_needs_what_its_settings_say(stack: str) -> None:
    """Each figure follows from the stack's file; nothing here reads the graph."""
    settings, found = settings_of(stack), amounts(serving(stack))
    here = settings.region
    one_off = settings.service.cpu / 1024
    spot = expected_vcpus(settings) if settings.service.fargate.spot_weight else 0
    assert found[here, ON_DEMAND_VCPU] == expected_vcpus(settings) + one_off
    assert found.get((here, SPOT_VCPU), 0) == spot
    zones = len(settings.network.zones)
    addresses = {"none": 0, "single": 1, "per-zone": zones, "regional": zones}
    assert found.get((here, ADDRESSES), 0) == addresses[settings.network.nat]
    assert found[here, VPCS] == 1
    # Cloudflare's ranges in two prefix lists of 20 and 12 entries, and the test port from NAT.
    assert found[here, RULES] == 20 + 12 + addresses[settings.network.nat]
    assert found[here, LOG_POLICIES] == 1
    assert {region for region, _ in found} == {here}


@pytest.mark.parametrize("stack", STACKS)
def test_no_other_resource_has_rules(stack: str) -> None:
    """A group with rules of its own would hide them from the count."""
    kinds = {one.type for one in stack_graph(stack).resources if "ecurityGroup" in one.type}
    default = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
    assert kinds == {"aws:ec2/securityGroup:SecurityGroup", default, *DIRECTIONS}
    for kind in kinds - set(DIRECTIONS):
        for group in stack_graph(stack).of(kind):
            assert not group.items("ingress")
            assert not group.items("egress")


def test_a_release_doubles_the_tasks() -> None:
    """Ten tasks of 0.5 vCPU, twice; migrations of 0.5 vCPU are on demand, whatever the mix is."""
    graph = stack_graph("staging", SCALED)
    found = amounts(graph)
    assert found[graph.region, ON_DEMAND_VCPU] == 10 * 0.5 * 2 + 0.5
    assert found[graph.region, SPOT_VCPU] == 10 * 0.5 * 2
    assert why(graph, SPOT_VCPU) == "10 tasks of 0.5 vCPU, twice during a release"


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["rolling", "blue-green", "canary", "linear"])
def test_each_strategy_runs_both_revisions(strategy: str) -> None:
    """A rolling release runs up to 200%, which is what the program declares."""
    graph = stack_graph("staging", {**SCALED, "service.deployment": {"strategy": strategy}})
    assert amounts(graph)[graph.region, SPOT_VCPU] == 10
    rolling = "up to 200%" if strategy == "rolling" else "twice"
    assert f"{rolling} during a release" in why(graph, SPOT_VCPU)


@pytest.mark.slow
@pytest.mark.parametrize(("percent", "tasks"), [(100, 10), (150, 15), (125, 12)])
def test_a_rolling_release_keeps_its_maximum(percent: int, tasks: int) -> None:
    """ECS rounds the maximum down to whole tasks."""
    graph = stack_graph("staging", {**SCALED, "service.deployment": {"strategy": "rolling"}})
    service = graph.exports["service"]
    configuration = {**service["deployment_configuration"], "maximumPercent": percent}
    exports = {"service": {**service, "deployment_configuration": configuration}}
    found = amounts(replace(graph, exports=exports))
    assert found[graph.region, SPOT_VCPU] == tasks * 0.5


@pytest.mark.slow
def test_a_schedule_counts() -> None:
    """It may set a higher limit than the load has."""
    night = {"name": "closing", "schedule": "cron(0 20 L * ? *)", "timezone": "UTC"}
    scaling = {
        **SCALED["service.scaling"],
        "schedules": [{**night, "min_tasks": 20, "max_tasks": 40}],
    }
    graph = stack_graph("staging", {**SCALED, "service.scaling": scaling})
    assert amounts(graph)[graph.region, SPOT_VCPU] == 40 * 0.5 * 2


@pytest.mark.slow
def test_a_service_that_does_not_vary() -> None:
    """Its own number counts; no other scalable target does."""
    graph = change("Target", "service", resourceId="service/other/api", maxCapacity=90)(
        change("Service", "service", desiredCount=3)(stack_graph("staging", SCALED))
    )
    assert amounts(graph)[graph.region, SPOT_VCPU] == 3 * 0.5 * 2


@pytest.mark.slow
def test_only_a_provider_that_may_get_tasks_counts() -> None:
    """Spot alone leaves the one-off task on demand, and on demand alone needs no Spot."""
    fargate = {"on_demand_base": 0, "on_demand_weight": 0, "spot_weight": 1}
    graph = stack_graph("dev", {**SCALED, "service.fargate": fargate})
    assert amounts(graph)[graph.region, ON_DEMAND_VCPU] == 0.5
    assert why(graph, ON_DEMAND_VCPU) == "a one-off task of 0.5 vCPU"
    fargate = {"on_demand_base": 2, "on_demand_weight": 0, "spot_weight": 1}
    graph = stack_graph("dev", {**SCALED, "service.fargate": fargate})
    assert amounts(graph)[graph.region, ON_DEMAND_VCPU] == 10.5
    fargate = {"on_demand_base": 0, "on_demand_weight": 1, "spot_weight": 0}
    graph = stack_graph("dev", {**SCALED, "service.fargate": fargate})
    assert (graph.region, SPOT_VCPU) not in amounts(graph)


def test_a_standby_counts_as_it_serves() -> None:
    """On standby it has few tasks and one NAT gateway, so the phase decides the figures."""
    settings = settings_of("dr")
    active, standby = (
        stack_graph("dr", {"network.nat": "per-zone", "recovery.phase": phase})
        for phase in ("active", "standby")
    )
    size, zones = settings.service.cpu / 1024, len(settings.network.zones)
    warm = max(settings.recovery.warm_tasks, 1)
    assert amounts(active)[active.region, ON_DEMAND_VCPU] == expected_vcpus(settings) + size
    assert amounts(active)[active.region, ADDRESSES] == zones
    assert amounts(standby)[standby.region, ON_DEMAND_VCPU] == warm * 2 * size + size
    assert amounts(standby)[standby.region, ADDRESSES] == 1


@pytest.mark.slow
@pytest.mark.parametrize(("nat", "count"), [("single", 1), ("per-zone", 3), ("regional", 3)])
def test_addresses_follow_the_zones(nat: str, count: int) -> None:
    """Each NAT gateway has one; a regional one has one in each zone."""
    zones = {"network.zones": ["a", "b", "c"], "network.nat": nat}
    graph = stack_graph("staging", zones)
    found = amounts(graph)
    assert found[graph.region, ADDRESSES] == count
    # The test port accepts each of these addresses.
    assert found[graph.region, RULES] == 20 + 12 + count


def test_another_region_is_counted_there() -> None:
    """A resource may name a region of its own."""
    graph = add(lambda _: Resource("aws:ec2/eip:Eip", "far", "part", {"region": "eu-west-1"}))(
        stack_graph("staging", {"network.nat": "single"})
    )
    found = amounts(graph)
    assert found["eu-west-1", ADDRESSES] == 1
    assert found[graph.region, ADDRESSES] == 1


def rule(kind: str = INGRESS, group: str = LOAD_BALANCER, **peer: str) -> Any:
    """Return an edit that adds a rule to a group."""

    def made(graph: Graph) -> Resource:
        inputs = {"securityGroupId": find(graph, "SecurityGroup", group).id, **peer}
        return Resource(kind, f"planted-{len(graph.resources)}", "access", inputs)

    return add(made)


def test_another_rule_counts_in_its_family_and_direction() -> None:
    """The fullest count is that of IPv4 into the load balancer's group."""
    graph = stack_graph("staging", {"network.nat": "single"})
    before = amounts(graph)[graph.region, RULES]
    inbound = rule(cidrIpv4="10.0.0.0/8")(graph)
    assert amounts(inbound)[graph.region, RULES] == before + 1
    assert why(inbound, RULES) == f"inbound of {LOAD_BALANCER}, IPv4"
    for other in (
        rule(cidrIpv6="fc00::/7"),
        rule(EGRESS, cidrIpv4="10.0.0.0/8"),
        rule(cidrIpv4="10.0.0.0/8", group="access-service"),
    ):
        assert amounts(other(graph))[graph.region, RULES] == before
    both = rule(referencedSecurityGroupId="sg-1")(graph)
    assert amounts(both)[graph.region, RULES] == before + 1


def test_a_prefix_list_counts_with_its_maximum() -> None:
    """Eight entries more count at once, though the list has as many entries as before."""
    graph = stack_graph("staging")
    before = amounts(graph)[graph.region, RULES]
    name = "access-cloudflare-ipv4"
    most = find(graph, "ManagedPrefixList", name).number("maxEntries")
    grown = change("ManagedPrefixList", name, maxEntries=most + 8)(graph)
    assert amounts(grown)[graph.region, RULES] == before + 8


def test_a_foreign_prefix_list_counts_with_the_most() -> None:
    """The graph does not say how heavy a list of AWS's own is."""
    graph = rule(prefixListId="pl-6ea54007", group="access-cache")(stack_graph("staging"))
    # It stands beside the service's rule.
    assert amounts(graph)[graph.region, RULES] == FOREIGN_LIST_RULES + 1
    assert why(graph, RULES).startswith("inbound of access-cache")
    # Nor does it say of which family the list is, so it counts for both.
    wider = rule(cidrIpv6="fc00::/7", group="access-cache")(graph)
    assert amounts(wider)[graph.region, RULES] == FOREIGN_LIST_RULES + 2
    assert why(wider, RULES) == "inbound of access-cache, IPv6"


def test_a_policy_of_one_log_group_counts_elsewhere() -> None:
    """Ten is the limit of the account's own policies."""
    graph = stack_graph("staging")
    group = "arn:aws:logs:sa-east-1:000000000000:log-group:/one"
    bound = change("LogResourcePolicy", "observability-events", resourceArn=group)(graph)
    assert amounts(graph)[graph.region, LOG_POLICIES] == 1
    assert (graph.region, LOG_POLICIES) not in amounts(bound)


def test_a_graph_without_a_service_needs_no_vcpus() -> None:
    """Nor does it raise."""
    graph = replace(stack_graph("staging"), exports={})
    assert {quota for _, quota in amounts(graph)} & {ON_DEMAND_VCPU, SPOT_VCPU} == set()


def test_needs_are_in_the_tables_order() -> None:
    """So that two runs print the same."""
    found = [need.quota for need in needs(serving("staging"))]
    assert found == [quota for quota in QUOTAS if quota in found]


NEEDS = st.lists(
    st.builds(
        Need,
        stack=st.sampled_from(["dev", "staging", "prod", "dr"]),
        region=st.sampled_from(["sa-east-1", "us-east-1"]),
        quota=st.sampled_from(QUOTAS),
        amount=st.integers(1, 100),
        why=st.just("because"),
    ),
    unique_by=lambda need: (need.stack, need.region, need.quota),
)


@given(NEEDS)
def test_a_total_is_the_sum_or_the_most(found: list[Need]) -> None:
    """Nothing is lost, counted twice or mixed, whatever the order."""
    summed = totals(found)
    assert summed == totals(reversed(found))
    assert sorted(str(n) for total in summed for n in total.needs) == sorted(map(str, found))
    for total in summed:
        parts = [n.amount for n in found if (n.quota, n.region) == (total.quota, total.region)]
        assert total.amount == (max(parts) if total.quota is RULES else sum(parts))


@given(st.integers(1, 9), st.sampled_from(QUOTAS))
def test_stacks_that_are_alike_add_up(count: int, quota: Quota) -> None:
    """The pattern stands in the names too, so that each of them is recognized."""
    one = Need("review-1", "sa-east-1", quota, 2, "two", frozenset({"arca-review-1-events"}))
    found = one.times(count, "review-*", "each")
    assert found.amount == (2 if quota is RULES else 2 * count)
    assert (found.stack, found.names) == ("review-*", {"arca-review-*-events"})
