"""The judge of botocore's models: patterns, enumerations and upper limits of parameters.

botocore's own validator checks the types, the required members and the lower limits, and leaves
these to the service. The models are AWS's: a pattern is one for the whole text, unless it has an
anchor of its own.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import regex  # pyright: ignore[reportMissingTypeStubs] # regex has none
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from arca.emulator.judges.finding import Finding

JUDGE = "botocore"
SURROGATES = (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
"""Java's way to name the characters beyond the first plane, and Python's."""


def judge(urn: str, params: Any, shape: Shape | None) -> Iterator[Finding]:
    """Yield what the model of an operation says against its parameters."""
    if shape is not None:
        for path, says in _walk(params, shape, ""):
            yield Finding(JUDGE, urn, path, says)


def _walk(value: Any, shape: Shape, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name, inner in cast("dict[str, Any]", value).items():
            if name in shape.members:
                yield from _walk(inner, shape.members[name], f"{path}.{name}" if path else name)
        return
    yield from ((path, says) for says in _limits(value, shape))
    if isinstance(shape, ListShape) and isinstance(value, list):
        for number, inner in enumerate(cast("list[Any]", value)):
            yield from _walk(inner, shape.member, f"{path}[{number}]")
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        for name, inner in cast("dict[str, Any]", value).items():
            yield from _walk(name, shape.key, f"{path}.{name}")
            yield from _walk(inner, shape.value, f"{path}.{name}")


def _limits(value: Any, shape: Shape) -> Iterator[str]:
    most = shape.metadata.get("max")
    if isinstance(value, str | list | dict | bytes):
        size = len(cast("list[Any]", value))
        if most is not None and size > most:
            yield f"{size} long, at most {most}"
    elif isinstance(value, int | float) and most is not None and value > most:
        yield f"{value}, at most {most}"
    if isinstance(value, str):
        pattern = shape.metadata.get("pattern")
        if pattern and not _fits(value, pattern):
            yield f"{value!r} does not match {pattern}"
        known = list(shape.enum) if isinstance(shape, StringShape) else []
        if known and value not in known:
            yield f"{value!r} is none of {', '.join(known)}"


def _fits(text: str, pattern: str) -> bool:
    anchored = pattern.startswith("^") or pattern.endswith("$")
    compiled = _compiled(pattern)
    return bool(compiled.search(text) if anchored else compiled.fullmatch(text))


@cache
def _compiled(pattern: str) -> Any:
    """Compile a pattern of AWS's; Python's own `re` knows no classes of Unicode."""
    return regex.compile(pattern.replace(*SURROGATES))
