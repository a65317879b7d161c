"""Properties: plans and names for thousands of settings, whole graphs for some."""

import json
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arca.emulator.program import stackfile
from arca.naming import physical
from arca.outputs import Outputs
from components.network import NetworkSpec, ipv6_range, plan_subnets
from settings.model import Settings
from tests.graph import declare
from tests.invariants import broken
from tests.test_rejected import changed

LETTERS = ("a", "b", "c", "d", "e", "f")
zones = st.sets(st.sampled_from(LETTERS), min_size=2).map(lambda s: tuple(sorted(s)))


def private_range(length: int, seed: int) -> IPv4Network:
    """A range of ten-something."""
    return IPv4Network((0x0A000000 + (seed << (32 - length)) % (1 << 24), length))


cidrs = st.builds(private_range, st.integers(16, 20), st.integers(0, 255))
specs = st.builds(NetworkSpec, cidr=cidrs, zones=zones)


@given(specs)
def test_subnets_lie_within_the_vpc_and_apart(spec: NetworkSpec) -> None:
    """No two subnets of a plan share an address."""
    plans = [plan.cidr for plan in plan_subnets(spec)]
    assert all(cidr.subnet_of(spec.cidr) for cidr in plans)
    assert not any(a.overlaps(b) for a, b in combinations(plans, 2))


@given(specs, st.sampled_from(LETTERS))
def test_a_new_zone_moves_nothing(spec: NetworkSpec, letter: Any) -> None:
    """Every subnet that was there keeps its range, whatever letter is added."""
    more = spec.model_copy(update={"zones": tuple(sorted({*spec.zones, letter}))})
    before = {(plan.tier, plan.zone): plan for plan in plan_subnets(spec)}
    after = {(plan.tier, plan.zone): plan for plan in plan_subnets(more)}
    assert before.items() <= after.items()


@given(specs)
def test_ipv6_ranges_are_apart(spec: NetworkSpec) -> None:
    """Every slot has a /64 of its own in the VPC's /56."""
    ranges = [ipv6_range("2600:1f1e:abcd:ef00::/56", plan.ipv6_slot) for plan in plan_subnets(spec)]
    assert len(set(ranges)) == len(ranges)
    assert all(text.startswith("2600:1f1e:abcd:ef") for text in ranges)


names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=80)


@given(st.lists(names, min_size=2, max_size=2, unique=True), st.integers(12, 63))
def test_physical_names_are_within_limits_and_apart(pair: list[str], limit: int) -> None:
    """Two stacks that differ anywhere get names that differ, however short the limit."""
    first, second = (physical("arca", part, limit=limit) for part in pair)
    assert len(first) <= limit
    assert first == physical("arca", pair[0], limit=limit)
    assert first != second


@given(names)
def test_a_salt_changes_the_name(stack: str) -> None:
    """What forces a replacement gives the replacement a name of its own."""
    assert physical(stack, limit=32, salt="8080") != physical(stack, limit=32, salt="9090")


strategies = st.sampled_from(
    [
        {"strategy": "rolling"},
        {"strategy": "blue-green", "bake_minutes": 5},
        {"strategy": "linear", "step_percent": 20},
        {"strategy": "canary", "canary_percent": 5},
    ]
)
accepted: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "protected": st.sampled_from(["true", "false"]),
        "network.nat": st.sampled_from(["single", "per-zone", "regional"]),
        "network.zones": st.sampled_from([["a", "b"], ["a", "c"], ["a", "b", "c"]]),
        "network.ipv6": st.booleans(),
        "network.interface_endpoints": st.sampled_from([[], ["ecr.api", "logs"]]),
        "flow_logs": st.sampled_from([{}, {"enabled": False}]),
        "recovery": st.sampled_from([{}, {"replica_region": "us-east-1"}]),
        "database.read_replicas": st.integers(0, 2),
        "database.proxy": st.booleans(),
        "database.multi_az": st.booleans(),
        "database.iam_authentication": st.booleans(),
        "cache.engine": st.sampled_from(["valkey", "redis"]),
        "load_balancer": st.sampled_from([{}, {"mutual_tls": False}]),
        "edge": st.sampled_from([{}, {"managed_waf": False, "cache_paths": [], "rate_limits": []}]),
        "service.deployment": strategies,
        "service.scaling": st.sampled_from(
            [
                {"min_tasks": 2, "max_tasks": 2},
                {"min_tasks": 2, "max_tasks": 9},
                {
                    "min_tasks": 2,
                    "max_tasks": 9,
                    "schedules": [
                        {
                            "name": "closing",
                            "schedule": "cron(0 8 ? * MON-FRI *)",
                            "min_tasks": 4,
                            "max_tasks": 12,
                        }
                    ],
                },
            ]
        ),
        "service.collector": st.sampled_from([{}, {"enabled": False}]),
        "service.writable_paths": st.sampled_from([[], ["/tmp", "/var/cache/app"]]),
    }
)


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(accepted)
def test_any_accepted_settings_keep_the_invariants(changes: dict[str, Any]) -> None:
    """Whatever the settings switch on or off, nothing opens and the contract holds."""
    graph = declare("staging", changed("staging", changes))
    assert broken(graph, protected=changes["protected"] == "true") == []
    Outputs.model_validate(graph.outputs)


def test_the_sections_have_defaults_but_for_what_identifies_the_stack() -> None:
    """A stack's file needs no more than stage, region and owner."""
    required = {name for name, field in Settings.model_fields.items() if field.is_required()}
    assert required == {"stage", "region", "owner"}
    config = {
        key: value
        for key, value in stackfile.stack_config("dev").items()
        if key.split(":")[1] in required
    }
    assert json.loads(config["arca-api:owner"])
    assert broken(declare("dev", config), protected=False) == []
