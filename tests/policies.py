"""IAM's decision about a call, by those of its rules that our policies use.

Source: IAM User Guide, "Policy evaluation logic": an explicit deny wins, an identity's policies
allow together, and a permissions boundary has to allow as well.
"""

import json
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from tests.graph import Graph

Context = Mapping[str, str | Sequence[str]]


def allows(
    statements: Sequence[Mapping[str, Any]],
    action: str,
    resource: str,
    context: Context | None = None,
) -> bool:
    """Return whether the statements allow the call in a context of condition keys."""
    met = [s for s in statements if _applies(s, action, resource, context or {})]
    return bool(met) and all(s["Effect"] == "Allow" for s in met)


def of_role(graph: Graph, name: str) -> list[Mapping[str, Any]]:
    """Return the statements of a role's inline policy."""
    policy = graph.one("aws:iam/rolePolicy:RolePolicy", name)
    return list(json.loads(policy.inputs["policy"])["Statement"])


def _applies(statement: Mapping[str, Any], action: str, resource: str, context: Context) -> bool:
    actions = [one.lower() for one in _list(statement["Action"])]
    if not any(fnmatchcase(action.lower(), one) for one in actions):
        return False
    if "NotResource" in statement:
        if _matches(resource, statement["NotResource"]):
            return False
    elif not _matches(resource, statement["Resource"]):
        return False
    conditions = statement.get("Condition", {})
    return all(
        _holds(operator, key, _list(wanted), context)
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, key: str, wanted: list[str], context: Context) -> bool:
    found = _list(context.get(key, []))
    if operator in ("StringEquals", "ForAnyValue:StringEquals", "ArnEquals"):
        # Our ARNs in conditions have no wildcard.
        return any(value in wanted for value in found)
    if operator == "StringLike":
        return any(_matches(value, wanted) for value in found)
    if operator == "ForAllValues:StringNotEquals":
        return all(value not in wanted for value in found)
    message = f"the rules of {operator} are not implemented here"
    raise AssertionError(message)


def _matches(resource: str, patterns: str | list[str]) -> bool:
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), resource)
        for pattern in _list(patterns)
    )


def _list(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
