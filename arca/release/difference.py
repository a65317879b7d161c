"""Where the running task differs from what a deployment would run, path by path."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from arca.release.image import image_of, own_fields, require_registered, with_image
from arca.release.service import EcsService, short

MEMBER_KEYS = ("name", "containerPort", "sourceVolume")
"""Members of a list are compared by the first of these that they have, else by position."""


@dataclass(frozen=True)
class Difference:
    """A value that differs; None where one side has none."""

    path: str
    left: Any
    right: Any

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return asdict(self)


@dataclass(frozen=True)
class DefinitionComparison:
    """What runs, what a deployment would start from, and where they differ."""

    running: str
    """`family:revision` that runs."""
    template: str
    """`family:revision` that a deployment would start from."""
    image: str
    """The image that it would run."""
    differences: list[Difference]


def compare(service: EcsService, image: str | None) -> DefinitionComparison:
    """Compare what runs with what a deployment of an image would run, None for the same image.

    Raises ArcaError for an image that is not in the registry. The running one may have left it.
    """
    running = service.current_definition()
    latest = service.definition(service.stack.outputs.service.task_family)
    wanted = require_registered(service.stack, image) if image else image_of(running)
    return DefinitionComparison(
        running=short(running["taskDefinitionArn"]),
        template=short(latest["taskDefinitionArn"]),
        image=wanted,
        differences=differences(running, with_image(latest, wanted)),
    )


def differences(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[Difference]:
    """Return where two task definitions differ, apart from the fields that ECS adds."""
    one, other = dict(_flatten(own_fields(left), "")), dict(_flatten(own_fields(right), ""))
    return [
        Difference(path, one.get(path), other.get(path))
        for path in sorted(one.keys() | other.keys())
        if one.get(path) != other.get(path)
    ]


def _flatten(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, Any]", value).items():
            yield from _flatten(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for number, inner in enumerate(cast("list[Any]", value)):
            yield from _flatten(inner, f"{path}[{_member(inner, number)}]")
    elif value not in (None, "", 0, False):
        yield path, value


def _member(item: Any, number: int) -> str:
    if isinstance(item, Mapping):
        found = cast("Mapping[str, Any]", item)
        return next((str(found[key]) for key in MEMBER_KEYS if key in found), str(number))
    return str(number)
