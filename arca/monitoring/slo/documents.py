"""Read OpenSLO documents: every problem with its file and line, and nothing half read."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml
from pydantic import ValidationError

from arca.errors import Explained
from arca.monitoring.slo import model, policy
from arca.monitoring.slo.model import DOCUMENT, KINDS, AnyDocument

HERE = Path(__file__).parent
Found = TypeVar("Found", bound=model.Document)


@dataclass(frozen=True)
class Placed:
    """A document and where it begins."""

    document: AnyDocument
    where: str


@dataclass(frozen=True)
class Documents:
    """All documents of a directory, by kind and name."""

    placed: tuple[Placed, ...] = field(default=())

    @classmethod
    def read(cls, directory: Path | None = None) -> Self:
        """Read every YAML file, by default of this folder.

        Raises Explained with all problems, each as `file:line`.
        """
        problems: list[str] = []
        placed: list[Placed] = []
        for path in sorted((directory or HERE).glob("*.yaml")):
            placed += _file(path, problems)
        problems += _twice(placed)
        found = cls(tuple(placed))
        problems += found.dangling()
        if problems:
            raise refused(problems)
        return found

    def slos(self) -> list[tuple[model.Slo, str]]:
        """The objectives, each with where it begins."""
        return [
            (item.document, item.where)
            for item in self.placed
            if isinstance(item.document, model.Slo)
        ]

    def named(self, kind: type[Found], name: str) -> Found | None:
        """The document of a kind and name."""
        for item in self.placed:
            if isinstance(item.document, kind) and item.document.metadata.name == name:
                return item.document
        return None

    def dangling(self) -> Iterator[str]:
        """References to what no document declares."""
        for item in self.placed:
            for kind, name in references(item.document):
                if self.named(kind, name) is None:
                    yield f"{item.where}: no {kind.__name__} is called {name}"


def references(document: AnyDocument) -> Iterator[tuple[type[model.Document], str]]:
    """The documents that one needs."""
    if isinstance(document, model.Slo):
        yield from _of_slo(document.spec)
    elif isinstance(document, model.Sli):
        yield from _sources(document.spec)
    elif isinstance(document, model.AlertPolicy):
        yield from _of_policy(document.spec)


def refused(problems: Iterable[str]) -> Explained:
    """One error for all problems."""
    lines = list(problems)
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    return Explained(
        "\n  ".join([f"The OpenSLO documents have {count}. Nothing was changed.", *lines])
        + "\nCorrect the documents (docs/monitoring.md says how one is written)."
    )


def _of_slo(spec: model.SloSpec) -> Iterator[tuple[type[model.Document], str]]:
    yield model.Service, spec.service
    if spec.indicator_ref:
        yield model.Sli, spec.indicator_ref
    for given in spec.alert_policies:
        if isinstance(given, policy.PolicyRef):
            yield model.AlertPolicy, given.alert_policy_ref
        else:
            yield from _of_policy(given.spec)
    if spec.indicator is not None:
        yield from _sources(spec.indicator.spec)


def _of_policy(spec: policy.AlertPolicySpec) -> Iterator[tuple[type[model.Document], str]]:
    for condition in spec.conditions:
        if isinstance(condition, policy.ConditionRef):
            yield model.AlertCondition, condition.condition_ref
    for target in spec.notification_targets:
        if isinstance(target, policy.TargetRef):
            yield model.AlertNotificationTarget, target.target_ref


def _sources(spec: model.SliSpec) -> Iterator[tuple[type[model.Document], str]]:
    ratio = spec.ratio_metric
    measured = [spec.threshold_metric]
    measured += [ratio.good, ratio.bad, ratio.total, ratio.raw] if ratio is not None else []
    for one in measured:
        if one is not None and one.metric_source.metric_source_ref:
            yield model.DataSource, one.metric_source.metric_source_ref


def _file(path: Path, problems: list[str]) -> Iterator[Placed]:
    try:
        nodes = list(yaml.compose_all(path.read_text(encoding="utf-8"), yaml.SafeLoader))
    except OSError as error:
        problems.append(f"{path.name}:1: cannot be read: {error.strerror}")
        return
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problems.append(f"{path.name}:{line}: not YAML: {getattr(error, 'problem', error)}")
        return
    for node in nodes:
        where = f"{path.name}:{node.start_mark.line + 1}"
        problems += (f"{path.name}:{line}: {text}" for line, text in _repeated(node))
        try:
            content = _plain(node)
            yield Placed(DOCUMENT.validate_python(content), where)
        except ValidationError as error:
            kinds = {"union_tag_invalid", "union_tag_not_found"}
            for fault in error.errors(include_url=False):
                place = ("kind",) if fault["type"] in kinds else fault["loc"]
                line = _line(node, place)
                wanted = (
                    f"kind: one of {', '.join(KINDS)}" if fault["type"] in kinds else _text(fault)
                )
                problems.append(f"{path.name}:{line}: {wanted}")
        except (yaml.YAMLError, ValueError) as error:
            # A ValueError is a date that no calendar has.
            problems.append(f"{where}: not YAML: {getattr(error, 'problem', error)}")


def _repeated(root: yaml.Node) -> Iterator[tuple[int, str]]:
    """Keys that stand in a mapping already: YAML's reader would take the last in silence."""
    nodes, visited = [root], set[int]()
    while nodes:
        node = nodes.pop()
        # An alias may name what it stands in.
        if id(node) in visited:
            continue
        visited.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            nodes += node.value
        elif isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                name = str(key.value)
                if name in seen:
                    yield key.start_mark.line + 1, f"{name} stands there twice"
                seen.add(name)
                nodes.append(value)


def _plain(node: yaml.Node) -> object:
    """The content of a node that was composed already."""
    loader: Any = yaml.SafeLoader("")
    return loader.construct_document(node)


def _text(fault: Any) -> str:
    path = ".".join(str(p) for p in fault["loc"] if not (isinstance(p, str) and p[:1].isupper()))
    if fault["type"] == "extra_forbidden":
        return f"{path}: OpenSLO v1 knows no such key"
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    given = fault["input"]
    shown = f", not {given!r}" if isinstance(given, str | int | float) else ""
    return f"{path or 'the document'}: wanted {message}{shown}"


def _line(node: yaml.Node, location: tuple[int | str, ...]) -> int:
    """The line of the key that an error names; of the nearest one above where it is missing."""
    line: int = node.start_mark.line + 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == part:
                    line, node = key.start_mark.line + 1, value
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _twice(placed: list[Placed]) -> Iterator[str]:
    seen: dict[tuple[str, str], str] = {}
    for item in placed:
        key = (item.document.kind, item.document.metadata.name)
        if key in seen:
            yield f"{item.where}: {key[0]} {key[1]} stands in {seen[key]} already"
        seen.setdefault(key, item.where)
