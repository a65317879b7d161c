"""The schema that editors use agrees with the settings."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from arca import checkout, stackfile
from settings.load import problems_of
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
    """Each of them names the schema above its settings, where Pulumi keeps the line."""
    text = stackfile.path_of(stack).read_text(encoding="utf-8")
    assert problems(yaml.safe_load(text)) == []
    assert "# yaml-language-server: $schema=docs/stack.schema.json\nconfig:\n" in text


@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_is_marked(name: str) -> None:
    """An editor knows of it before any command runs."""
    assert problems(yaml.safe_load(FILES[name])) != []


def test_an_encrypted_secret_is_accepted() -> None:
    """It is what `pulumi config set --secret --path` writes."""
    encrypted = "  arca-api:alerting:\n    pagerduty_key:\n      secure: v1:abc\n"
    assert problems(yaml.safe_load(DEV + encrypted)) == []


@pytest.mark.parametrize(
    "written",
    [
        "secretsprovider: awskms://alias/arca-state\nencryptedkey: AQICAHhr\n",
        "secretsprovider: passphrase\nencryptionsalt: v1:abc\n",
        "environment: [acme/shared]\n",
        "environment: {imports: [acme/shared], values: {}}\n",
    ],
)
def test_what_pulumi_writes_beside_the_settings_is_accepted(written: str) -> None:
    """`pulumi stack init`, `change-secrets-provider` and `config env add` write these keys."""
    assert problems(yaml.safe_load(written + DEV)) == []


def test_the_schema_and_the_reader_know_the_same_keys() -> None:
    """What an editor marks beside `config`, every command refuses."""
    assert set(SCHEMA["properties"]) == {"config", *stackfile.BESIDE_CONFIG}


def test_a_mistyped_key_beside_the_settings_is_marked() -> None:
    """Pulumi ignores it in silence."""
    assert problems(yaml.safe_load(f"secretprovider: passphrase\n{DEV}")) != []


@pytest.mark.parametrize("key", ["cloudflare_account_id", "cloudflare_zone_id"])
def test_an_id_of_cloudflare_may_be_encrypted(key: str, tmp_path: Path) -> None:
    """The emulated cloud gets a stand-in of the same form."""
    content = yaml.safe_load(DEV)
    content["config"]["arca-api:owner"][key] = {"secure": "v1:abc"}
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert problems(content) == []
    assert [one for one in problems_of(stackfile.read(file)) if not one.only_aws] == []


@pytest.mark.parametrize(
    "key",
    [
        "arca-api:owner account_id",
        "arca-api:owner domain",
        "arca-api:owner image",
        "arca-api:owner contact_email",
        "arca-api:owner team",
        "arca-api:region",
        "arca-api:service environment GREETING",
        "arca-api:alerting slack_team_id",
    ],
)
def test_an_encrypted_text_is_refused_where_it_is_no_secret(key: str, tmp_path: Path) -> None:
    """Editors and the settings agree on it."""
    content = yaml.safe_load(DEV)
    place = content["config"]
    *sections, last = key.split()
    for section in sections:
        place = place.setdefault(section, {})
    place[last] = {"secure": "v1:abc"}
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert problems(content) != []
    refused = [one for one in problems_of(stackfile.read(file)) if not one.only_aws]
    assert len(refused) == 1
    assert refused[0].wanted == "a value in plain text, because this key is not encrypted"
