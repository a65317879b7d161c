"""The estimate of a stack: what each resource costs a month, summed by component.

What has no price is listed beside the sum and never counts as 0.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from arca.cost.graph import LoadedGraph
from arca.cost.price_table import Key, Price, Prices
from arca.cost.span import NOTHING, Span
from arca.cost.usage import Unmeasured, Usage, usage_of
from arca.graph import Resource


@dataclass(frozen=True)
class Line:
    """A charge of a resource: its quantity, its price and its cost, as far as they are known."""

    component: str
    resource: str
    """Type and logical name."""
    what: str
    """The usage type, or what is not known."""
    key: Key | None = None
    quantity: Span | None = None
    price: Price | None = None

    @property
    def cost(self) -> Span | None:
        """US dollars a month; None where the line is not priced."""
        if self.quantity is None or self.price is None or self.price.price is None:
            return None
        return self.quantity * self.price.price


@dataclass(frozen=True)
class Estimate:
    """What a stack costs a month, in US dollars."""

    stack: str
    region: str
    lines: tuple[Line, ...]

    @property
    def total(self) -> Span:
        """The sum of what is priced; `not_priced` has the rest."""
        return _sum(line.cost for line in self.lines) or NOTHING

    @property
    def not_priced(self) -> tuple[Line, ...]:
        """The lines that have no cost, although they may be charged."""
        return tuple(line for line in self.lines if line.cost is None)

    @property
    def components(self) -> Mapping[str, Span | None]:
        """The sum of each component; None where nothing of it is priced."""
        names = sorted({line.component for line in self.lines})
        return {
            name: _sum(line.cost for line in self.lines if line.component == name) for name in names
        }

    def not_priced_in(self, component: str) -> int:
        """Return how many lines of a component are not priced."""
        return sum(1 for line in self.not_priced if line.component == component)


def estimate(graph: LoadedGraph, prices: Prices) -> Estimate:
    """Estimate a stack from its graph; a resource without a charge has no line."""
    lines = (line for resource in graph.resources for line in _lines(resource, graph, prices))
    # In one order, because sums of floating-point numbers depend on it.
    ordered = sorted(lines, key=lambda line: (line.component, line.resource, line.what))
    return Estimate(graph.stack, graph.region, tuple(ordered))


def _lines(resource: Resource, graph: LoadedGraph, prices: Prices) -> Iterator[Line]:
    for found in usage_of(resource, graph):
        name = f"{resource.type.rpartition(':')[2]} {resource.name}"
        if isinstance(found, Unmeasured):
            yield Line(resource.component, name, found.why)
            continue
        if found.quantity == NOTHING:
            continue
        key = key_of(found, graph.region)
        price = prices.find(key)
        yield Line(resource.component, name, found.usage_type, key, found.quantity, price)


def key_of(usage: Usage, region: str) -> Key:
    """Return what has to be priced for a usage in a stack's region."""
    return Key(usage.region or region, usage.service, usage.usage_type, usage.narrowed_by)


def keys_of(graphs: Iterable[LoadedGraph]) -> set[Key]:
    """Return everything that has to be priced for some stacks."""
    return {
        key_of(usage, graph.region)
        for graph in graphs
        for resource in graph.resources
        for usage in usage_of(resource, graph)
        if isinstance(usage, Usage)
    }


def _sum(costs: Iterable[Span | None]) -> Span | None:
    known = [cost for cost in costs if cost is not None]
    return reduce(Span.__add__, known) if known else None


def as_json(found: Estimate) -> dict[str, Any]:
    """Return an estimate for programs; a cost that is not known is null."""
    return {
        "stack": found.stack,
        "region": found.region,
        "currency": "USD",
        "total": found.total.model_dump(),
        "components": {
            name: {
                "cost": cost.model_dump() if cost else None,
                "not_priced": found.not_priced_in(name),
            }
            for name, cost in found.components.items()
        },
        "not_priced": [
            {"component": line.component, "resource": line.resource, "what": line.what}
            for line in found.not_priced
        ],
        "lines": [_line_as_json(line) for line in found.lines],
    }


def _line_as_json(line: Line) -> dict[str, Any]:
    return {
        "component": line.component,
        "resource": line.resource,
        "what": line.what,
        "region": line.key.region if line.key else None,
        "quantity": line.quantity.model_dump() if line.quantity else None,
        "unit": line.price.unit if line.price else None,
        "price": line.price.price if line.price else None,
        "certainty": line.price.certainty if line.price else "none",
        "cost": line.cost.model_dump() if line.cost else None,
    }
