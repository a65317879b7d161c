"""Say in plain words what pydantic refuses, and where in the stack's file it stands."""

import json
from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from arca.stackfile import PREFIX, KeyPath, StackFile, did_you_mean
from components.spec import WrongKey
from settings.model import Settings
from settings.problem import HIDDEN, NO_VALUE, Problem, Written

SENSITIVE_SECTION = "alerting"
"""A value in a wrong place of this section may be the secret itself, so none is ever shown."""
WANTED = {
    "format": "{wanted}",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "too_short": "at least {min_length} items",
    "string_too_short": "text that is not empty",
    "string_type": "text",
    **dict.fromkeys(
        ("int_type", "int_parsing", "int_parsing_size", "int_from_float"), "a whole number"
    ),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("tuple_type", "list_type"), "a list, such as [a, b]"),
    **dict.fromkeys(
        ("dict_type", "model_type", "model_attributes_type"),
        "a section: keys with values, indented below it",
    ),
    **dict.fromkeys(
        ("datetime_type", "datetime_parsing", "datetime_from_date_parsing"),
        "a moment in UTC, such as 2027-01-31T08:00:00Z",
    ),
}
"""What is wanted by the type of pydantic's error (pydantic documentation, "Validation Errors")."""


def explain(
    section: str, annotation: object, error: ValidationError, file: StackFile | None
) -> Iterator[Problem]:
    """Yield a problem for each value that pydantic refuses in a section."""
    faults = error.errors(include_url=False)
    below = {
        _whole(fault["loc"][:length]) for fault in faults for length in range(len(fault["loc"]))
    }
    for fault in faults:
        path, place = _walk(annotation, fault["loc"], (section,))
        if fault["type"] == "wrong_keys":
            for wrong in _wrong_keys(fault):
                inner = (*path, *wrong.key.split("."))
                value = HIDDEN if wrong.secret else _at(fault["ctx"]["section"], wrong.key)
                yield _problem(inner, value, wrong.wanted, file)
        elif fault["type"].startswith("union_tag"):
            key = str(fault["ctx"]["discriminator"]).strip("'")
            kinds = [kind_of(model) for model in _models(place)]
            value = _at(fault["input"], key)
            wanted = f"one of {', '.join(kinds)}{did_you_mean(str(value), kinds)}"
            yield _problem((*path, key), value, wanted, file)
        elif fault["type"] in ("too_short", "too_long") and _whole(fault["loc"]) in below:
            # An item of the list is wrong itself, and does not count: one mistake, one message.
            continue
        else:
            value = None if fault["type"] == "missing" else fault["input"]
            of_the_key = fault["type"] == "extra_forbidden" or fault["loc"][-1:] == ("[key]",)
            shown = NO_VALUE if of_the_key else value
            yield _problem(path, shown, _wanted(fault, path, place, file), file)


def _problem(path: KeyPath, value: object, wanted: str, file: StackFile | None) -> Problem:
    line = file.line(path) if file else None
    if path[0] == SENSITIVE_SECTION and value not in (None, NO_VALUE):
        return Problem(".".join(path), HIDDEN, wanted, line)
    written = file.written.get(path) if file else None
    if isinstance(value, int | float) and written and yaml.safe_load(written) == value:
        # YAML makes 0 of 000000000000; the message shows what stands there.
        value = Written(written)
    return Problem(".".join(path), value, wanted, line)


def _wanted(fault: Mapping[str, Any], path: KeyPath, place: object, file: StackFile | None) -> str:
    kind, context = str(fault["type"]), cast("Mapping[str, Any]", fault.get("ctx", {}))
    if kind == "missing":
        return f"a value: {_description(path)}"
    encrypted = file is not None and path in file.encrypted
    if kind == "string_type" and isinstance(fault["input"], int | float) and not encrypted:
        written = file.written.get(path) if file else None
        return f'text; in quotes it is text: "{written or json.dumps(fault["input"])}"'
    if kind in WANTED:
        return WANTED[kind].format(**context)
    if kind == "extra_forbidden":
        return f"no such key{_where_it_belongs(path)}"
    if kind == "literal_error":
        choices = [str(one) for one in _values(place)]
        return f"one of {', '.join(choices)}{did_you_mean(str(fault['input']), choices)}"
    return str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")


