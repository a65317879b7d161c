"""Bring what a program says into the shape of an API's model."""

from collections.abc import Mapping
from typing import Any, cast

from botocore.model import ListShape, MapShape, Shape, StructureShape


def fit(value: Any, shape: Shape | None) -> Any:
    """Give keys the model's capitals, and numbers the model's types.

    Pulumi's wire format knows only floating-point numbers, and camelCase for every API. What
    the model has no member for is left as it is, so that validation names it.
    """
    if shape is None or value is None:
        return value
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        members = {name.lower(): name for name in shape.members}
        fitted: dict[str, Any] = {}
        for key, item in cast("Mapping[str, Any]", value).items():
            if item is not None:
                name = members.get(key.lower(), key)
                fitted[name] = fit(item, shape.members.get(name))
        return fitted
    if isinstance(shape, ListShape):
        items = cast("list[Any]", value) if isinstance(value, list) else [value]
        return [fit(item, shape.member) for item in items]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {key: fit(item, shape.value) for key, item in cast("Any", value).items()}
    return _scalar(value, shape.type_name)


def _scalar(value: Any, kind: str) -> Any:
    if isinstance(value, float) and value.is_integer() and kind not in ("float", "double"):
        value = int(value)
    if kind == "string" and isinstance(value, bool):
        return str(value).lower()
    if kind == "string" and isinstance(value, int | float):
        return str(value)
    if kind in ("integer", "long") and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    return value
