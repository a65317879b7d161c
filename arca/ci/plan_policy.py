"""The policies that every plan of the pipeline must keep.

A plan is the event log of `pulumi preview`: one JSON object a line (Pulumi's documentation,
"Events", `resourcePreEvent`). The tests hold what a resource must be like, over the same program.
Only a plan knows what happens to a resource that exists already.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from arca.errors import ArcaError

LOSING_OPERATIONS = frozenset({"delete", "delete-replaced", "discard", "discard-replaced"})
DURABLE_TYPES = frozenset(
    {
        "aws:backup/vault:Vault",
        "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
        "aws:ecr/repository:Repository",
        "aws:kms/key:Key",
        "aws:kms/replicaKey:ReplicaKey",
        "aws:rds/instance:Instance",
        "aws:route53/zone:Zone",
        "aws:s3/bucket:Bucket",
        "aws:secretsmanager/secret:Secret",
    }
)
"""Resource types that hold data, or without which data cannot be read."""
PIPELINE_ROLES = "::arca:delivery:Delivery$"
"""The part of a URN that marks children of the component with the pipeline's own roles."""


def planned_steps(lines: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the metadata of each planned resource step.

    Raises ArcaError where a line is not JSON, or where the log does not begin as a preview's does:
    an empty or cut log says nothing about what the plan would do.
    """
    has_prelude = False
    for line in filter(str.strip, lines):
        try:
            event: dict[str, Any] = json.loads(line)
        except ValueError as error:
            raise _not_a_plan(f"a line is not JSON: {error}") from None
        has_prelude = has_prelude or "preludeEvent" in event
        if "resourcePreEvent" in event:
            yield event["resourcePreEvent"]["metadata"]
    if not has_prelude:
        raise _not_a_plan("no line has a preludeEvent")


def violations(steps: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return one line for each step that the pipeline must leave to an operator."""
    found: list[str] = []
    for step in steps:
        operation, urn = step["op"], step["urn"]
        name = urn.rpartition("::")[2]
        if operation in LOSING_OPERATIONS and step["type"] in DURABLE_TYPES:
            found.append(f"{operation} {name} ({step['type']}): its data would be lost")
        if operation != "same" and PIPELINE_ROLES in urn:
            found.append(f"{operation} {name}: the pipeline does not change its own roles")
    return found


def _not_a_plan(why: str) -> ArcaError:
    return ArcaError(
        f"The input is not the event log of a preview: {why}.",
        where="standard input",
        wanted="the file that `pulumi preview --event-log` wrote, from its first line",
        do="look at the output of the preview, and run it again",
    )