def _walk(annotation: object, loc: tuple[int | str, ...], path: KeyPath) -> tuple[KeyPath, object]:
    """Return the path of a fault in the file, and the type that is declared there.

    pydantic's own path names the chosen model of a union too, which no file has.
    """
    place = _bare(annotation)
    for part in loc:
        choices = {kind_of(choice): choice for choice in _models(place)}
        if not _is_model(place) and part in choices:
            place = choices[str(part)]
            continue
        if part == "[key]":
            continue
        path = (*path, str(part))
        place = _bare(_below(place, part))
    return path, place


def _below(place: object, part: int | str) -> object:
    if _is_model(place):
        field = cast("type[BaseModel]", place).model_fields.get(str(part))
        return field.rebuild_annotation() if field else None
    arguments = get_args(place)
    if get_origin(place) is dict:
        return arguments[1]
    return arguments[0] if arguments else None


def _bare(annotation: object) -> object:
    """Return a type without its annotations, and without the None that may stand for it."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        others = [one for one in get_args(annotation) if one is not NoneType]
        if len(others) == 1:
            return _bare(others[0])
    return annotation


def _is_model(place: object) -> bool:
    return isinstance(place, type) and issubclass(place, BaseModel)


def _models(place: object) -> list[type[BaseModel]]:
    """Return the models of a union."""
    if get_origin(place) not in (Union, UnionType):
        return []
    return [cast("type[BaseModel]", one) for one in get_args(place) if _is_model(one)]


def kind_of(model: type[BaseModel]) -> str:
    """Return the text by which a union knows a model: its field with only one possible value."""
    fields = model.model_fields.values()
    return next(str(one.default) for one in fields if len(_values(one.annotation)) == 1)


def _known(path: KeyPath) -> list[str]:
    """Return the keys beside one."""
    return sorted(_fields(path[:-1]))


def _where_it_belongs(path: KeyPath) -> str:
    """Return what may have been meant by a key that its section does not have."""
    *above, key = path
    kinds = [kind_of(model) for model in _places(tuple(above)) if key in model.model_fields]
    if kinds:
        return f" here; it belongs to {' and '.join(kinds)}"
    near = did_you_mean(key, _known(path))
    sections = [f"{PREFIX}{name}" for name in Settings.model_fields if key in _fields((name,))]
    return near or (f" here; it belongs to {' and '.join(sections)}" if sections else "")


def _description(path: KeyPath) -> str:
    return _fields(path[:-1])[path[-1]].description or ""


def _fields(path: KeyPath) -> dict[str, FieldInfo]:
    """Return the fields of a section; where it has several kinds, those of all kinds."""
    return {name: field for model in _places(path) for name, field in model.model_fields.items()}


def _places(path: KeyPath) -> list[type[BaseModel]]:
    """Return the models of a section: one, or as many as it has kinds."""
    places: list[object] = [Settings]
    for part in path:
        below = [_bare(_below(place, part)) for place in places]
        places = [kind for one in below for kind in (_models(one) or [one])]
    return [cast("type[BaseModel]", place) for place in places if _is_model(place)]


def _values(place: object) -> list[object]:
    if get_origin(place) is not Literal:
        return []
    found: list[object] = []
    for one in get_args(place):
        found += _values(one) or [one]
    return found


def _at(value: object, key: str) -> object:
    """Return the value at a dotted key; None where there is none."""
    for part in key.split("."):
        if isinstance(value, BaseModel):
            value = getattr(value, part, None)
        elif isinstance(value, Mapping):
            value = cast("Mapping[str, object]", value).get(part)
        elif isinstance(value, list | tuple) and part.isdigit():
            value = cast("list[object]", value)[int(part)]
        else:
            return None
    return value


def _wrong_keys(fault: Any) -> tuple[WrongKey, ...]:
    return fault["ctx"]["wrong"]


def _whole(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc)
