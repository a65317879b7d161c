"""The judge of Cloudflare's own package: its typed parameters and its models of zone settings.

The package `cloudflare` is generated from Cloudflare's OpenAPI schema, so its TypedDicts say which
parameters exist, which values an enumeration has, and what each kind of rule takes. Its import
takes more than a second, so each function imports only what it asks.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, Literal, NamedTuple, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError

ENTERPRISE_ONLY = re.compile(r"limited to Enterprise Zones|\(Enterprise Only\)")
"""How the package's models of settings say that other plans cannot change them."""
UNEDITABLE = "an uneditable value"


class TypeFault(NamedTuple):
    """A parameter that Cloudflare's types refuse, and why."""

    path: str
    says: str


def judge_parameters(params: str, given: Mapping[str, Any]) -> list[TypeFault]:
    """Return what the type of a call's parameters says of them, those of the path included.

    `params` is the type's place below `cloudflare.types`, for example
    `dns.record_create_params.RecordCreateParams`.
    """
    named, adapter = _parameters(params)
    return list(_against(adapter, {named.get(key, key): value for key, value in given.items()}))


def judge_setting(setting: str, given: Mapping[str, Any]) -> list[TypeFault]:
    """Return what the model of a zone's setting says of a body; raises KeyError without a model."""
    return list(_against(TypeAdapter(_settings()[setting]), {"id": setting, **given}))


def is_setting(setting: str) -> bool:
    """Return whether a zone has a setting of this id."""
    return setting in _settings()


def is_editable(setting: str, *, enterprise: bool) -> bool:
    """Return whether a zone may change a setting, as far as the package's own words say it."""
    words = " ".join((_settings()[setting].__doc__ or "").split())
    return UNEDITABLE not in words and (enterprise or ENTERPRISE_ONLY.search(words) is None)


def _against(adapter: TypeAdapter[Any], given: Any) -> Iterator[TypeFault]:
    try:
        # Lists are validated while they are read.
        taken = _read(adapter.validate_python(given))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(str(step) for step in first["loc"])
        yield TypeFault(path, f"{first['msg']}, not {first['input']!r}")
        return
    for path in _lost(given, taken, ""):
        yield TypeFault(path, "no such parameter")


def _read(value: Any) -> Any:
    """Return a validated value with its lists read; a model becomes what it holds."""
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, dict):
        return {key: _read(inner) for key, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_read(one) for one in cast("Iterable[Any]", value)]
    return value


def _lost(given: Any, taken: Any, path: str) -> Iterator[str]:
    """Yield each key that the types do not know; pydantic leaves those out."""
    if isinstance(given, dict) and isinstance(taken, dict):
        for key, value in cast("dict[str, Any]", given).items():
            here = f"{path}.{key}" if path else key
            if key not in taken:
                yield here
            else:
                yield from _lost(value, taken[key], here)
    elif isinstance(given, list):
        for number, (one, other) in enumerate(zip(cast("list[Any]", given), taken, strict=True)):
            yield from _lost(one, other, f"{path}[{number}]")


@cache
def _parameters(name: str) -> tuple[Mapping[str, str], TypeAdapter[Any]]:
    """Return the names that the package gives the API's, where they differ, and the check."""
    module, _, kind = name.rpartition(".")
    params = getattr(import_module(f"cloudflare.types.{module}"), kind)
    aliases: dict[str, str] = {}
    # A union over a record's types has no hints of its own, and no names that differ.
    hints = {} if get_args(params) else get_type_hints(params, include_extras=True)
    for ours, hint in hints.items():
        for inner in (hint, *get_args(hint)):
            for note in getattr(inner, "__metadata__", ()):
                if getattr(note, "alias", None):
                    aliases[note.alias] = ours
    return aliases, TypeAdapter(params)


@cache
def _settings() -> Mapping[str, type[BaseModel]]:
    """Return the model of each setting of a zone by its id."""
    answer: Any = import_module("cloudflare.types.zones.setting_edit_response")
    found: dict[str, type[BaseModel]] = {}
    for model in _models(answer.SettingEditResponse):
        for kind in _literals(model.model_fields["id"].annotation):
            found[kind] = model
    return found


def _models(hint: Any) -> Iterator[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for inner in get_args(hint):
        yield from _models(inner)


def _literals(hint: Any) -> Iterator[str]:
    if get_origin(hint) is Literal:
        yield from get_args(hint)
    else:
        for inner in get_args(hint):
            yield from _literals(inner)
