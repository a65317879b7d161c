"""An owner's values, filled into copies of the real stack files."""

import re
import shutil
from pathlib import Path

import pytest

from arca import checkout, stackfile
from arca.stackfile import StackFile
from settings.load import parse, problems_of
from tests import ROOT
from tools import owner

STACKS = checkout.stack_names()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a directory with copies of the stack files."""
    for stack in STACKS:
        shutil.copy(ROOT / f"Pulumi.{stack}.yaml", tmp_path)
    return tmp_path


def filled(files: Path, stack: str) -> StackFile:
    """Fill the files in, and return that of a stack."""
    owner.fill_in(files)
    return stackfile.read(stackfile.path_of(stack, root=files))


@pytest.mark.parametrize("stack", STACKS)
def test_a_filled_file_is_right_for_aws(files: Path, stack: str) -> None:
    """Neither a rule nor a placeholder nor a missing secret is left to mend."""
    file = filled(files, stack)
    assert problems_of(file) == []
    found = parse(file, emulated=True)
    assert (found.owner.placeholders(), found.delivery.placeholders()) == ([], [])
    assert (("alerting", "pagerduty_key") in file.encrypted) >= (found.stage == "prod")


@pytest.mark.parametrize("stack", STACKS)
def test_no_placeholder_is_left_in_a_filled_file(files: Path, stack: str) -> None:
    """The texts of the committed files are gone, and Pulumi's own keys stand above the settings."""
    filled(files, stack)
    text = (files / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    assert re.findall(r"0{12}|\.example|your-org|placeholder$", text, re.MULTILINE) == []
    assert text.startswith("secretsprovider: ")
    assert text.count("\nencryptedkey: ") == 1


def test_prod_and_dr_have_the_same_owner(files: Path) -> None:
    """They are one system in one account; every other stack has an account of its own."""
    owner.fill_in(files)
    owners = {
        stack: parse(stackfile.read(stackfile.path_of(stack, root=files)), emulated=True).owner
        for stack in STACKS
    }
    image = owners["prod"].image
    assert owners["dr"].image == image.replace("sa-east-1", "us-east-1") != image
    assert owners["dr"].model_copy(update={"image": image}) == owners["prod"]
    assert len({one.account_id for one in owners.values()}) == 3


def test_a_filled_tree_can_be_filled_again(files: Path) -> None:
    """An owner's own tree has values, keys and secrets already."""
    owner.fill_in(files)
    before = {path.name: path.read_text(encoding="utf-8") for path in files.iterdir()}
    owner.fill_in(files)
    assert {path.name: path.read_text(encoding="utf-8") for path in files.iterdir()} == before


def test_a_section_of_routes_gets_the_secret(files: Path) -> None:
    """An owner who has only an e-mail address there still gets one section with both."""
    path = files / "Pulumi.prod.yaml"
    text = re.sub(r"(?ms)^  arca-api:alerting:\n(    .*?\n)+", "", path.read_text(encoding="utf-8"))
    path.write_text(f"{text}  arca-api:alerting:\n    emails: [a@b.com]\n", encoding="utf-8")
    file = filled(files, "prod")
    assert problems_of(file) == []
    assert parse(file, emulated=True).alerting.emails == ("a@b.com",)


def test_a_file_without_a_key_is_named(files: Path) -> None:
    """A renamed key would otherwise keep its placeholder in silence."""
    path = files / "Pulumi.staging.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"(?m)^    domain: .*\n", "", text), encoding="utf-8")
    with pytest.raises(LookupError, match=r"Pulumi\.staging\.yaml has 'domain' 0 times"):
        owner.fill_in(files)
    path.write_text(text.replace("    domain:", "    domain: x\n    domain:"), encoding="utf-8")
    with pytest.raises(LookupError, match=r"Pulumi\.staging\.yaml has 'domain' 2 times"):
        owner.fill_in(files)
