"""Settings that one run changes: `recovery.phase=promoting` beside the stack's own file.

They last for that run only, as the file stays what describes the stack.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

import yaml

from arca.errors import ArcaError
from arca.stackfile import PREFIX

EXAMPLE = "recovery.phase=promoting"


def read_overrides(texts: Iterable[str]) -> dict[str, Any]:
    """Return the values by their dotted paths; each value is YAML. Raises ArcaError."""
    found: dict[str, Any] = {}
    for text in texts:
        path, equals, value = text.partition("=")
        path = path.strip().removeprefix(PREFIX)
        if not equals or not all(path.split(".")):
            raise _wrong(text, "this is no setting with a value")
        if path in found:
            raise _wrong(text, "the setting stands twice")
        try:
            found[path] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
            raise _wrong(text, f"the value is no YAML: {problem}") from None
    return found


def apply_overrides(config: Mapping[str, str], overrides: Mapping[str, Any]) -> dict[str, str]:
    """Return a stack's settings with some changed; None removes one.

    A list is changed as a whole. The program judges the result as it judges the file. Raises
    ArcaError for a path below a value that has no keys.
    """
    changed = dict(config)
    for path, value in overrides.items():
        section, *keys = path.split(".")
        key = f"{PREFIX}{section}"
        content: Any = _section(changed.get(key)) if keys else None
        changed.pop(key, None)
        if keys:
            _put(content, keys, value, path)
        settled: Any = content if keys else value
        if settled is not None:
            changed[key] = settled if isinstance(settled, str) else _as_text(settled)
    return changed


def _section(text: str | None) -> Any:
    if text is None:
        return {}
    try:
        return json.loads(text)
    except ValueError:
        return text


def _put(content: Any, keys: list[str], value: Any, path: str) -> None:
    inner = content
    for depth, key in enumerate(keys):
        if not isinstance(inner, dict):
            above = ".".join(path.split(".")[: depth + 1])
            raise ArcaError(
                f"There is no setting {path}: {above} is a value without keys.",
                where=f"--set {path}",
                wanted="a path of keys, as in docs/configuration.md",
                do=f"set {above} as a whole",
            )
        mapping = cast("dict[str, Any]", inner)
        if depth == len(keys) - 1:
            if value is None:
                mapping.pop(key, None)
            else:
                mapping[key] = value
        else:
            inner = mapping.setdefault(key, {})


def _as_text(value: Any) -> str:
    """Return a value as Pulumi passes it to the program: anything but text is JSON."""
    return json.dumps(value, default=str)


def _wrong(text: str, problem: str) -> ArcaError:
    return ArcaError(
        f"The option --set cannot be read: {problem}.",
        where=f"--set {text}",
        wanted=f"a setting's path and a value in YAML, for example --set {EXAMPLE}",
        do="correct that option; docs/configuration.md has every setting",
    )
