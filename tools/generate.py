"""Writes the generated parts of the documentation: `make docs`.

A page holds each part between `<!-- generated: NAME -->` and `<!-- end -->`; PAGES names the
function that writes it. `python -m tools.generate --check` only says which pages are stale.
"""

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from ipaddress import IPv4Network
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from arca import checkout
from arca.cli.local import resource_totals
from arca.emulator.provider.changes import CHANGES
from arca.emulator.provider.made import EmulatedOutcome
from arca.emulator.provider.resources import CALLS, CLOUDFLARE_CALLS, RECORDED
from arca.emulator.provider.resources.definition import ApiCall
from components.access import traffic_rules
from components.spec import Format
from settings import schema
from settings.explain import kind_of
from settings.model import Settings
from tests.graph import Graph, declare
from tests.stacks import settings_of
from tools import costs, judged, observed, proved, reached, recoveries

DOCS = checkout.root() / "docs"
STACKS = ("dev", "staging", "prod", "dr")
"""In the order in which the documentation shows them."""
TYPES: Mapping[object, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    SecretStr: "encrypted text",
    datetime: "moment in UTC",
    IPv4Network: "private IPv4 range, /16 to /20",
}
SERVICE_PORT = 8080
"""The container port that the firewall's table shows."""


def _tasks(settings: Settings) -> str:
    scaling = settings.service.scaling
    serving = f"{scaling.min_tasks}-{scaling.max_tasks}"
    return serving if settings.serving else f"{settings.recovery.warm_tasks}, then {serving}"


def _spot_share(settings: Settings) -> str:
    mix = settings.service.fargate
    weights = mix.on_demand_weight + mix.spot_weight
    return f"{round(100 * mix.spot_weight / weights)}%"


ROWS: tuple[tuple[str, Callable[[Settings], object]], ...] = (
    ("region", lambda s: s.region),
    ("zones", lambda s: len(s.network.zones)),
    ("NAT", lambda s: s.network.nat),
    ("database", lambda s: f"{s.database.instance_class}, {s.database.source.kind}"),
    ("Multi-AZ database", lambda s: "yes" if s.database.multi_az else "no"),
    ("backups, days", lambda s: s.database.backup_days),
    ("RDS Proxy", lambda s: "yes" if s.database.proxy else "no"),
    ("cache nodes", lambda s: s.cache.nodes if s.serving else f"none, then {s.cache.nodes}"),
    ("tasks", _tasks),
    ("Spot beyond the base", _spot_share),
    ("deployment", lambda s: s.service.deployment.strategy),
    ("traces kept", lambda s: f"{s.service.collector.sample_percent:g}%"),
    ("protected", lambda s: "yes" if s.protected else "no"),
)
"""The rows of the stacks' table: a title, and how to read it from a stack's settings."""


def configuration() -> str:
    """Return every key of a stack's file, section by section, from the Specs."""
    return "\n".join(_sections())


def stacks() -> str:
    """Return the four stacks beside each other, from their files."""
    loaded = {stack: settings_of(stack) for stack in STACKS}
    return "\n".join(
        [
            *_header("", *STACKS),
            *(_row(title, *(str(read(loaded[s])) for s in STACKS)) for title, read in ROWS),
        ]
    )


def firewall() -> str:
    """Return the connections that the firewall allows."""
    rows = [
        _row(edge.source, edge.target, str(edge.port), edge.why)
        for edge in traffic_rules(SERVICE_PORT)
    ]
    return "\n".join([*_header("from", "to", "port", "why"), *rows])


@cache
def _declared(stack: str) -> Graph:
    return declare(stack)


def diagram() -> str:
    """Return a Mermaid chart of prod's components and their dependencies, from its graph."""
    graph = _declared("prod")
    component_of = {urn: node.component for urn, node in graph.nodes.items()}
    arrows = {
        (node.component, component_of.get(needed, ""))
        for node in graph.nodes.values()
        for needed in node.dependencies
    }
    arrows = {(user, used) for user, used in arrows if user and used and user != used}
    counts = Counter(node.component for node in graph.custom())
    lines = ["```mermaid", "flowchart LR"]
    lines += [
        f'  {_mermaid_id(name)}["{name}<br/>{counts[name]} resources"]' for name in sorted(counts)
    ]
    lines += [
        f"  {_mermaid_id(user)} --> {_mermaid_id(used)}" for user, used in sorted(_direct(arrows))
    ]
    return "\n".join([*lines, "```"])


def prod_totals() -> str:
    """Return what `make up STACK=prod` says about its resources, computed from its graph."""
    graph = _declared("prod")
    totals = Counter(
        _outcome(node.type, graph.states[node.urn]) for node in graph.nodes.values() if node.custom
    )
    return f"`{resource_totals({'prod': totals})}`"


