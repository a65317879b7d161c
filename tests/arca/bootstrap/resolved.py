"""The bootstrap's template with its functions resolved, as CloudFormation would."""

from collections.abc import Mapping
from typing import Any, cast

from arca.bootstrap.template import template


def properties(logical_id: str, account_id: str) -> dict[str, Any]:
    """Return a resource's properties in an account; other resources stay as their logical ids."""
    return resolve(template()["Resources"][logical_id]["Properties"], account_id)


def boundary_document(account_id: str) -> Mapping[str, Any]:
    """Return the permissions boundary of an account."""
    return properties("Boundary", account_id)["PolicyDocument"]


def resolve(value: Any, account_id: str) -> Any:
    """Resolve Fn::Sub of the account's id, and the names of other resources and parameters."""
    if isinstance(value, list):
        return [resolve(one, account_id) for one in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    mapping = cast("dict[str, Any]", value)
    match mapping:
        case {"Fn::Sub": str(text), **rest} if not rest:
            resolved = text.replace("${AWS::AccountId}", account_id)
            assert "${" not in resolved, f"the rules of {text} are not written down here"
            return resolved
        case {"Ref": str(name), **rest} if not rest:
            return name
        case {"Fn::GetAtt": [str(name), str(attribute)], **rest} if not rest:
            return f"{name}.{attribute}"
        case _:
            return {key: resolve(one, account_id) for key, one in mapping.items()}
