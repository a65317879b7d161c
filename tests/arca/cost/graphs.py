"""Graphs for the estimate: those of the real stacks, and planted ones."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import boto3

from arca.cost.graph import LoadedGraph
from arca.cost.price_table import Key, Price, Prices
from arca.cost.span import between
from arca.cost.traffic import Traffic
from arca.graph import Resource
from tests.stacks import graph, settings_of

REGION = "sa-east-1"
LOAD = Traffic(
    requests_per_second=between(1, 2, 4),
    request_kib=between(1, 1, 1),
    outward_kib=between(1, 1, 1),
    log_kib=between(1, 1, 1),
)


def stack_graph(stack: str, changes: Mapping[str, Any] | None = None) -> LoadedGraph:
    """Return the graph of a real stack; a secondary's has its primary's beside it."""
    settings, declared = settings_of(stack), graph(stack, changes)
    primary = settings.recovery.primary_stack
    return LoadedGraph(
        stack=stack,
        region=settings.region,
        resources=tuple(
            Resource(
                one.type,
                one.name,
                one.component,
                one.inputs,
                declared.ids.get(one.urn, ""),
                declared.states[one.urn],
                one.urn,
                one.dependencies,
                one.ignore_changes,
            )
            for one in declared.custom()
        ),
        exports=declared.outputs,
        traffic=settings.traffic if settings.serving else settings.traffic.standing_by(),
        plan=settings.edge.plan,
        primary=stack_graph(primary) if primary else None,
    )


def planted(
    *resources: Resource,
    traffic: Traffic = LOAD,
    plan: str = "pro",
    primary: LoadedGraph | None = None,
) -> LoadedGraph:
    """Return a stack in sa-east-1 with these resources."""
    return LoadedGraph("planted", REGION, resources, traffic=traffic, plan=plan, primary=primary)


def resource(kind: str, name: str = "one", component: str = "part", **inputs: Any) -> Resource:
    """Return a resource with these inputs."""
    return Resource(kind, name, component, inputs)


def priced(
    service: str,
    usage_type: str,
    price: float | None,
    *,
    narrowed_by: str = "",
    region: str = REGION,
) -> Price:
    """Return a row of a table."""
    certainty = "none" if price is None else "list"
    key = Key(region, service, usage_type, narrowed_by)
    return Price(key, "hour", price, "2026-11-28", certainty, "planted")


def table(*rows: Price) -> Prices:
    """Return a table of these rows."""
    return Prices(rows)


def pricing_client() -> Any:
    """Return a client of the Price List API for botocore's stubber, which sends nothing."""
    # boto3-stubs has no types of this service here.
    make = cast("Callable[..., Any]", boto3.client)
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    return make("pricing", region_name="us-east-1", **keys)
