"""Write the generated parts of the documentation anew: `make docs`.

Between `<!-- generated: NAME -->` and `<!-- end -->` of a page stands what a function here says.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from arca import checkout
from arca.emulator.program import stackfile
from arca.emulator.provider.calls import RECORDED, TABLE
from components.access import edges
from settings.load import parse
from settings.model import Settings
from tests.graph import declare
from tools import observed

DOCS = checkout.root() / "docs"
STACKS = ("dev", "staging", "prod", "dr")
ROWS: tuple[tuple[str, Callable[[Any], object]], ...] = (
    ("region", lambda s: s.region),
    ("zones", lambda s: len(s.network.zones)),
    ("NAT", lambda s: s.network.nat),
    ("database", lambda s: f"{s.database.instance_class}, {s.database.source.kind}"),
    ("Multi-AZ database", lambda s: "yes" if s.database.multi_az else "no"),
    ("backups, days", lambda s: s.database.backup_days),
    ("RDS Proxy", lambda s: "yes" if s.database.proxy else "no"),
    ("cache nodes", lambda s: s.cache.nodes if s.serving else f"none, then {s.cache.nodes}"),
    (
        "tasks",
        lambda s: (
            f"{s.service.scaling.min_tasks}-{s.service.scaling.max_tasks}"
            if s.serving
            else f"{s.recovery.warm_tasks}, then {s.service.scaling.min_tasks}-"
            f"{s.service.scaling.max_tasks}"
        ),
    ),
    ("Spot beyond the base", lambda s: _spot(s.service.fargate)),
    ("deployment", lambda s: s.service.deployment.strategy),
    ("traces kept", lambda s: f"{s.service.collector.sample_percent:g}%"),
    ("protected", lambda s: "yes" if s.protected else "no"),
)


def configuration() -> str:
    """Every key of a stack's file, section by section, from the Specs."""
    return "\n".join(_sections())


def stacks() -> str:
    """The four stacks beside each other, from their files."""
    loaded = {stack: settings_of(stack) for stack in STACKS}
    lines = [_row("", *STACKS), _row(*["---"] * 5)]
    lines += [_row(title, *(str(value(loaded[s])) for s in STACKS)) for title, value in ROWS]
    return "\n".join(lines)


def firewall() -> str:
    """The edges of the firewall."""
    lines = [_row("from", "to", "port", "why"), _row(*["---"] * 4)]
    lines += [_row(e.source, e.target, str(e.port), e.why) for e in edges(8080)]
    return "\n".join(lines)


def diagram() -> str:
    """Prod's components and how they depend on each other, from the recorded graph."""
    graph = declare("prod")
    home = {urn: node.component for urn, node in graph.nodes.items()}
    arrows = {
        (home[urn], home.get(needed, ""))
        for urn, node in graph.nodes.items()
        for needed in node.dependencies
    }
    arrows = {(a, b) for a, b in arrows if a and b and a != b}
    direct = {(a, b) for a, b in arrows if not _through(a, b, arrows)}
    counts: dict[str, int] = defaultdict(int)
    for node in graph.custom():
        counts[node.component] += 1
    lines = ["```mermaid", "flowchart LR"]
    lines += [f'  {_id(name)}["{name}<br/>{counts[name]} resources"]' for name in sorted(counts)]
    lines += [f"  {_id(a)} --> {_id(b)}" for a, b in sorted(direct)]
    return "\n".join([*lines, "```"])


def emulation() -> str:
    """What the emulated cloud only checks, and why."""
    lines = [_row("resource type", "call", "why it is not carried out"), _row(*["---"] * 3)]
    for kind, calls in sorted(TABLE.items()):
        for call in calls:
            if call.only_validated:
                shown = kind.rpartition(":")[2]
                lines.append(_row(shown, f"`{call.service}.{call.operation}`", call.only_validated))
            for parameter, why in call.withheld.items():
                shown = f"{kind.rpartition(':')[2]}, `{parameter}`"
                lines.append(_row(shown, f"`{call.service}.{call.operation}`", why))
    names = ", ".join(f"`{name.rstrip(':')}`" for name in RECORDED)
    return "\n".join([*lines, "", f"Recorded only, for no AWS call stands behind them: {names}."])


PAGES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "configuration.md": {"configuration": configuration, "stacks": stacks},
    "architecture.md": {"diagram": diagram, "firewall": firewall, "emulation": emulation},
    "monitoring.md": {
        "catalogue": observed.catalogue,
        "objectives": observed.objectives,
        "windows": observed.windows,
        "detection": observed.detection,
        "alarms": observed.alarms,
        "runbooks": observed.runbooks,
        "queries": observed.queries,
        "dashboards": observed.dashboards,
    },
    "service-contract.md": {"metrics": observed.emitted},
}
WHOLE: Mapping[str, Callable[[], str]] = {"service-log.schema.json": observed.schema}
"""Files that are generated from the first letter to the last."""
FILES = (*PAGES, *WHOLE)


