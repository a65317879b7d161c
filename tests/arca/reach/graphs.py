"""Graphs of the real stacks in every phase, and copies of them with something changed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from arca.graph import Graph, Resource
from arca.reach.answer import Answer
from arca.reach.reach import matrix
from tests.arca.cost.graphs import stack_graph
from tests.stacks import STACKS

Edit = Callable[[Graph], Graph]

ENDPOINTS = ("ecr.api", "ecr.dkr", "logs", "secretsmanager", "ssm", "xray")
"""What tasks ask of AWS beside S3, as the settings name it."""
DOMAIN = "arca-api.example"
WHOLE: Mapping[str, Any] = {
    "owner.domain": DOMAIN,
    "network.zones": ["a", "b", "c"],
    "network.nat": "per-zone",
    "network.interface_endpoints": [],
    "database.proxy": True,
    "load_balancer.mutual_tls": True,
    "service.deployment.strategy": "canary",
    "service.execute_command": False,
    "service.collector.enabled": True,
    "probe.enabled": True,
}
"""What the faults and some answers depend on, whatever the stack's file says."""
VARIANTS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    **{stack: (stack, {}) for stack in STACKS},
    "dr on standby": ("dr", {"recovery.phase": "standby", "service.execute_command": False}),
    "dr promoting": ("dr", {"recovery.phase": "promoting"}),
    "dr active": ("dr", {"recovery.phase": "active"}),
    "prod fenced": ("prod", {"recovery.phase": "fenced"}),
    "whole": ("prod", WHOLE),
    "whole with endpoints": (
        "prod",
        {**WHOLE, "network.interface_endpoints": list(ENDPOINTS)},
    ),
    "whole with a regional NAT": ("prod", {**WHOLE, "network.nat": "regional"}),
    "dev rolling": ("dev", {"service.deployment.strategy": "rolling", "database.proxy": False}),
    "review": (
        "dev",
        {
            "edge.owns_zone": False,
            "edge.health_notifications": False,
            "load_balancer.mutual_tls": False,
        },
    ),
    "dev with ECS Exec": (
        "dev",
        {"service.execute_command": True, "service.read_only_root": False},
    ),
}
"""Every real stack as its file has it, and with settings that change who reaches whom."""
COMMON = (*STACKS, "dr active", "prod fenced", "whole")
"""The variants that `make test` declares for all pairs; the others are for the long tests."""


@cache
def graph_of(variant: str) -> Graph:
    """Return a stack's graph in a variant."""
    stack, changes = VARIANTS[variant]
    return stack_graph(stack, changes)


@cache
def answers(variant: str) -> Mapping[tuple[str, str], Answer]:
    """Return the whole matrix of a variant."""
    return matrix(graph_of(variant))


def kind_of(resource: Resource) -> str:
    """Return the last word of a resource's type."""
    return resource.type.rpartition(":")[2]


def drop(kind: str, *names: str) -> Edit:
    """Remove resources by type and logical name; all of the type without names."""

    def edit(graph: Graph) -> Graph:
        kept = tuple(
            one
            for one in graph.resources
            if kind_of(one) != kind or (names and one.name not in names)
        )
        assert len(kept) < len(graph.resources), f"there is no {kind} {names}"
        return replace(graph, resources=kept)

    return edit


def change(kind: str, names: str | Iterable[str], **inputs: Any) -> Edit:
    """Change inputs of resources; None removes an input."""
    chosen = {names} if isinstance(names, str) else set(names)

    def changed(one: Resource) -> Resource:
        content = {**one.inputs, **inputs}
        return replace(
            one, inputs={key: value for key, value in content.items() if value is not None}
        )

    def edit(graph: Graph) -> Graph:
        found = {one.name for one in graph.resources if kind_of(one) == kind} & chosen
        assert found == chosen, f"there is no {kind} {chosen - found}"
        resources = (
            changed(one) if kind_of(one) == kind and one.name in chosen else one
            for one in graph.resources
        )
        return replace(graph, resources=tuple(resources))

    return edit


def add(make: Callable[[Graph], Resource]) -> Edit:
    """Add a resource that is made for the graph."""
    return lambda graph: replace(graph, resources=(*graph.resources, make(graph)))


def find(graph: Graph, kind: str, name: str) -> Resource:
    """Return a resource by type and logical name."""
    (found,) = (one for one in graph.resources if (kind_of(one), one.name) == (kind, name))
    return found
