"""The estimate: sums computed by hand, and what holds for every graph."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arca.cost import price_table
from arca.cost.estimate import as_json, estimate, keys_of
from arca.cost.price_table import Prices
from arca.cost.span import Span, between
from arca.cost.traffic import Traffic
from arca.cost.usage import FREE, RULES
from arca.graph import Resource
from tests.arca.cost.graphs import planted, priced, resource, stack_graph, table
from tests.stacks import STACKS

NAT = resource("aws:ec2/natGateway:NatGateway", "nat", "network")
ADDRESS = resource("aws:ec2/eip:Eip", "nat", "network")
CACHE = resource(
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "cache",
    "cache",
    engine="valkey",
    nodeType="cache.t4g.small",
    numCacheClusters=2.0,
)
VPC = resource("aws:ec2/vpc:Vpc", "network", "network")
NODE = priced(
    "AmazonElastiCache", "NodeUsage:cache.t4g.small", 0.05, narrowed_by="cacheEngine=Valkey"
)
PRICES = table(
    priced("AmazonEC2", "NatGateway-Hours", 0.1),
    priced("AmazonEC2", "NatGateway-Bytes", 0.2),
    priced("AmazonVPC", "PublicIPv4:InUseAddress", None),
    NODE,
)


def close(found: Span | None, low: float, expected: float, high: float) -> None:
    """Compare three bounds with what was computed by hand."""
    assert found is not None
    assert (found.low, found.expected, found.high) == pytest.approx((low, expected, high))


def test_sums_by_hand() -> None:
    """A NAT gateway, two cache nodes, an address without a price, and a free VPC."""
    found = estimate(planted(NAT, ADDRESS, CACHE, VPC), PRICES)
    # 730 h * 2 nodes * 0.05
    close(found.components["cache"], 73, 73, 73)
    # 730 h * 0.1 + 1, 2 and 4 requests/s * 2 KiB * 2,628,000 s / 1,048,576 * 0.2
    close(found.components["network"], 73 + 1.0025, 73 + 2.0050, 73 + 4.0100)
    close(found.total, 147.0025, 148.0050, 150.0100)
    assert [line.what for line in found.not_priced] == ["PublicIPv4:InUseAddress"]
    assert found.not_priced_in("network") == 1
    assert not [line for line in found.lines if "Vpc" in line.resource]


def test_what_is_not_priced_is_never_zero() -> None:
    """A component of which nothing has a price has no cost, and says so in JSON."""
    found = estimate(planted(ADDRESS), PRICES)
    assert found.components == {"network": None}
    content = json.loads(json.dumps(as_json(found)))
    assert content["components"]["network"] == {"cost": None, "not_priced": 1}
    assert content["lines"][0]["cost"] is None
    assert content["lines"][0]["certainty"] == "none"
    # Neither does a row that is missing altogether.
    assert estimate(planted(ADDRESS), table()).components == {"network": None}


def test_a_price_for_another_engine_is_no_price() -> None:
    """Redis costs more than Valkey, so that neither stands for the other."""
    redis = Resource(CACHE.type, "cache", "cache", {**CACHE.inputs, "engine": "redis"})
    assert estimate(planted(redis), PRICES).components == {"cache": None}


figures = st.floats(0, 1000)
spans = st.lists(figures, min_size=3, max_size=3).map(lambda three: between(*sorted(three)))
SPANS = [name for name, field in Traffic.model_fields.items() if field.annotation is Span]
traffics = st.fixed_dictionaries(dict.fromkeys(SPANS, spans)).map(Traffic.model_validate)


# The first example records the stack.
@settings(deadline=None, max_examples=10)
@given(traffics)
def test_low_is_at_most_expected_and_that_at_most_high(traffic: Traffic) -> None:
    """For every load, each line, each component and the total."""
    graph = planted(*stack_graph("prod").resources, traffic=traffic)
    found = estimate(graph, price_table.read())
    costs = [found.total, *(line.cost for line in found.lines), *found.components.values()]
    for cost in costs:
        assert cost is None or 0 <= cost.low <= cost.expected <= cost.high


@settings(deadline=None, max_examples=10)
@given(traffics, traffics)
def test_more_load_never_costs_less(one: Traffic, other: Traffic) -> None:
    """What a stack costs does not fall when its load rises."""
    most = Traffic.model_validate(
        {name: getattr(one, name).at_least(getattr(other, name)) for name in SPANS}
    )
    resources, prices = stack_graph("dev").resources, price_table.read()
    less, more = (estimate(planted(*resources, traffic=load), prices).total for load in (one, most))
    assert less.expected <= more.expected * (1 + 1e-9)


@settings(deadline=None)
@given(st.lists(st.sampled_from([NAT, ADDRESS, CACHE, VPC]), max_size=6))
def test_components_add_up_to_the_total(resources: list[Resource]) -> None:
    """Whatever the stack declares."""
    found = estimate(planted(*resources), PRICES)
    known = [cost for cost in found.components.values() if cost is not None]
    close(
        found.total,
        sum(cost.low for cost in known),
        sum(cost.expected for cost in known),
        sum(cost.high for cost in known),
    )
    assert sum(map(found.not_priced_in, found.components)) == len(found.not_priced)


@pytest.mark.parametrize("stack", STACKS)
def test_the_table_knows_all_that_the_stacks_use(stack: str) -> None:
    """Each usage type has a row, if only one that says that no price was found."""
    prices = price_table.read()
    assert [key for key in keys_of([stack_graph(stack)]) if prices.find(key) is None] == []


@pytest.mark.parametrize("stack", STACKS)
def test_each_line_is_of_a_priced_type(stack: str) -> None:
    """Free types have no line, and each line has a cost or is listed."""
    graph = stack_graph(stack)
    found = estimate(graph, price_table.read())
    names = {
        f"{one.type.rpartition(':')[2]} {one.name}" for one in graph.resources if one.type in RULES
    }
    assert {line.resource for line in found.lines} <= names
    free = {kind.rpartition(":")[2] for kind in FREE}
    assert not {line.resource.split()[0] for line in found.lines} & free
    assert found.total.expected > 100, "a stack with NAT and a load balancer costs at least this"


def test_the_prices_are_of_the_right_region() -> None:
    """The replica of dr pays us-east-1's price, and sa-east-1's for what leaves there."""
    regions = {
        line.key.region
        for line in estimate(stack_graph("dr"), price_table.read()).lines
        if line.key and line.what != "USE1-AWS-Out-Bytes"
    }
    assert regions == {"us-east-1", "any"}


def test_an_empty_table_prices_nothing() -> None:
    """Every line is listed then, and the sum is of nothing."""
    found = estimate(stack_graph("dev"), Prices([]))
    assert len(found.not_priced) == len(found.lines) > 50
    assert set(found.components.values()) == {None}