def _outcome(kind: str, state: Mapping[str, Any]) -> EmulatedOutcome:
    if kind.startswith(RECORDED):
        return "recorded"
    if kind in CLOUDFLARE_CALLS:
        return "created"
    # What the emulated cloud adds to a state; an empty default security group has no rule.
    full: dict[str, Any] = {**state, "_region": "", "_ingress": [], "_egress": []}
    made = [call for call in CALLS[kind] if call.when(full)]
    return "validated" if any(call.only_validated for call in made) else "created"


def stack_schema() -> str:
    """Return the JSON schema of a stack's file, with which an editor completes and checks."""
    return f"{json.dumps(schema.stack_file(), indent=2)}\n"


def emulation() -> str:
    """Return the calls that the emulated AWS only validates, and why."""
    lines = [*_header("resource type", "call", "why it is not carried out")]
    for kind, calls in sorted(CALLS.items()):
        shown = kind.rpartition(":")[2]
        for call in calls:
            name = f"`{call.service}.{call.operation}`"
            if call.only_validated:
                lines.append(_row(shown, name, call.only_validated))
            for parameter, why in call.withheld.items():
                lines.append(_row(f"{shown}, `{parameter}`", name, why))
        lines.extend(_unmade_changes(kind))
    names = ", ".join(f"`{name.rstrip(':')}`" for name in RECORDED)
    made = sorted({call.method for call in CLOUDFLARE_CALLS.values()})
    methods = ", ".join(f"`{method}`" for method in made)
    return "\n".join(
        [
            *lines,
            "",
            f"The emulated Cloudflare carries out every call of Cloudflare: {methods}.",
            "",
            f"Recorded only, for no call of an API stands behind them: {names}.",
        ]
    )


def _unmade_changes(kind: str) -> Iterator[str]:
    """Yield a row for each call of an update or a deletion that is only validated."""
    changes, created = CHANGES[kind], {call.name for call in CALLS[kind]}
    calls = [call for update in changes.updates for call in update.calls]
    found = {
        call.name: call.only_validated
        for call in (*calls, *changes.deletes)
        if isinstance(call, ApiCall) and call.only_validated and call.name not in created
    }
    for name, why in found.items():
        yield _row(kind.rpartition(":")[2], f"`{name}`", why)


PAGES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "../README.md": {"prod": prod_totals},
    "configuration.md": {"configuration": configuration, "stacks": stacks},
    "architecture.md": {
        "diagram": diagram,
        "firewall": firewall,
        "places": reached.places,
        "reach-prod": reached.prod,
        "reach-dr": reached.dr,
        "emulation": emulation,
        "judges": judged.table,
    },
    "cost.md": {
        "totals": costs.totals,
        "not-priced": costs.not_priced,
        "assumptions": costs.assumptions,
        "prices": costs.prices,
        "free": costs.free,
    },
    "disaster-recovery.md": {
        "estimate": recoveries.estimates,
        "budgets": recoveries.budgets,
        "durations": recoveries.table_of_durations,
        "results": recoveries.results,
    },
    "drills/README.md": {"results": recoveries.results},
    "monitoring.md": {
        "catalogue": observed.catalogue,
        "objectives": observed.objectives,
        "windows": observed.windows,
        "detection": observed.detection,
        "alarms": observed.alarms,
        "proof": proved.table,
        "runbooks": observed.runbooks,
        "queries": observed.queries,
        "dashboards": observed.dashboards,
    },
    "service-contract.md": {
        "metrics": observed.emitted,
        "thresholds": observed.threshold_table,
    },
}
WHOLE: Mapping[str, Callable[[], str]] = {
    "cost.json": costs.summary,
    "service-log.schema.json": observed.schema,
    "stack.schema.json": stack_schema,
}
"""Files that are generated as a whole."""
FILES = (*PAGES, *WHOLE)


def rendered(page: str) -> str:
    """Return a page with fresh generated parts; raises SystemExit where it lacks one's marks."""
    if page in WHOLE:
        return WHOLE[page]()
    text = (DOCS / page).read_text(encoding="utf-8")
    for name, write in PAGES[page].items():
        marks = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not marks.search(text):
            raise SystemExit(
                f"{(DOCS / page).resolve().name} lacks the line `<!-- generated: {name} -->` "
                "or the `<!-- end -->` after it; add both where the part belongs"
            )
        content = write()
        text = marks.sub(lambda found, c=content: f"{found[1]}\n{c}\n\n{found[2]}", text)
    return text


