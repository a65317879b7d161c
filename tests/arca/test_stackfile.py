"""How a stack's file is read: as the Pulumi CLI does, with the line of each key."""

import json
from pathlib import Path

import pytest

from arca import stackfile
from arca.errors import ArcaError
from arca.stackfile import ENCRYPTED
from tests.graph import declare
from tests.settings.bad_files import DEV

PAGER = """  arca-api:alerting:
    pagerduty_key:
      secure: AAABAJ1CiphertextOfAKey
    emails: [oncall@acme.com]
encryptionsalt: v1:salt
"""
"""What `pulumi config set --secret --path arca-api:alerting.pagerduty_key` writes."""


@pytest.fixture
def file(tmp_path: Path) -> stackfile.StackFile:
    """Return dev's file with an encrypted key."""
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(DEV + PAGER, encoding="utf-8")
    return stackfile.read(path)


def test_a_key_has_its_line(file: stackfile.StackFile) -> None:
    """Sections, keys and items have lines; what is missing has that of what is above it."""
    assert file.line(("stage",)) == 9
    assert file.line(("owner", "domain")) == 4
    assert file.line(("alerting", "emails", "0")) == 14
    assert file.line(("owner", "team")) == 2
    assert file.line(("network", "cidr")) is None


def test_an_encrypted_value_is_opaque(file: stackfile.StackFile) -> None:
    """Nobody here can read it, and its ciphertext goes nowhere."""
    assert file.encrypted == {("alerting", "pagerduty_key")}
    alerting = json.loads(file.config["arca-api:alerting"])
    assert alerting == {"pagerduty_key": ENCRYPTED, "emails": ["oncall@acme.com"]}
    assert "Ciphertext" not in json.dumps(dict(file.config))


def test_the_program_runs_with_an_encrypted_value(file: stackfile.StackFile) -> None:
    """The emulated cloud subscribes the pager with the stand-in."""
    endpoints = [
        node.inputs["endpoint"]
        for node in declare("dev", file.config).of("aws:sns/topicSubscription:TopicSubscription")
    ]
    assert any(f"/integration/{ENCRYPTED}/" in endpoint for endpoint in endpoints)


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", "true"), ("dev", "dev"), ("[a, 1]", '["a", 1]'), ("1.5", "1.5")],
)
def test_values_arrive_as_the_cli_passes_them(text: str, value: str, tmp_path: Path) -> None:
    """Texts as they are, everything else as JSON."""
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(f"config:\n  arca-api:x: {text}\n", encoding="utf-8")
    assert stackfile.read(path).config == {"arca-api:x": value}


@pytest.mark.parametrize("name", ["DEV", "Pulumi.dev.yaml", "../dev", "./Pulumi.dev.yaml", "devv"])
def test_a_name_almost_a_stack_s_is_answered(
    name: str, file: stackfile.StackFile, tmp_path: Path
) -> None:
    """The error has the name as it was given, and the one that was meant."""
    assert file.stack == "dev"
    with pytest.raises(ArcaError) as raised:
        stackfile.read(stackfile.path_of(name, root=tmp_path))
    assert f"There is no stack '{name}'." in str(raised.value)
    assert "one of dev; did you mean dev?" in str(raised.value)
