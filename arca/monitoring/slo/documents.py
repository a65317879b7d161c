"""Read the OpenSLO documents of a folder; every problem comes with its file and line.

The reading has one direction: YAML, then models (openslo.py), then SLOs with their alert policies
in place of the references. arca/monitoring/slo/objectives.py goes on from there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
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
    AlertPolicyDocument,
    AnyDocument,
    DataSourceDocument,
    NotificationTargetDocument,
    SloDocument,
)
from arca.monitoring.slo.openslo_alerts import AlertPolicy, AlertPolicyRef, NotificationTargetRef
from arca.monitoring.slo.place import KeyPath, Place, Problem, is_model, repeated_keys
from arca.monitoring.slo.references import Name, dangling, duplicates

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Reads the same as SafeLoader, ten times as fast; PyYAML's wheels have it."""
FOLDER = Path(__file__).parents[1] / "objectives"
"""The project's own documents."""
SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class PlacedPolicy:
    """An alert policy, and where its keys stand."""

    policy: AlertPolicy
    place: Place
    targets: Sequence[str | None]
    """What each of its notification targets notifies; None for one that no document declares."""


@dataclass(frozen=True)
class PlacedSlo:
    """An SLO with its alert policies, and where its keys stand."""

    document: SloDocument
    place: Place
    policies: tuple[tuple[KeyPath, PlacedPolicy], ...]
    """Each with the SLO's key that names or holds it."""


@dataclass(frozen=True)
class Documents:
    """All valid documents of a folder, and what is wrong with them and with the others."""

    placed: Sequence[tuple[Place, AnyDocument]]
    problems: Sequence[Problem]

    @classmethod
    def load(cls, directory: Path | None = None) -> "Documents":
        """Read every YAML file of a folder, by default the project's own.

        Raises Explained for a folder without documents.
        """
        folder = directory or FOLDER
        problems: list[Problem] = []
        paths = sorted(path for path in folder.glob("*") if path.suffix in SUFFIXES)
        placed: list[tuple[Place, AnyDocument]] = []
        refused_names: set[Name] = set()
        for place in [place for path in paths for place in _places(path, problems)]:
            document = _document(place, problems)
            if document is None:
                refused_names.add(_name(place))
            else:
                placed.append((place, document))
        if not placed and not problems:
            nothing = f"{folder}: no OpenSLO document, wanted *.yaml files of them"
            raise refused([nothing])
        problems += duplicates(placed)
        problems += dangling(placed, refused_names)
        return cls(placed, problems)

    @classmethod
    def read(cls, directory: Path | None = None) -> "Documents":
        """Read as `load` does; raises Explained with all problems, each as `file:line`."""
        found = cls.load(directory)
        found.check(())
        return found

    def check(self, others: Iterable[Problem]) -> None:
        """Raise Explained for the problems of the documents and others; each is said once."""
        problems = sorted({*self.problems, *others})
        if problems:
            raise refused(map(str, problems))

    def slos(self) -> list[PlacedSlo]:
        """Return the SLOs, each with its alert policies in place of their references."""
        named = {
            one.policy.metadata.name: one
            for one in self.policies()
            if isinstance(one.policy, AlertPolicyDocument)
        }
        return [
            PlacedSlo(document, place, tuple(self._given(place, document, named)))
            for place, document in self.placed
            if isinstance(document, SloDocument)
        ]

    def policies(self) -> Iterator[PlacedPolicy]:
        """Yield every alert policy, of its own or inside of an SLO, named by an SLO or not."""
        for place, document in self.placed:
            if isinstance(document, AlertPolicyDocument):
                yield self._policy(place, document)
            if isinstance(document, SloDocument):
                yield from (
                    one
                    for _, one in self._given(place, document, {})
                    if not isinstance(one.policy, AlertPolicyDocument)
                )

    def data_sources(self) -> Iterator[tuple[Place, DataSourceDocument]]:
        """Yield every data source."""
        for place, document in self.placed:
            if isinstance(document, DataSourceDocument):
                yield place, document

    def _given(
        self, place: Place, slo: SloDocument, named: Mapping[str, PlacedPolicy]
    ) -> Iterator[tuple[KeyPath, PlacedPolicy]]:
        for number, given in enumerate(slo.spec.alert_policies):
            path: KeyPath = ("spec", "alertPolicies", number)
            if not isinstance(given, AlertPolicyRef):
                yield path, self._policy(place.at(*path), given)
            elif given.alert_policy_ref in named:
                yield (*path, "alertPolicyRef"), named[given.alert_policy_ref]

    def _policy(self, place: Place, policy: AlertPolicy) -> PlacedPolicy:
        known = {
            document.metadata.name: document.spec.target
            for _, document in self.placed
            if isinstance(document, NotificationTargetDocument)
        }
        targets = [
            known.get(one.target_ref) if isinstance(one, NotificationTargetRef) else one.spec.target
            for one in policy.spec.notification_targets
        ]
        return PlacedPolicy(policy, place, targets)


