"""Convert a resource's inputs into the parameters of an API call."""

from collections.abc import Mapping
from typing import Any, cast

from botocore.model import ListShape, MapShape, Shape, StructureShape


def to_api_parameters(value: Any, shape: Shape | None) -> Any:
    """Return the value with the model's capitals in keys and the model's types of numbers.

    Pulumi's wire format has only floating-point numbers, and camelCase keys for every API. A key
    that the model does not have stays as it is, so that validation reports it.
    """
    if shape is None or value is None:
        return value
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        members = {name.lower(): name for name in shape.members}
        fitted: dict[str, Any] = {}
        for key, item in cast("Mapping[str, Any]", value).items():
            if item is not None:
                name = members.get(key.lower(), key)
                fitted[name] = to_api_parameters(item, shape.members.get(name))
        return fitted
    if isinstance(shape, ListShape):
        items = cast("list[Any]", value) if isinstance(value, list) else [value]
        return [to_api_parameters(item, shape.member) for item in items]
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {
            key: to_api_parameters(item, shape.value) for key, item in cast("Any", value).items()
        }
    return _converted_scalar(value, shape.type_name)


def _converted_scalar(value: Any, kind: str) -> Any:
    if isinstance(value, float) and value.is_integer() and kind not in ("float", "double"):
        value = int(value)
    if kind == "string" and isinstance(value, bool):
        return str(value).lower()
    if kind == "string" and isinstance(value, int | float):
        return str(value)
    if kind in ("integer", "long") and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    return value
