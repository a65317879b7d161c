"""The schema that editors use agrees with the settings."""

import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from arca import checkout, stackfile
from tests import ROOT
from tests.settings.bad_files import DEV, FILES

SCHEMA = json.loads((ROOT / "docs" / "stack.schema.json").read_text(encoding="utf-8"))
REFUSED = (
    "a mistyped section",
    "a mistyped key",
    "a missing owner",
    "a missing key",
    "a section that is a list",
    "a word for a number",
    "a number for a text",
    "a stage that is none",
    "a strategy that is none",
    "too small",
    "an account with two digits",
    "a repository without an owner",
    "a secret in plain text",
    "a size that is none",
)
"""Mistakes within one key, which an editor marks while somebody types."""


def problems(content: Any) -> list[str]:
    """Return what the schema refuses."""
    # The validator's types do not cover what a file may contain.
    validator: Any = Draft202012Validator(SCHEMA)
    return [error.message for error in validator.iter_errors(content)]


def test_the_schema_is_one() -> None:
    """Its own schema accepts it."""
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("stack", checkout.stack_names())
def test_the_real_files_keep_the_schema(stack: str) -> None:
    """Each of them names the schema in its first line."""
    text = stackfile.path_of(stack).read_text(encoding="utf-8")
    assert problems(yaml.safe_load(text)) == []
    assert text.startswith("# yaml-language-server: $schema=docs/stack.schema.json\n")


@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_is_marked(name: str) -> None:
    """An editor knows of it before any command runs."""
    assert problems(yaml.safe_load(FILES[name])) != []


def test_an_encrypted_secret_is_accepted() -> None:
    """It is what `pulumi config set --secret --path` writes."""
    encrypted = "  arca-api:alerting:\n    pagerduty_key:\n      secure: v1:abc\n"
    assert problems(yaml.safe_load(DEV + encrypted)) == []
