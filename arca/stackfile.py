"""Read a stack's file, `Pulumi.<stack>.yaml`, as the Pulumi CLI does, and keep every key's line."""

import json
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from arca import checkout
from arca.errors import ArcaError

PULUMI_PROJECT = checkout.PROJECT_NAME
PREFIX = f"{PULUMI_PROJECT}:"
PULUMIS_OWN = "pulumi:"
"""Beginning of the keys that configure Pulumi itself (Pulumi documentation, "Configuration")."""
BESIDE_CONFIG = ("secretsprovider", "encryptedkey", "encryptionsalt", "environment")
"""What Pulumi writes beside `config` (Pulumi documentation, "Stack settings file reference")."""
PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("bool", "float", "int", "map", "merge", "null", "seq", "str", "timestamp", "value")
)
"""The tags that YAML itself gives to a value (YAML 1.1, "Language-Independent Types")."""
TEXT = "tag:yaml.org,2002:str"
LIKE_A_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
"""A number to Pulumi (gopkg.in/yaml.v3, `yamlStyleFloat`). YAML 1.1 has fewer: to PyYAML an
account that begins with 0 and has an 8 or a 9 is text."""
MOST_VALUES = 10_000
"""Values that a file may have with its aliases, which can stand for each other; ours have 100."""
ENCRYPTED = "e" * 32
"""Stands for an encrypted value, which only Pulumi can read with the stack's key.

It has the form of the only secret among the settings, an integration key of PagerDuty, and it
differs from the placeholders, which consist of zeros.
"""

runs_emulated: ContextVar[bool] = ContextVar("runs_emulated", default=False)
"""Whether the program runs in the emulated cloud, which accepts what only AWS refuses.

It is no setting, so that no stack's file can make `pulumi up` accept a placeholder.
"""

KeyPath = tuple[str, ...]
"""A section, the keys below it, and the positions in lists, which begin with 0."""


@dataclass(frozen=True)
class FileProblem:
    """A key that no program can accept, whatever its value is."""

    path: KeyPath
    line: int
    wanted: str
    foreign: bool = False
    """Whether the key lacks the project's prefix."""


@dataclass(frozen=True)
class StackFile:
    """The content of a stack's file."""

    name: str
    config: Mapping[str, str]
    """The settings as the CLI passes them to the program: objects as JSON."""
    lines: Mapping[KeyPath, int] = field(default_factory=dict[KeyPath, int])
    written: Mapping[KeyPath, str] = field(default_factory=dict[KeyPath, str])
    """The scalars as they stand in the file, before YAML makes numbers and dates of them."""
    encrypted: frozenset[KeyPath] = frozenset()
    """The values that `pulumi config set --secret` wrote."""
    problems: tuple[FileProblem, ...] = ()

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self.name.split(".")[1]

    def line(self, path: KeyPath) -> int | None:
        """Return the line of a key, or of the nearest one above it that the file has."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


def path_of(stack: str, *, root: Path | None = None) -> Path:
    """Return the path of a stack's file, whether it exists or not.

    Raises ArcaError for a name that no stack can have, because it leads into a folder.
    """
    folder = root or checkout.root()
    if "/" in stack:
        raise _no_stack(stack, folder)
    return folder / f"Pulumi.{stack}.yaml"


def stack_config(stack: str, *, root: Path | None = None) -> dict[str, str]:
    """Return the settings of a stack's file; raises ArcaError as `read` does."""
    return dict(read(path_of(stack, root=root)).config)


def read(path: Path) -> StackFile:
    """Return the content of a stack's file.

    Raises ArcaError where there is no such file, or where it is no YAML with settings.
    """
    node = _root(path)
    reader = _Reader(path.name)
    config = reader.config(node)
    if not isinstance(config, yaml.MappingNode):
        raise _without_settings(path)
    return reader.read(config)


