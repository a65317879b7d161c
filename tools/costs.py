"""The generated parts of docs/cost.md, and docs/cost.json for the pull request's comment."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from arca.cost import price_table
from arca.cost.estimate import Estimate, as_json, estimate
from arca.cost.span import Span
from arca.cost.traffic import Traffic
from arca.cost.usage import FREE
from tests.arca.cost.graphs import stack_graph

STACKS = ("dev", "staging", "prod", "dr")


@cache
def _estimates() -> Mapping[str, Estimate]:
    known = price_table.read()
    return {stack: estimate(stack_graph(stack), known) for stack in STACKS}


def summary() -> str:
    """Return the estimates as JSON: the sums, and how much is not priced."""
    kept = ("total", "components", "currency", "region")
    content = {
        stack: {
            **{key: value for key, value in as_json(found).items() if key in kept},
            "not_priced": len(found.not_priced),
        }
        for stack, found in _estimates().items()
    }
    # To the cent: the last digits of a sum differ between machines.
    text = json.dumps(content, indent=2, sort_keys=True)
    rounded = json.loads(text, parse_float=lambda figure: round(float(figure), 2))
    return f"{json.dumps(rounded, indent=2, sort_keys=True)}\n"


def totals() -> str:
    """Return what each stack costs by component, as expected, and the bounds of the sum."""
    found = _estimates()
    names = sorted({name for one in found.values() for name in one.components})
    rows = [(name, *(_component(one, name) for one in found.values())) for name in names]
    rows.append(("**expected**", *(f"**{one.total.expected:,.0f}**" for one in found.values())))
    rows.append(("low to high", *(_bounds(one.total) for one in found.values())))
    rows.append(("charges not priced", *(str(len(one.not_priced)) for one in found.values())))
    return "\n".join(_table(("component", *found), rows))


def _component(found: Estimate, name: str) -> str:
    if name not in found.components:
        return ""
    cost, missing = found.components[name], found.not_priced_in(name)
    if cost is None:
        return "not priced"
    known = f"{cost.expected:,.0f}" if cost.expected >= 0.5 else "under 1"
    return f"{known} + {missing} not priced" if missing else known


def _bounds(span: Span) -> str:
    return f"{span.low:,.0f} to {span.high:,.0f}"


def not_priced() -> str:
    """Return the charges that have no price, and the stacks that have them."""
    found: dict[tuple[str, str], list[str]] = {}
    for stack, one in _estimates().items():
        for line in one.not_priced:
            stacks = found.setdefault((line.component, line.what), [])
            if stack not in stacks:
                stacks.append(stack)
    rows = [
        (name, f"`{what}`", ", ".join(stacks)) for (name, what), stacks in sorted(found.items())
    ]
    return "\n".join(_table(("component", "charge", "stacks"), rows))


def assumptions() -> str:
    """Return the load that the estimate assumes by default."""
    rows = [
        (f"`{name}`", _figures(field.default), field.description or "")
        for name, field in Traffic.model_fields.items()
    ]
    return "\n".join(_table(("key of `arca-api:traffic`", "low, expected, high", "meaning"), rows))


def _figures(default: object) -> str:
    if isinstance(default, Span):
        return f"{default.low:g}, {default.expected:g}, {default.high:g}"
    return f"{default:g}"


def prices() -> str:
    """Return the rows of the table that the stacks use."""
    used = {line.key for one in _estimates().values() for line in one.lines if line.key}
    known = price_table.read()
    rows = {row.key: row for key in used if (row := known.find(key))}
    cells = [
        (
            key.region,
            f"`{key.service}`",
            f"`{key.usage_type}`",
            row.unit,
            "not known" if row.price is None else f"{row.price:.10f}".rstrip("0"),
            row.date,
            row.certainty,
            row.source,
        )
        for key, row in sorted(rows.items())
    ]
    titles = ("region", "service", "usage type", "unit", "USD", "date", "certainty", "source")
    return "\n".join(_table(titles, cells))


def free() -> str:
    """Return the types that cost nothing of their own, and why."""
    rows = [(f"`{kind.rpartition(':')[2]}`", reason) for kind, reason in sorted(FREE.items())]
    return "\n".join(_table(("type", "why it has no charge of its own"), rows))


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