def refused(problems: Iterable[str]) -> Explained:
    """Return one error for all problems of the documents."""
    lines = list(problems)
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    return Explained(
        "\n  ".join([f"The OpenSLO documents have {count}. Nothing was changed.", *lines])
        + "\nCorrect the documents (docs/monitoring.md says how one is written)."
    )


def _places(path: Path, problems: list[Problem]) -> Iterator[Place]:
    """Read one file; add what is no YAML to `problems`."""
    try:
        nodes = list(yaml.compose_all(path.read_text(encoding="utf-8"), LOADER))
    except OSError as error:
        problems.append(Problem(path.name, 1, f"cannot be read: {error.strerror}"))
        return
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problems.append(Problem(path.name, line, f"not YAML: {getattr(error, 'problem', error)}"))
        return
    for node in nodes:
        problems += (Problem(path.name, line, text) for line, text in repeated_keys(node))
        yield Place.of(path.name, node)


def _document(place: Place, problems: list[Problem]) -> AnyDocument | None:
    """Return a document, without its unknown keys; add what is wrong to `problems`."""
    try:
        content = _content(place.node)
    except (yaml.YAMLError, ValueError) as error:
        # YAML's reader raises ValueError for a date such as 2026-13-45.
        problems.append(place.problem((), f"not YAML: {getattr(error, 'problem', error)}"))
        return None
    try:
        document = DOCUMENT.validate_python(content)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        problems += _problems(place, faults)
        unknown = [fault["loc"] for fault in faults if fault["type"] == "extra_forbidden"]
        if len(unknown) < len(faults) or any(path[-1] in INLINE for path in unknown):
            return None
        # An unknown key hides nothing that is wrong with the known ones.
        document = DOCUMENT.validate_python(_without(content, unknown))
    if isinstance(document, SloDocument):
        for path, wanted in document.spec.inconsistencies():
            problems.append(place.problem(path, f"{_dotted(path)}: wanted {wanted}"))
    return document


def _name(place: Place) -> Name:
    """Return the kind and the name of a document that is wrong elsewhere."""
    kind, name = place.at("kind").node.value, place.at("metadata", "name").node.value
    return str(kind), str(name)


def _content(node: yaml.Node) -> object:
    """Return the content of a node that was composed already."""
    loader: Any = yaml.SafeLoader("")
    return loader.construct_document(node)


def _without(content: object, paths: Iterable[KeyPath]) -> object:
    """Return a document's content without some of its keys."""
    kept: Any = deepcopy(content)
    for path in paths:
        part = kept
        for key in path[:-1]:
            part = part if is_model(key) and key not in part else part[key]
        del part[path[-1]]
    return kept


def _problems(place: Place, faults: Sequence[Any]) -> Iterator[Problem]:
    # A reference instead of a part lacks all keys of the part: one problem, not four.
    replaced = {
        fault["loc"][:-1] for fault in faults if fault["loc"] and fault["loc"][-1] in INLINE
    }
    for fault in faults:
        if fault["type"] in ("union_tag_invalid", "union_tag_not_found"):
            yield place.problem(("kind",), f"kind: one of {', '.join(KINDS)}")
        elif fault["type"] != "missing" or fault["loc"][:-1] not in replaced:
            yield place.problem(fault["loc"], _text(fault))


def _dotted(path: KeyPath) -> str:
    return ".".join(str(part) for part in path if not is_model(part))


def _text(fault: Any) -> str:
    path = _dotted(fault["loc"])
    if fault["type"] == "extra_forbidden":
        *above, key = fault["loc"]
        instead = INLINE.get(str(key))
        path = ".".join(filter(None, (_dotted(tuple(above)), str(key))))
        return f"{path}: {f'not read here; {instead}' if instead else UNKNOWN_KEY}"
    if fault["type"] == "missing":
        return f"{path}: is missing; write it"
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    given = fault["input"]
    shown = f", not {given!r}" if isinstance(given, str | int | float) else ""
    return f"{path or 'the document'}: wanted {message}{shown}"


UNKNOWN_KEY = "OpenSLO v1 knows no such key"
