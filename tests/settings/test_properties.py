"""Whole graphs for many accepted settings, and the settings that have no default."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arca import stackfile
from arca.outputs import Outputs
from settings.model import Settings
from tests.changes import changed
from tests.graph import declare
from tests.invariants import broken

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
        "cache": st.sampled_from(
            [
                {"nodes": 2, "multi_az": True},
                {"nodes": 2, "multi_az": True, "engine": "redis", "engine_version": "7.1"},
            ]
        ),
        "load_balancer": st.sampled_from([{}, {"mutual_tls": False}]),
        "edge": st.sampled_from([{}, {"managed_waf": False, "cache_paths": []}]),
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
@settings(max_examples=15)
@given(accepted)
def test_any_accepted_settings_keep_the_invariants(changes: dict[str, Any]) -> None:
    """Every accepted combination keeps the invariants and the contract."""
    graph = declare("staging", changed("staging", changes))
    assert broken(graph, protected=changes["protected"] == "true") == []
    Outputs.model_validate(graph.outputs)


def test_the_sections_have_defaults_but_for_what_identifies_the_stack() -> None:
    """A stack's file needs only stage, region and owner."""
    required = {name for name, field in Settings.model_fields.items() if field.is_required()}
    assert required == {"stage", "region", "owner"}
    config = {
        key: value
        for key, value in stackfile.stack_config("dev").items()
        if key.split(":")[1] in required
    }
    assert json.loads(config["arca-api:owner"])
    assert broken(declare("dev", config), protected=False) == []
