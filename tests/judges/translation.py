"""Translates a declared resource into the CloudFormation resource that is its twin.

CloudFormation's registry schema leads: a key is taken by its name without regard of case and of a
plural's ending, and a value gets the schema's type. A table of twins names the exceptions. A key
that the schema does not have is returned, so that a test can list it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any, cast

JsonObject = dict[str, Any]
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Twin:
    """The CloudFormation type that judges a resource type of Pulumi's, and how the two differ."""

    type: str
    renames: Mapping[str, str] = field(default_factory=dict[str, str])
    """The property of an input, where the names differ.

    An input's path is dotted and passes lists unseen, as in `rules.expiration.days`. The property
    stands beside where the input stood; one that begins with `/` stands at the root, and may be
    dotted. `*` is the root's property that holds every other input of the root.
    """
    shape: Callable[[JsonObject], JsonObject] | None = None
    """Reshapes the inputs, before the renames, where a rename is not enough."""


@dataclass(frozen=True)
class Translated:
    """A resource in CloudFormation's words, and the inputs that CloudFormation has no word for."""

    type: str
    properties: Mapping[str, Any]
    unjudged: tuple[str, ...]


@cache
def schema_of(region: str, kind: str) -> Schema:
    """Return the registry schema of a type in a region, with cfn-lint's corrections."""
    # cfn-lint has no type stubs.
    schemas: Any = import_module("cfnlint.schema")
    return schemas.PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, kind).schema


def translate(inputs: Mapping[str, Any], twin: Twin, region: str) -> Translated:
    """Return the inputs as properties of the twin's type."""
    root = schema_of(region, twin.type)
    shaped = deepcopy(dict(inputs))
    if twin.shape:
        shaped = twin.shape(shaped)
    named: JsonObject = {}
    for key, value in shaped.items():
        target = twin.renames.get(key)
        if target is None and "*" in twin.renames:
            target = f"{twin.renames['*']}.{key}"
        _put(named, (target or key).lstrip("/"), _renamed(value, key, twin.renames, named))
    lost: list[str] = []
    properties = _fit(named, root, root, "", lost)
    return Translated(twin.type, properties, tuple(sorted(set(lost))))


def _renamed(value: Any, path: str, renames: Mapping[str, str], root: JsonObject) -> Any:
    if isinstance(value, list):
        return [_renamed(one, path, renames, root) for one in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    found: JsonObject = {}
    for key, inner in cast("JsonObject", value).items():
        here = f"{path}.{key}"
        target = renames.get(here, key)
        place = root if target.startswith("/") else found
        _put(place, target.lstrip("/"), _renamed(inner, here, renames, root))
    return found


def _put(place: JsonObject, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        place = place.setdefault(name, {})
    # A property that several inputs make up: the parts are joined.
    if isinstance(place.get(last), dict) and isinstance(value, dict):
        place[last] |= value
    else:
        place[last] = value


def _fit(value: Any, schema: Schema, root: Schema, path: str, lost: list[str]) -> Any:
    schema = _resolved(schema, root, value)
    kinds = _kinds(schema)
    value = _of_kind(value, kinds, _resolved(schema.get("items", {}), root, {}))
    if isinstance(value, list):
        items = schema.get("items", {})
        return [_fit(one, items, root, path, lost) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        return dict(_fit_object(cast("JsonObject", value), schema, root, path, lost))
    return _scalar(value, kinds)


def _of_kind(value: Any, kinds: list[str], items: Schema) -> Any:
    """Return a value as the object or the list that the schema wants."""
    if "array" in kinds:
        if isinstance(value, dict):
            return _pairs(cast("JsonObject", value), items)
        return cast("list[Any]", value) if isinstance(value, list) else [value]
    if "object" in kinds:
        if isinstance(value, str) and value.lstrip().startswith("{"):
            return json.loads(value)
        if isinstance(value, list):
            items_of = cast("list[Any]", value)
            return items_of[0] if len(items_of) == 1 else items_of
    return value


def _fit_object(
    value: JsonObject,
    schema: Schema,
    root: Schema,
    path: str,
    lost: list[str],
) -> Iterator[tuple[str, Any]]:
    properties: Schema = schema.get("properties", {})
    if not properties:
        # A map: its keys are the writer's.
        for key, inner in value.items():
            patterns = list(schema.get("patternProperties", {}).values()) or [{}]
            yield key, _fit(inner, patterns[0], root, path, lost)
        return
    names = {name.lower(): name for name in properties}
    for key, inner in value.items():
        if inner is None:
            continue
        name = next((names[one] for one in _spellings(key.lower()) if one in names), None)
        here = f"{path}.{key}" if path else key
        if name is None:
            lost.append(here)
        else:
            yield name, _fit(inner, properties[name], root, here, lost)


def _spellings(key: str) -> Iterator[str]:
    yield key
    yield f"{key}s"
    yield key.removesuffix("s")
    yield f"{key.removesuffix('ies')}y"


def _resolved(schema: Schema, root: Schema, value: Any) -> Schema:
    """Follow references, and take the alternative that fits the value's kind."""
    while True:
        if "$ref" in schema:
            found: Any = root
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            schema = found
            continue
        choices = [*schema.get("oneOf", []), *schema.get("anyOf", [])]
        if choices and "type" not in schema and "properties" not in schema:
            resolved = [_resolved(one, root, value) for one in choices]
            wanted = "object" if isinstance(value, dict) else None
            return next((one for one in resolved if wanted in _kinds(one)), resolved[0])
        return schema


def _kinds(schema: Schema) -> list[str]:
    kind: Any = schema.get("type", [])
    if not kind and "properties" in schema:
        return ["object"]
    return [kind] if isinstance(kind, str) else list(kind)


def _pairs(value: JsonObject, items: Schema) -> list[Any]:
    """Return a map as a list of pairs where the items are pairs, and else as the only item."""
    properties = set(items.get("properties", {}))
    for key in ("Key", "Name"):
        if properties == {key, "Value"}:
            return [{key: name, "Value": text} for name, text in value.items()]
    return [value]


def _scalar(value: Any, kinds: list[str]) -> Any:
    """Pulumi's wire format has only floating-point numbers."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if "string" in kinds and isinstance(value, bool):
        return str(value).lower()
    if kinds == ["string"] and isinstance(value, int | float):
        return str(value)
    if kinds == ["integer"] and isinstance(value, str) and value.isdigit():
        return int(value)
    return value
