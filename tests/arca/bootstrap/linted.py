"""What cfn-lint and the schemas of AWS that it carries say of a template."""

from typing import Any, cast

from cfnlint.api import lint  # pyright: ignore[reportMissingTypeStubs] # cfn-lint has none
from cfnlint.config import ManualArgs  # pyright: ignore[reportMissingTypeStubs] # as above
from cfnlint.schema.manager import (  # pyright: ignore[reportMissingTypeStubs] # as above
    PROVIDER_SCHEMA_MANAGER,
)

from arca.bootstrap.template import template

REGIONS = ["us-east-1", "sa-east-1"]


def problems(text: str) -> list[str]:
    """Return what cfn-lint says of a template, warnings included."""
    found = lint(text, config=ManualArgs(regions=REGIONS))
    return [f"{one.rule.id} {one.message} (line {one.linenumber})" for one in found]


def schema(logical_id: str) -> dict[str, Any]:
    """Return the schema by which CloudFormation knows the type of a resource in our template."""
    kind = template()["Resources"][logical_id]["Type"]
    manager = cast("Any", PROVIDER_SCHEMA_MANAGER)
    return cast("dict[str, Any]", manager.get_resource_schema("us-east-1", kind).schema)
