"""Read the OpenSLO documents of a folder; every problem comes with its file and line.

The reading has one direction: YAML, then models (openslo.py), then SLOs with their alert policies
in place of the references. arca/monitoring/slo/objectives.py goes on from there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from arca.errors import Explained
from arca.monitoring.slo.openslo import (
    DOCUMENT,
    INLINE,
    KINDS,
    AlertPolicy,
    AlertPolicyDocument,
    AlertPolicyRef,
    AnyDocument,
    NotificationTargetRef,
    SloDocument,
)

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Reads the same as SafeLoader, ten times as fast; PyYAML's wheels have it."""
FOLDER = Path(__file__).parents[1] / "objectives"
"""The project's own documents."""


@dataclass(frozen=True)
class PlacedSlo:
    """An SLO with its alert policies, and where its document begins."""

    document: SloDocument
    policies: tuple[AlertPolicy, ...]
    where: str
    """`file:line`."""


@dataclass(frozen=True)
class Documents:
    """All documents of a folder, each with the `file:line` where it begins."""

    placed: Sequence[tuple[str, AnyDocument]]

    @classmethod
    def read(cls, directory: Path | None = None) -> "Documents":
        """Read every YAML file of a folder, by default the project's own.

        Raises Explained with all problems, each as `file:line`, and for a folder without documents.
        """
        folder = directory or FOLDER
        problems: list[str] = []
        paths = sorted(folder.glob("*.yaml"))
        placed = [found for path in paths for found in _documents(path, problems)]
        if not placed and not problems:
            problems.append(f"{folder}: no OpenSLO document, wanted *.yaml files of them")
        problems += _duplicates(placed)
        problems += _dangling(placed)
        if problems:
            raise refused(problems)
        return cls(placed)

    def slos(self) -> list[PlacedSlo]:
        """Return the SLOs, each with its alert policies in place of their references."""
        named = {
            document.metadata.name: document
            for _, document in self.placed
            if isinstance(document, AlertPolicyDocument)
        }
        return [
            PlacedSlo(document, tuple(_inlined(document, named)), where)
            for where, document in self.placed
            if isinstance(document, SloDocument)
        ]


def refused(problems: Iterable[str]) -> Explained:
    """Return one error for all problems of the documents."""
    lines = list(problems)
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    return Explained(
        "\n  ".join([f"The OpenSLO documents have {count}. Nothing was changed.", *lines])
        + "\nCorrect the documents (docs/monitoring.md says how one is written)."
    )


def _inlined(slo: SloDocument, named: Mapping[str, AlertPolicy]) -> Iterator[AlertPolicy]:
    for given in slo.spec.alert_policies:
        yield named[given.alert_policy_ref] if isinstance(given, AlertPolicyRef) else given


def _dangling(placed: Sequence[tuple[str, AnyDocument]]) -> Iterator[str]:
    """Name the references to what no document declares."""
    known = {(document.kind, document.metadata.name) for _, document in placed}
    for where, document in placed:
        for kind, name in _references(document):
            if (kind, name) not in known:
                yield f"{where}: no {kind} is called {name}"


def _references(document: AnyDocument) -> Iterator[tuple[str, str]]:
    """Yield the kind and the name of every document that one refers to."""
    if isinstance(document, AlertPolicyDocument):
        yield from _targets(document)
    if not isinstance(document, SloDocument):
        return
    yield "Service", document.spec.service
    for given in document.spec.alert_policies:
        if isinstance(given, AlertPolicyRef):
            yield "AlertPolicy", given.alert_policy_ref
        else:
            yield from _targets(given)
    for indicator in document.spec.indicators():
        for metric in indicator.measured():
            if metric.metric_source.metric_source_ref:
                yield "DataSource", metric.metric_source.metric_source_ref


def _targets(policy: AlertPolicy) -> Iterator[tuple[str, str]]:
    for target in policy.spec.notification_targets:
        if isinstance(target, NotificationTargetRef):
            yield "AlertNotificationTarget", target.target_ref


def _duplicates(placed: Sequence[tuple[str, AnyDocument]]) -> Iterator[str]:
    seen: dict[tuple[str, str], str] = {}
    for where, document in placed:
        key = (document.kind, document.metadata.name)
        if key in seen:
            yield f"{where}: {key[0]} {key[1]} stands in {seen[key]} already"
        seen.setdefault(key, where)


def _documents(path: Path, problems: list[str]) -> Iterator[tuple[str, AnyDocument]]:
    """Read one file; add what is wrong to `problems`."""
    try:
        nodes = list(yaml.compose_all(path.read_text(encoding="utf-8"), LOADER))
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
        problems += (f"{path.name}:{line}: {text}" for line, text in _repeated_keys(node))
        try:
            yield where, DOCUMENT.validate_python(_content(node))
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                unknown_kind = fault["type"] in ("union_tag_invalid", "union_tag_not_found")
                place = ("kind",) if unknown_kind else fault["loc"]
                wanted = f"kind: one of {', '.join(KINDS)}" if unknown_kind else _text(fault)
                problems.append(f"{path.name}:{_line(node, place)}: {wanted}")
        except (yaml.YAMLError, ValueError) as error:
            # YAML's reader raises ValueError for a date such as 2026-13-45.
            problems.append(f"{where}: not YAML: {getattr(error, 'problem', error)}")


def _repeated_keys(root: yaml.Node) -> Iterator[tuple[int, str]]:
    """Yield keys that a mapping has twice: YAML's reader would take the last in silence."""
    nodes, visited = [root], set[int]()
    while nodes:
        node = nodes.pop()
        # An alias may name a node that contains it.
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


def _content(node: yaml.Node) -> object:
    """Return the content of a node that was composed already."""
    loader: Any = yaml.SafeLoader("")
    return loader.construct_document(node)


def _text(fault: Any) -> str:
    path = ".".join(str(p) for p in fault["loc"] if not (isinstance(p, str) and p[:1].isupper()))
    if fault["type"] == "extra_forbidden":
        instead = INLINE.get(str(fault["loc"][-1]))
        return f"{path}: {f'not read here; {instead}' if instead else UNKNOWN_KEY}"
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    given = fault["input"]
    shown = f", not {given!r}" if isinstance(given, str | int | float) else ""
    return f"{path or 'the document'}: wanted {message}{shown}"


UNKNOWN_KEY = "OpenSLO v1 knows no such key"


def _line(node: yaml.Node, location: tuple[int | str, ...]) -> int:
    """Return the line of the key that an error names, or of the nearest one above it."""
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
