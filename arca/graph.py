"""A stack as data: the resources that its program declares, read without Pulumi or AWS."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Resource:
    """A resource that a provider creates; inputs and outputs have their wire names (camelCase)."""

    type: str
    name: str
    component: str
    inputs: Mapping[str, Any]
    id: str = ""
    """The id that inputs of other resources hold."""
    outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What AWS answers, simulated: ARNs, addresses and names that inputs of others hold."""
    urn: str = ""
    dependencies: frozenset[str] = frozenset()
    """The URNs of the resources that must exist before."""
    ignored: tuple[str, ...] = ()
    """Inputs whose changes Pulumi ignores."""

    @property
    def label(self) -> str:
        """Kind and logical name, as people name the resource: `Route network-private-a`."""
        return f"{self.type.rpartition(':')[2]} {self.name}"

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

    def output(self, key: str) -> str:
        """Return a text among the outputs; empty where there is none."""
        return str(self.outputs.get(key) or "")


@dataclass(frozen=True)
class Graph:
    """The resources of a stack, and its exports."""

    stack: str
    region: str
    resources: tuple[Resource, ...]
    exports: Mapping[str, Any] = field(default_factory=dict[str, Any], kw_only=True)
    primary: "Graph | None" = field(default=None, kw_only=True)
    """The graph of the stack that this one replicates."""

    def of(self, kind: str) -> Iterator[Resource]:
        """Yield the resources of a type."""
        return iter(self._by_type.get(kind, ()))

    @cached_property
    def _by_type(self) -> Mapping[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for one in self.resources:
            found.setdefault(one.type, []).append(one)
        return found
