"""The template: judged by cfn-lint and the schemas of AWS, and held against names and needs."""

import json
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import arca
from arca.bootstrap import template as module
from arca.bootstrap.template import (
    GITHUB_AUDIENCE,
    GITHUB_ISSUER,
    IMPORTED_PROPERTIES,
    import_template,
    resource_names,
    template,
    template_text,
    template_version,
)
from arca.naming import STATE_KEY_ALIAS, boundary_arn, state_bucket
from tests import ROOT
from tests.arca.bootstrap.accounts import ACCOUNT, BUCKET, NAMES
from tests.arca.bootstrap.linted import problems, schema
from tests.arca.bootstrap.resolved import boundary_document, properties

RESOURCES: dict[str, Any] = template()["Resources"]


def top_level(pointers: list[str]) -> set[str]:
    """Return the properties that pointers such as /properties/Name/Inner begin with."""
    return {pointer.split("/")[2] for pointer in pointers}


def test_cfn_lint_finds_nothing() -> None:
    """Types, properties, functions, conditions and policies are what AWS knows."""
    assert problems(template_text()) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("EnableKeyRotation", "EnableKeysRotation"), ("{Ref: StateKey}", "{Ref: StateKeys}")],
)
def test_cfn_lint_judges(right: str, wrong: str) -> None:
    """A property and a reference that do not exist are found."""
    assert right in template_text()
    assert problems(template_text().replace(right, wrong))


def test_names_are_those_of_the_program() -> None:
    """Stacks, workflows and operators know the resources by these names."""
    assert properties("StateBucket", ACCOUNT)["BucketName"] == state_bucket(ACCOUNT)
    assert properties("StateKeyAlias", ACCOUNT)["AliasName"] == STATE_KEY_ALIAS
    boundary = properties("Boundary", ACCOUNT)
    arn = f"arn:aws:iam::{ACCOUNT}:policy{boundary['Path']}{boundary['ManagedPolicyName']}"
    assert arn == boundary_arn(ACCOUNT)
    assert properties("IdentityProvider", ACCOUNT) == {
        "Url": f"https://{GITHUB_ISSUER}",
        "ClientIdList": [GITHUB_AUDIENCE],
    }
    assert properties("Budget", ACCOUNT)["Budget"]["BudgetName"] == module.BUDGET_NAME
    assert resource_names(ACCOUNT) == {logical: name for name, logical in NAMES.items()}
    assert set(resource_names(ACCOUNT)) == set(RESOURCES)


def test_the_state_is_private_and_old_versions_stay() -> None:
    """What a bucket with every stack's secrets needs."""
    bucket = properties("StateBucket", ACCOUNT)
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": "StateKey.Arn",
    }
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (expiry,) = bucket["LifecycleConfiguration"]["Rules"]
    assert expiry["NoncurrentVersionExpiration"] == {"NoncurrentDays": 365}
    assert not {"Expiration", "ExpirationInDays", "Prefix"} & set(expiry)
    (statement,) = properties("StateBucketPolicy", ACCOUNT)["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    assert properties("StateKey", ACCOUNT)["EnableKeyRotation"] is True


@pytest.mark.parametrize("logical_id", [one for one in RESOURCES if one != "Budget"])
def test_deleting_the_stack_loses_nothing(logical_id: str) -> None:
    """So that deleting it is the way out of every failed state."""
    resource = RESOURCES[logical_id]
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"


def test_the_boundary_fits_into_a_policy() -> None:
    """6144 characters, white space not counted (IAM User Guide, "IAM and AWS STS quotas")."""
    assert len("".join(json.dumps(boundary_document(ACCOUNT)).split())) <= 6144


def test_the_template_fits_into_a_call() -> None:
    """51,200 bytes (AWS CloudFormation API Reference, CreateChangeSet, TemplateBody)."""
    assert len(template_text().encode()) <= 51_200


def test_the_version_is_told_twice() -> None:
    """A person reads it in the description, the command reads it in the output."""
    assert f"template version {template_version()}:" in template()["Description"]


def test_the_template_is_installed_with_the_package() -> None:
    """The package data of pyproject.toml has it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["arca"]
    package = Path(arca.__file__).parent
    data = {path for pattern in patterns for path in package.glob(pattern)}
    assert Path(module.__file__).parent / "template.yaml" in data


@pytest.mark.parametrize("logical_id", IMPORTED_PROPERTIES)
def test_an_import_names_what_no_update_can_change(logical_id: str) -> None:
    """And what the type requires: any other property is set by the update that follows."""
    known = schema(logical_id)
    required = set(known.get("required", []))
    fixed = top_level(known.get("createOnlyProperties", []))
    ours = set(RESOURCES[logical_id]["Properties"])
    assert set(IMPORTED_PROPERTIES[logical_id]) == (required | fixed) & ours


def test_cfn_lint_accepts_the_template_of_an_import() -> None:
    """With all resources of an earlier bootstrap, and with the fewest."""
    for logical_ids in (list(IMPORTED_PROPERTIES), ["StateKey"], ["StateBucket"]):
        text = import_template(logical_ids)
        assert problems(text) == []
        assert set(json.loads(text)["Resources"]) == set(logical_ids)


def test_an_import_has_nothing_that_an_import_may_not_have() -> None:
    """No outputs, no conditions, and a deletion policy for each resource."""
    content = json.loads(import_template(IMPORTED_PROPERTIES))
    assert set(content) == {"AWSTemplateFormatVersion", "Description", "Resources"}
    assert all(one["DeletionPolicy"] for one in content["Resources"].values())
    whole = set(chain.from_iterable(one["Properties"] for one in content["Resources"].values()))
    assert "VersioningConfiguration" not in whole
