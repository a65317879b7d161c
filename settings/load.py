"""Read a stack's settings once, and report every problem in one message."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast, get_type_hints

import pulumi
from pulumi.runtime import config as runtime_config
from pydantic import TypeAdapter, ValidationError

from settings.model import Settings
from settings.rules import RULES, Problem

NAMESPACE = "arca-api"
SECRET = ("alerting", "alerting.pagerduty_key")
"""Paths whose value must not appear in a message."""


def load() -> Settings:
    """Return the settings of the current stack.

    Raises pulumi.RunError before any resource is declared. The message names the file and, for
    every problem, the key's path, its value and the accepted values.
    """
    values, problems = _validate(_read())
    if problems:
        raise pulumi.RunError(_message(f"Pulumi.{pulumi.get_stack()}.yaml", problems))
    return Settings.model_construct(**values)


def parse(config: Mapping[str, str], *, emulated: bool) -> Settings:
    """Return the settings in the configuration of a stack's file, without a Pulumi run.

    Raises ValueError with the message of `load`.
    """
    own = {key.split(":", 1)[1]: _plain(value) for key, value in config.items()}
    values, problems = _validate({**own, **({"runs_on": "emulated"} if emulated else {})})
    if problems:
        raise ValueError(_message("the stack's file", problems))
    return Settings.model_construct(**values)


def _read() -> dict[str, Any]:
    """Return every key of the project, including those that no section has.

    `pulumi.Config` cannot list keys, so this reads the names from the source that it uses.
    """
    config = pulumi.Config(NAMESPACE)
    known = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    own = [key.split(":", 1)[1] for key in known if key.startswith(f"{NAMESPACE}:")]
    return {key: _plain(config.require(key)) for key in own}


def _plain(text: str) -> object:
    """Parse an object or a list, which arrives as JSON; return any other value as text."""
    if text[:1] not in "{[":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _validate(raw: Mapping[str, object]) -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, Any] = {}
    problems = [
        Problem(key, raw[key], f"no such key; the sections are {', '.join(Settings.model_fields)}")
        for key in raw
        if key not in Settings.model_fields
    ]
    for name, field in Settings.model_fields.items():
        if name not in raw:
            if field.is_required():
                problems.append(Problem(name, None, f"a value: {field.description}"))
            else:
                values[name] = field.get_default()
            continue
        try:
            values[name] = _section(name).validate_python(raw[name])
        except ValidationError as error:
            problems.extend(_explain(name, error))
    found = Settings.model_construct(**values)
    for rule in RULES:
        if all(section in values for section in rule.needs):
            problems.extend(rule.check(found))
    return values, problems


def _section(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(get_type_hints(Settings, include_extras=True)[name])


def _explain(section: str, error: ValidationError) -> Iterator[Problem]:
    for fault in error.errors(include_url=False):
        path = ".".join([section, *(str(part) for part in fault["loc"])])
        value = None if fault["type"] == "missing" else fault["input"]
        value = "(not shown: it may hold a secret)" if path in SECRET else value
        yield Problem(path, value, _wanted(fault))


def _wanted(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "extra_forbidden":
        return "no such key; docs/configuration.md lists the keys"
    if fault["type"] == "missing":
        return "a value"
    message = cast("str", fault["msg"])
    return message.removeprefix("Value error, ").removeprefix("Input should be ")


def _message(file: str, problems: list[Problem]) -> str:
    count = "1 setting is" if len(problems) == 1 else f"{len(problems)} settings are"
    lines = [f"{file}: {count} wrong. Nothing was changed."]
    for problem in problems:
        lines.append(f"  {NAMESPACE}:{problem.path} is {_shown(problem.value)}")
        lines.append(f"    wanted: {problem.wanted}")
    lines.append(f"Correct {file} (docs/configuration.md has every key) and run it again.")
    return "\n".join(lines)


def _shown(value: object) -> str:
    if value is None:
        return "missing"
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."
