"""The JSON schema of a stack's file, for editors."""

from typing import Any, cast

from pydantic import TypeAdapter

from arca.stackfile import PREFIX
from settings.model import Settings

ENCRYPTED = {
    "type": "object",
    "properties": {"secure": {"type": "string"}},
    "required": ["secure"],
    "additionalProperties": False,
    "description": "Encrypted by `pulumi config set --secret --path`.",
}
ONLY_EMULATED = "runs_on"
"""The key that no file has."""


def stack_file() -> dict[str, Any]:
    """Return the schema: what each key takes, and that there is no other key of the project."""
    whole: dict[str, Any] = TypeAdapter(Settings).json_schema()
    sections: dict[str, Any] = {
        f"{PREFIX}{name}": content
        for name, content in whole["properties"].items()
        if name != ONLY_EMULATED
    }
    config: dict[str, Any] = {
        "type": "object",
        "properties": sections,
        "required": [f"{PREFIX}{name}" for name in whole["required"]],
        # Pulumi's own keys, such as pulumi:tags.
        "patternProperties": {"^pulumi:": {}},
        "additionalProperties": False,
    }
    found: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A stack's file of ARCA API",
        "type": "object",
        "properties": {"config": config},
        "required": ["config"],
        "$defs": whole["$defs"],
    }
    return _with_encrypted(found)


def _with_encrypted(node: Any) -> Any:
    """Let a secret be what `pulumi config set --secret` writes, and nothing else."""
    if isinstance(node, dict):
        given = cast("dict[str, Any]", node)
        if given.get("format") == "password":
            return ENCRYPTED
        return {key: _with_encrypted(value) for key, value in given.items()}
    if isinstance(node, list):
        return [_with_encrypted(item) for item in cast("list[Any]", node)]
    return node
