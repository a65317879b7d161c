"""A wrong setting, as a person and as a program read it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from arca.stackfile import PREFIX


class _Mark:
    """Stands in the place of a value that a message does not show."""


HIDDEN = _Mark()
"""The value may be a secret."""
NO_VALUE = _Mark()
"""The key itself is wrong, whatever its value is; a secret under a mistyped key is not shown."""


class Written(str):
    """A value as it stands in the file, without the quotes of a text."""

    __slots__ = ()


@dataclass(frozen=True)
class Problem:
    """A wrong setting: its path, its value, and the accepted values."""

    path: str
    """The section and the keys below it, with dots."""
    value: object
    wanted: str
    line: int | None = None
    """Line in the stack's file; None where it is not known."""
    prefix: str = PREFIX
    """What stands before the path; empty for a key that lacks it."""
    only_aws: bool = False
    """Whether only `pulumi up` refuses it, and `make up` does not."""

    def as_json(self, file: str) -> Mapping[str, object]:
        """Return the problem as `--json` prints it."""
        return {
            "file": file,
            "line": self.line,
            "key": f"{self.prefix}{self.path}",
            "value": None if isinstance(self.value, _Mark) else self.value,
            "wanted": self.wanted,
        }

    def text(self, file: str) -> str:
        """Return two lines: where and what stands there, and what is wanted."""
        place = file if self.line is None else f"{file}:{self.line}"
        return f"  {place}: {self.prefix}{self.path}{self._shown()}\n    wanted: {self.wanted}"

    def _shown(self) -> str:
        if self.value is NO_VALUE:
            return ""
        if self.value is HIDDEN:
            return " has a value that is not shown, because it may be a secret"
        if self.value is None:
            return " is missing"
        written = isinstance(self.value, Written)
        text = str(self.value) if written else json.dumps(self.value, default=str)
        return f" is {text}" if len(text) <= 80 else f" is {text[:77]}..."


def report(file: str, problems: Iterable[Problem]) -> str:
    """Return all problems as one text, in the order of the file's lines."""
    ordered = sorted(problems, key=lambda problem: (problem.line or 0, problem.path))
    count = "1 setting is" if len(ordered) == 1 else f"{len(ordered)} settings are"
    return "\n".join(
        [
            f"{file}: {count} wrong. Nothing was changed.",
            *(problem.text(file) for problem in ordered),
            f"Correct {file} (docs/configuration.md has every key) and run it again.",
        ]
    )
