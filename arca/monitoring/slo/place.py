"""Places in YAML documents: the file and the line of a key, and what is wrong there."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

KeyPath = tuple[str | int, ...]
"""The keys and indexes that lead from the beginning of a document to a value."""


class Fault(NamedTuple):
    """What is wrong with a part of a document."""

    path: KeyPath
    text: str


@dataclass(frozen=True, order=True)
class Problem:
    """Something that is wrong, and where; `sorted` gives the order of the files and lines."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        """Return the problem with its `file:line`."""
        return f"{self.file}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Place:
    """A key of a document, or the document itself."""

    file: str
    line: int
    node: yaml.Node = field(compare=False, repr=False)
    """The value."""

    @classmethod
    def of(cls, file: str, root: yaml.Node) -> "Place":
        """Return the place of a whole document."""
        return cls(file, root.start_mark.line + 1, root)

    def __str__(self) -> str:
        """Return `file:line`."""
        return f"{self.file}:{self.line}"

    def at(self, *path: str | int) -> "Place":
        """Return the place of a key below this one, or of the nearest key above a missing one.

        The names of models, which pydantic's locations have, are passed over.
        """
        line, node = self.line, self.node
        for part in path:
            if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                node = node.value[part]
                line = node.start_mark.line + 1
                continue
            found: list[Any] = node.value if isinstance(node, yaml.MappingNode) else []
            pair = next(((key, value) for key, value in found if key.value == part), None)
            if pair is None and is_model(part):
                continue
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        return Place(self.file, line, node)

    def problem(self, path: KeyPath, text: str) -> Problem:
        """Return a problem with a key below this one."""
        return Problem(self.file, self.at(*path).line, text)


def is_model(part: int | str) -> bool:
    """Return whether a part of a location may name a model; OpenSLO's keys begin small."""
    return isinstance(part, str) and part[:1].isupper()


def repeated_keys(root: yaml.Node) -> Iterator[tuple[int, str]]:
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
