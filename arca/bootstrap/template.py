"""The bootstrap's CloudFormation template, and the part of it that an import names."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml

from arca.naming import STATE_KEY_ALIAS, boundary_arn, state_bucket

STACK_NAME = "arca-bootstrap"
GITHUB_ISSUER = "token.actions.githubusercontent.com"
GITHUB_AUDIENCE = "sts.amazonaws.com"
BUDGET_NAME = "arca-monthly"
NO_BUDGET = "0"
"""The value of the parameter MonthlyBudget without which the stack has no budget."""
IMPORTED_PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "StateKey": (),
    "StateKeyAlias": ("AliasName", "TargetKeyId"),
    "StateBucket": ("BucketName",),
    "StateBucketPolicy": ("Bucket", "PolicyDocument"),
    "Boundary": ("ManagedPolicyName", "Description", "Path", "PolicyDocument"),
}
"""The resources of an earlier bootstrap, and their properties in the template of an import.

An import compares no property with the resource, and it may contain nothing but what it imports.
These are the properties that a type requires, and those that no later update can change; the
update that follows the import sets all others. Source: AWS CloudFormation User Guide, "Bringing
existing resources into CloudFormation management".
"""


def template_text() -> str:
    """Return the template as it is deployed, comments included."""
    return (Path(__file__).parent / "template.yaml").read_text(encoding="utf-8")


@cache
def template() -> Mapping[str, Any]:
    """Return the template's content."""
    return cast("Mapping[str, Any]", yaml.safe_load(template_text()))


def template_version() -> int:
    """Return the template's own version, which a deployed stack shows as an output."""
    return int(template()["Outputs"]["TemplateVersion"]["Value"])


def import_template(logical_ids: Iterable[str]) -> str:
    """Return a template, in JSON, of nothing but these resources of an earlier bootstrap."""
    resources: dict[str, Any] = {}
    for logical_id in logical_ids:
        whole = template()["Resources"][logical_id]
        kept = IMPORTED_PROPERTIES[logical_id]
        resources[logical_id] = {
            **whole,
            "Properties": {name: whole["Properties"][name] for name in kept},
        }
    header = {key: template()[key] for key in ("AWSTemplateFormatVersion", "Description")}
    return json.dumps({**header, "Resources": resources}, indent=2)


def resource_names(account_id: str) -> Mapping[str, str]:
    """Return what a person calls each resource of the template, by its logical id."""
    return {
        "StateKey": "key of the state",
        "StateKeyAlias": f"key alias {STATE_KEY_ALIAS}",
        "StateBucket": f"bucket {state_bucket(account_id)}",
        "StateBucketPolicy": f"bucket policy of {state_bucket(account_id)}",
        "IdentityProvider": f"identity provider {GITHUB_ISSUER}",
        "Boundary": f"boundary {boundary_arn(account_id).rpartition('/')[2]}",
        "Budget": f"budget {BUDGET_NAME}",
    }
