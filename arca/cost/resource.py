"""A declared resource and the stack around it, as the estimate reads them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arca.cost.traffic import Traffic


@dataclass(frozen=True)
class Resource:
    """A resource that a provider creates; inputs have their wire names (camelCase)."""

    type: str
    name: str
    component: str
    inputs: Mapping[str, Any]

    def number(self, key: str, default: float = 0) -> float:
        """Return a number among the inputs, which may be written as text."""
        return float(self.inputs.get(key) or default)

    def text(self, key: str) -> str:
        """Return a text among the inputs; empty where there is none."""
        return str(self.inputs.get(key) or "")

    def below(self, key: str) -> Mapping[str, Any]:
        """Return a section among the inputs; empty where there is none."""
        return self.inputs.get(key) or {}

    def items(self, key: str) -> Sequence[Any]:
        """Return a list among the inputs; empty where there is none."""
        return self.inputs.get(key) or ()


@dataclass(frozen=True)
class Graph:
    """The resources of a stack, and what the graph itself does not say."""

    stack: str
    region: str
    resources: tuple[Resource, ...]
    traffic: Traffic
    plan: str
    """Cloudflare's plan of the zone: free, pro, business or enterprise."""
    primary: "Graph | None" = None
    """The graph of the stack that this one replicates."""

    def of(self, kind: str) -> Iterator[Resource]:
        """Yield the resources of a type."""
        return (one for one in self.resources if one.type == kind)