def _sections() -> Iterator[str]:
    scalars = [
        (name, field)
        for name, field in Settings.model_fields.items()
        if _model(field.annotation) is None
    ]
    yield "### The stack itself\n"
    yield from _table(scalars)
    for name, field in Settings.model_fields.items():
        model = _model(field.annotation)
        if model is not None:
            yield f"\n### `arca-api:{name}`\n\n{field.description}\n"
            yield from _table(_flat(model, ""))


def _flat(model: type[BaseModel], path: str) -> Iterator[tuple[str, FieldInfo]]:
    """Yield each key below a section with its dotted path; a union's key names its choice."""
    for name, field in model.model_fields.items():
        yield f"{path}{name}", field
        inner = _model(field.annotation)
        if inner is not None:
            yield from _flat(inner, f"{path}{name}.")
        for choice in _choices(field.annotation):
            yield from _flat(choice, f"{path}{name} ({kind_of(choice)}).")


def _table(fields: Iterable[tuple[str, FieldInfo]]) -> Iterator[str]:
    yield from _header("key", "type", "default", "meaning")
    for path, field in fields:
        yield _row(f"`{path}`", _type(field), _default(field), field.description or "")


def _model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None


def _choices(annotation: Any) -> list[type[BaseModel]]:
    """Return the models of a union, or of a tuple whose items are a union."""
    arguments = get_args(annotation)
    if get_origin(annotation) is tuple and arguments:
        arguments = get_args(arguments[0])
    return [choice for choice in arguments if _model(choice) is not None]


def _type(field: FieldInfo) -> str:
    if _model(field.annotation) is not None or _choices(field.annotation):
        return "section"
    words = _words(field.rebuild_annotation()).replace("|", "\\|")
    bounds = [str(item) for item in field.metadata if re.match(r"(Ge|Le|Gt|Lt)\(", str(item))]
    limits = ", ".join(re.sub(r"\w+\((ge|le)=(.*)\)", _limit, bound) for bound in bounds)
    return f"{words}, {limits}" if limits else words


def _words(annotation: Any) -> str:
    """Return what a key takes, for somebody who does not know Python."""
    arguments, origin = get_args(annotation), get_origin(annotation)
    if origin is Annotated:
        formats = [item.wanted for item in arguments[1:] if isinstance(item, Format)]
        return formats[0] if formats else _words(arguments[0])
    if origin in (Union, UnionType):
        return _words(next(one for one in arguments if one is not NoneType))
    if origin is tuple:
        return f"list of: {_words(arguments[0])}"
    if origin is dict:
        return f"{_words(arguments[0])}: {_words(arguments[1])}"
    if origin is Literal:
        return " | ".join(f"`{item}`" for item in _literals(annotation))
    return "section" if _model(annotation) is not None else TYPES[annotation]


def _literals(annotation: Any) -> Iterator[object]:
    for one in get_args(annotation):
        yield from _literals(one) if get_origin(one) is Literal else (one,)


def _limit(found: re.Match[str]) -> str:
    return f"{'at least' if found[1] == 'ge' else 'at most'} {found[2]}"


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if value is PydanticUndefined:
        return "**required**"
    if isinstance(value, BaseModel) or value is None:
        return "" if value is None else "see below"
    if isinstance(value, tuple):
        return ", ".join(f"`{_item(one)}`" for one in cast("tuple[object, ...]", value)) or "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _item(value: object) -> str:
    """Return an item of a list as YAML's short form has it."""
    if not isinstance(value, BaseModel):
        return str(value)
    keys = value.model_dump(exclude_defaults=True)
    return f"{{{', '.join(f'{key}: {content}' for key, content in keys.items())}}}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _header(*titles: str) -> Iterator[str]:
    yield _row(*titles)
    yield _row(*["---"] * len(titles))


def _direct(arrows: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the arrows that no pair of other arrows already shows."""
    users: dict[str, set[str]] = defaultdict(set)
    for user, used in arrows:
        users[used].add(user)
    return {
        (user, used)
        for user, used in arrows
        if not any((user, between) in arrows for between in users[used] - {user})
    }


def _mermaid_id(name: str) -> str:
    return name.replace("-", "_")


def _written(page: str) -> str:
    path = DOCS / page
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main() -> None:
    """Write every stale page and picture; with `--check`, only name them and exit with 1."""
    stale = [page for page in FILES if rendered(page) != _written(page)]
    pictures = observed.stale_pictures()
    incident = proved.is_stale()
    if "--check" in sys.argv:
        names = [*stale, *pictures, *(["outage"] if incident else [])]
        sys.exit(f"stale: {', '.join(names)}; run `make docs`" if names else 0)
    for page in stale:
        (DOCS / page).write_text(rendered(page), encoding="utf-8")
    for name in pictures:
        observed.draw(name)
    if incident:
        proved.draw()


if __name__ == "__main__":
    main()
