"""Ask AWS what an operator needs to move the service: Pulumi's states, and permissions.

Each function raises ArcaError where AWS refuses the call or does not answer.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from arca.clients import client, explained
from arca.naming import boundary_arn, state_bucket
from arca.recovery.facts import Permissions, StateCopy
from arca.recovery.permissions import STEPS, resources, state_key
from arca.stack import Stack


def states(standby: Stack, primary: Stack | None) -> tuple[StateCopy, ...]:
    """Read the first byte of both stacks' states in the account's bucket.

    S3 decrypts it for that, so it also shows that the caller may use the state's key.
    """
    return tuple(_state(standby, stack) for stack in (standby, primary) if stack is not None)


def _state(standby: Stack, stack: Stack) -> StateCopy:
    bucket, key = state_bucket(standby.outputs.account_id), state_key(stack)
    s3, where = client(standby, "s3"), f"s3://{bucket}/{key}"
    with explained(standby, "The state cannot be read"):
        try:
            s3.get_object(Bucket=bucket, Key=key, Range="bytes=0-0")["Body"].read()
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            return StateCopy(where, readable=False, seen=code or str(error))
    return StateCopy(where, readable=True, seen="can be read")


def permissions(standby: Stack, primary: Stack | None) -> Permissions:
    """Ask IAM which of the actions of each step the operator may take on their resources.

    Of conditions, only the boundary and the region are simulated, and no resource policy is.
    Source: AWS IAM API Reference, SimulatePrincipalPolicy.
    """
    iam = client(standby, "iam")
    arns = resources(standby, primary or standby)
    allowed = set[tuple[str, str]]()
    with explained(standby, "The operator's permissions cannot be read"):
        caller = str(client(standby, "sts").get_caller_identity()["Arn"])
        principal = caller
        if ":assumed-role/" in caller:
            # The ARN of a session lacks the path of its role.
            principal = iam.get_role(RoleName=caller.split("/")[1])["Role"]["Arn"]
        for on, actions in _by_resource().items():
            pages = iam.get_paginator("simulate_principal_policy").paginate(
                PolicySourceArn=principal,
                ActionNames=actions,
                ResourceArns=[arns[on]],
                ContextEntries=list(_context(standby, arns[on])),
            )
            allowed |= {
                (on, one["EvalActionName"])
                for page in pages
                for one in page["EvaluationResults"]
                if one["EvalDecision"] == "allowed"
            }
    steps = {
        step: {
            one: all((need.on, one) in allowed for need in needs if one in need.actions)
            for one in sorted({action for need in needs for action in need.actions})
        }
        for step, needs in STEPS.items()
    }
    return Permissions(caller.rpartition(":")[2], steps)


def _by_resource() -> Mapping[str, list[str]]:
    """Return all actions on each resource: one call answers them."""
    found: dict[str, set[str]] = {}
    for needs in STEPS.values():
        for need in needs:
            found.setdefault(need.on, set()).update(need.actions)
    return {on: sorted(actions) for on, actions in found.items()}


def _context(standby: Stack, arn: str) -> Iterator[Any]:
    """Yield the keys that the pipeline's policies have conditions on."""
    outputs = standby.outputs
    keys = {
        "aws:RequestedRegion": next(iter(arn.split(":")[3:4]), "") or outputs.region,
        "iam:PermissionsBoundary": boundary_arn(outputs.account_id),
    }
    for key, value in keys.items():
        yield {"ContextKeyName": key, "ContextKeyType": "string", "ContextKeyValues": [value]}