def _root(path: Path) -> yaml.MappingNode:
    try:
        node = yaml.compose(_text(path), yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _not_yaml(path, line, error.problem or "it cannot be parsed") from None
    except yaml.YAMLError as error:
        raise _not_yaml(path, 1, str(error).partition("\n")[0]) from None
    except RecursionError:
        raise _not_yaml(path, 1, "it is nested too deeply") from None
    if not isinstance(node, yaml.MappingNode):
        raise _without_settings(path)
    return node


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        stack = path.name.removeprefix("Pulumi.").removesuffix(".yaml")
        raise _no_stack(stack, path.parent) from None
    except OSError as error:
        raise ArcaError(
            f"The stack's file cannot be read: {error.strerror}.",
            where=str(path),
            wanted="a file that you may read",
            do="correct its permissions",
        ) from None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ArcaError(
            "The stack's file is not UTF-8.",
            where=f"{path.name}:{line}",
            wanted="text in UTF-8",
            do="save the file in UTF-8; the first character that is not stands in that line",
        ) from None


def _no_stack(stack: str, folder: Path) -> ArcaError:
    known = sorted(other.name.split(".")[1] for other in folder.glob("Pulumi.*.yaml"))
    # Whoever names the file, or writes in capitals, means the stack.
    meant = Path(stack).name.lower().removeprefix("pulumi.").removesuffix(".yaml")
    return ArcaError(
        f"There is no stack {stack!r}.",
        where=f"Pulumi.{stack}.yaml",
        wanted=f"one of {', '.join(known)}{did_you_mean(meant, known)}",
        do="name one of those, or add the stack's file",
    )


def _without_settings(path: Path) -> ArcaError:
    return ArcaError(
        "The stack's file has no settings.",
        where=path.name,
        wanted="a mapping with the key `config`",
        do="write the settings below `config`; docs/configuration.md has every key",
    )


def _not_yaml(path: Path, line: int, problem: str) -> ArcaError:
    return ArcaError(
        f"The stack's file is not YAML: {problem}.",
        where=f"{path.name}:{line}",
        wanted="keys and values, indented by spaces",
        do="correct that line or the one above it",
    )


class _Reader:
    """Collects lines and problems while it goes through the settings."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[KeyPath, int] = {}
        self.written: dict[KeyPath, str] = {}
        self.encrypted: set[KeyPath] = set()
        self.problems: list[FileProblem] = []
        self._values = 0
        self._above: list[yaml.Node] = []
        """The nodes around the one that is read, to notice an alias of one of them."""

    def config(self, root: yaml.MappingNode) -> yaml.Node | None:
        """Return the value of `config`; any other key that Pulumi does not know is a problem."""
        found: yaml.Node | None = None
        known = ["config", *BESIDE_CONFIG]
        for key, value in self._pairs(root, (), foreign=True):
            name = str(key.value)
            if name == "config":
                found = value
            elif name not in known:
                wanted = f"no such key beside config{did_you_mean(name, known)}"
                line = key.start_mark.line + 1
                self.problems.append(FileProblem((name,), line, wanted, foreign=True))
        return found

    def read(self, config: yaml.MappingNode) -> StackFile:
        """Return the file's content from its `config`."""
        found: dict[str, str] = {}
        for key, value in self._pairs(config, ()):
            line = key.start_mark.line + 1
            name = str(key.value)
            if name.startswith(PULUMIS_OWN):
                continue
            if not name.startswith(PREFIX):
                right = f"{PREFIX}{name.rpartition(':')[2]}"
                wanted = f"a section's name that begins with {PREFIX}, such as {right}"
                self.problems.append(FileProblem((name,), line, wanted, foreign=True))
                continue
            section = (name.removeprefix(PREFIX),)
            self.lines[section] = line
            content = self._value(value, section)
            found[name] = content if isinstance(content, str) else json.dumps(content, default=str)
        return StackFile(
            self.name,
            found,
            self.lines,
            self.written,
            frozenset(self.encrypted),
            tuple(self.problems),
        )

    def _pairs(
        self, node: yaml.MappingNode, path: KeyPath, *, foreign: bool = False
    ) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        """Yield a mapping's keys and values; a key that stands there twice is a problem."""
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                where = path or ("config",)
                wanted = f"keys that are text; that in line {line} is a list or a section"
                self.problems.append(FileProblem(where, line, wanted, foreign=not path))
                continue
            name = str(key.value)
            if name in seen:
                wanted = f"the key once; it stands in line {seen[name]} too"
                where = (*path, name.removeprefix(PREFIX))
                self.problems.append(FileProblem(where, line, wanted, foreign))
                continue
            seen[name] = line
            yield key, value

    def _value(self, node: yaml.Node, path: KeyPath) -> Any:
        self._values += 1
        if self._values > MOST_VALUES:
            line = self.lines[path]
            raise _not_yaml(
                Path(self.name), line, f"with its aliases it has over {MOST_VALUES:,} values"
            )
        if node.tag not in PLAIN_TAGS:
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            self._refuse(path, f"a value without {tag}, because Pulumi knows no YAML tags")
            return None
        if any(node is above for above in self._above):
            self._refuse(path, "a value; the alias stands for a section that contains it")
            return None
        self._above.append(node)
        try:
            return self._content(node, path)
        finally:
            self._above.pop()

    def _refuse(self, path: KeyPath, wanted: str) -> None:
        self.problems.append(FileProblem(path, self.lines[path], wanted))

    def _content(self, node: yaml.Node, path: KeyPath) -> Any:
        if isinstance(node, yaml.MappingNode):
            if [key.value for key, _ in node.value] == ["secure"]:
                self.encrypted.add(path)
                return ENCRYPTED
            found: dict[str, Any] = {}
            for key, value in self._pairs(node, path):
                below = (*path, str(key.value))
                self.lines[below] = key.start_mark.line + 1
                found[below[-1]] = self._value(value, below)
            return found
        if isinstance(node, yaml.SequenceNode):
            items: list[Any] = []
            for number, item in enumerate(node.value):
                below = (*path, str(number))
                self.lines[below] = item.start_mark.line + 1
                items.append(self._value(item, below))
            return items
        self.written[path] = str(node.value)
        plain = isinstance(node, yaml.ScalarNode) and node.style is None
        if plain and node.tag == TEXT and LIKE_A_NUMBER.fullmatch(str(node.value)):
            self._refuse(path, f'quotes, because Pulumi reads a number here: "{node.value}"')
        loader: Any = yaml.SafeLoader("")
        try:
            return loader.construct_document(node)
        except (ValueError, KeyError, yaml.YAMLError):
            # YAML takes 2026-13-45 for a date and `!!bool x` for a truth, and finds none there.
            return str(node.value)


def did_you_mean(name: str, known: list[str]) -> str:
    """Return "; did you mean X?" for the known name that is most like this one, or ""."""
    close = get_close_matches(name, known, 1)
    return f"; did you mean {close[0]}?" if close else ""
