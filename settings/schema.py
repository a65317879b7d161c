"""The JSON schema of a stack's file, for editors."""

from typing import Any, cast

from pydantic import TypeAdapter

from arca.stackfile import PREFIX
from settings.model import CLOUDFLARE_ID, Settings

ENCRYPTED = {
    "type": "object",
    "properties": {"secure": {"type": "string"}},
    "required": ["secure"],
    "additionalProperties": False,
    "description": "Encrypted by `pulumi config set --secret --path`.",
}
REFERENCE = {"$ref": "#/$defs/Encrypted"}
PULUMIS_OWN = {
    "secretsprovider": {"type": "string", "description": "What encrypts this stack's secrets."},
    "encryptedkey": {"type": "string", "description": "The key of the secrets, encrypted by KMS."},
    "encryptionsalt": {"type": "string", "description": "The salt of a passphrase."},
    "environment": {
        "type": ["array", "object"],
        "items": {"type": "string"},
        "description": "Environments of Pulumi ESC: their names, or a definition.",
    },
}
"""What Pulumi writes beside `config` (Pulumi documentation, "Stack settings file reference")."""


def stack_file() -> dict[str, Any]:
    """Return the schema: what each key takes, and that there is no other key of the project."""
    whole: dict[str, Any] = TypeAdapter(Settings).json_schema()
    sections: dict[str, Any] = {
        f"{PREFIX}{name}": content for name, content in whole["properties"].items()
    }
    config: dict[str, Any] = {
        "type": "object",
        "properties": sections,
        "required": [f"{PREFIX}{name}" for name in whole["required"]],
        # Pulumi's own keys, such as pulumi:tags.
        "patternProperties": {"^pulumi:": {}},
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A stack's file of ARCA API",
        "type": "object",
        "properties": {**PULUMIS_OWN, "config": _with_encrypted(config)},
        "required": ["config"],
        "additionalProperties": False,
        "$defs": {"Encrypted": ENCRYPTED, **_with_encrypted(whole["$defs"])},
    }


def _with_encrypted(node: Any) -> Any:
    """Let Cloudflare's ids be what `pulumi config set --secret` writes; a secret is only that."""
    if isinstance(node, dict):
        given = cast("dict[str, Any]", node)
        if given.get("format") == "password":
            return REFERENCE
        if given.get("pattern") == CLOUDFLARE_ID:
            return {"anyOf": [given, REFERENCE]}
        return {key: _with_encrypted(value) for key, value in given.items()}
    if isinstance(node, list):
        return [_with_encrypted(item) for item in cast("list[Any]", node)]
    return node
