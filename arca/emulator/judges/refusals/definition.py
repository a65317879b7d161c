"""What a rule of the table of refusals is made of."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

Params = Mapping[str, Any]


class Fault(NamedTuple):
    """A parameter that AWS refuses, and why."""

    path: str
    says: str


@dataclass(frozen=True)
class MadeCall:
    """A call to AWS, with the parameters in the words of botocore's model."""

    operation: str
    """The service and the operation as boto3 names them: `ec2.create_subnet`."""
    params: Params
    region: str


@dataclass(frozen=True)
class Refusal:
    """A rule that AWS has and no schema carries."""

    name: str
    operations: tuple[str, ...]
    code: str
    """The code of AWS's error."""
    page: str
    """The page of AWS's documentation that has the rule."""
    find: Callable[[MadeCall, Sequence[MadeCall]], Iterable[Fault]]
    """Finds faults in a call, knowing the calls before it."""


def text_rule(pattern: str, wanted: str, *names: str) -> Callable[..., Iterator[Fault]]:
    """Return a search for texts of some parameters, at any depth, that do not fit a pattern."""
    compiled = re.compile(pattern)

    def find(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
        for path, value in texts(call.params, names):
            if compiled.fullmatch(value) is None:
                yield Fault(path, f"{value!r}; wanted: {wanted}")

    return find


def range_rule(least: float, most: float, *names: str) -> Callable[..., Iterator[Fault]]:
    """Return a search for numbers of some parameters of the first level outside a range."""

    def find(call: MadeCall, _earlier: Sequence[MadeCall]) -> Iterator[Fault]:
        for name in names:
            value = call.params.get(name)
            if value is not None and not least <= float(value) <= most:
                yield Fault(name, f"{value}; wanted: {least:g} to {most:g}")

    return find


def texts(value: Any, names: Sequence[str], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the texts of parameters with some names, at any depth, with their paths."""
    if isinstance(value, Mapping):
        for name, inner in cast("Params", value).items():
            here = f"{path}.{name}" if path else name
            if name in names and isinstance(inner, str):
                yield here, inner
            else:
                yield from texts(inner, names, here)
    elif isinstance(value, list):
        for number, inner in enumerate(cast("list[Any]", value)):
            yield from texts(inner, names, f"{path}[{number}]")
