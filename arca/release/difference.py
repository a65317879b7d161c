"""Where two task definitions differ, path by path."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from arca.clients import client, explained
from arca.errors import ArcaError
from arca.release.definition import GIVEN_BY_ECS
from arca.release.gates import image_reference
from arca.stack import Stack

NAMED = ("name", "containerPort", "sourceVolume")
"""Members of a list are compared by one of these, not by their position."""


@dataclass(frozen=True)
class Difference:
    """A value that is not the same; None where one side has none."""

    path: str
    left: Any
    right: Any

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"path": self.path, "left": self.left, "right": self.right}


def deployable(stack: Stack, image: str) -> str:
    """The whole reference of an image that is in the registry; raises ArcaError otherwise."""
    reference, wanted = image_reference(stack, image)
    ecr, name = client(stack, "ecr"), stack.outputs.registry.repository_name
    with explained(stack, "The image cannot be looked up"):
        try:
            ecr.describe_images(repositoryName=name, imageIds=[wanted])
        except ecr.exceptions.ImageNotFoundException:
            raise ArcaError(
                f"{reference} is not in the registry.",
                where=stack.where,
                wanted="an image that a deployment could run",
                do="push it first, or name one that is there",
            ) from None
    return reference


def between(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[Difference]:
    """All differences, but for what ECS adds by itself."""
    one, other = dict(_flat(_own(left), "")), dict(_flat(_own(right), ""))
    return [
        Difference(path, one.get(path), other.get(path))
        for path in sorted(one.keys() | other.keys())
        if one.get(path) != other.get(path)
    ]


def _own(definition: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in definition.items() if key not in GIVEN_BY_ECS}


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, Any]", value).items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for number, inner in enumerate(cast("list[Any]", value)):
            yield from _flat(inner, f"{path}[{_key(inner, number)}]")
    elif value not in (None, "", 0, False):
        yield path, value


def _key(item: Any, number: int) -> str:
    if isinstance(item, Mapping):
        found = cast("Mapping[str, Any]", item)
        return next((str(found[key]) for key in NAMED if key in found), str(number))
    return str(number)