def settings_of(stack: str) -> Settings:
    """A stack's settings, read without Pulumi's engine."""
    return parse(stackfile.stack_config(stack), emulated=True)


def rendered(page: str) -> str:
    """A page with its generated parts as they should be."""
    if page in WHOLE:
        return WHOLE[page]()
    text = (DOCS / page).read_text(encoding="utf-8")
    for name, write in PAGES[page].items():
        marks = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not marks.search(text):
            message = f"docs/{page} has no part `generated: {name}`"
            raise SystemExit(message)
        content = write()
        text = marks.sub(lambda found, c=content: f"{found[1]}\n{c}\n\n{found[2]}", text)
    return text


def _sections() -> Iterator[str]:
    scalars = [n for n, f in Settings.model_fields.items() if _model(f.annotation) is None]
    yield "### The stack itself\n"
    yield from _table((name, Settings.model_fields[name]) for name in scalars)
    for name, field in Settings.model_fields.items():
        model = _model(field.annotation)
        if model is not None:
            yield f"\n### `arca-api:{name}`\n\n{field.description}\n"
            yield from _table(_flat(model, ""))


def _flat(model: type[BaseModel], path: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield f"{path}{name}", field
        inner = _model(field.annotation)
        if inner is not None:
            yield from _flat(inner, f"{path}{name}.")
        for choice in _choices(field.annotation):
            mark = next(iter(choice.model_fields.values())).default
            yield from _flat(choice, f"{path}{name} ({mark}).")


def _table(fields: Any) -> Iterator[str]:
    yield _row("key", "type", "default", "meaning")
    yield _row(*["---"] * 4)
    for path, field in fields:
        yield _row(f"`{path}`", _type(field), _default(field), field.description or "")


def _model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None


def _choices(annotation: Any) -> list[type[BaseModel]]:
    arguments = get_args(annotation)
    items = get_args(arguments[0]) if get_origin(annotation) is tuple and arguments else arguments
    if get_origin(annotation) is tuple and arguments and _model(arguments[0]):
        return []
    return [choice for choice in items if _model(choice) is not None]


def _type(field: FieldInfo) -> str:
    annotation = field.annotation
    if _model(annotation) is not None or _choices(annotation):
        return "section"
    text = re.sub(r"(typing|ipaddress|datetime|components\.[a-z_.]+)\.", "", str(annotation))
    text = re.sub(r"<class '(\w+)'>", r"\1", text)
    literal = re.fullmatch(r"Literal\[(.*)\]", text)
    if literal:
        return " \\| ".join(f"`{item.strip(chr(39))}`" for item in literal[1].split(", "))
    bounds = [str(item) for item in field.metadata if re.match(r"(Ge|Le|Gt|Lt)\(", str(item))]
    limits = ", ".join(re.sub(r"\w+\((ge|le)=(.*)\)", _limit, bound) for bound in bounds)
    name = text.replace("|", "\\|")
    return f"{name}, {limits}" if limits else name


def _limit(found: re.Match[str]) -> str:
    return f"{'at least' if found[1] == 'ge' else 'at most'} {found[2]}"


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if value is PydanticUndefined:
        return "**required**"
    if isinstance(value, BaseModel) or value is None:
        return "" if value is None else "see below"
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in cast("tuple[object, ...]", value)) or "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _through(a: str, b: str, arrows: set[tuple[str, str]]) -> bool:
    return any((a, c) in arrows and (c, b) in arrows for c in {y for _, y in arrows} - {a, b})


def _id(name: str) -> str:
    return name.replace("-", "_")


def _spot(mix: Any) -> str:
    whole = mix.on_demand_weight + mix.spot_weight
    return f"{round(100 * mix.spot_weight / whole)}%"


def _written(page: str) -> str:
    path = DOCS / page
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main() -> None:
    """Write every page; with `--check`, only say which are stale, and exit 1."""
    stale = [p for p in FILES if rendered(p) != _written(p)]
    pictures = observed.stale_pictures()
    if "--check" in sys.argv:
        names = [*stale, *pictures]
        sys.exit(f"stale: {', '.join(names)}; run `make docs`" if names else 0)
    for page in stale:
        (DOCS / page).write_text(rendered(page), encoding="utf-8")
    for name in pictures:
        observed.draw(name)


if __name__ == "__main__":
    main()
