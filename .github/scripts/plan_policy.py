"""What no plan of the pipeline may do; a preview's events on stdin, what it does wrong on stdout.

Events are lines of JSON (Pulumi's documentation, "Events", `resourcePreEvent`). What a resource
must be like is held by the tests over the same program; what becomes of one that is there already
only a plan knows.
"""
# ruff: noqa: INP001 - a script of the workflows, run by its path

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

REFUSED = 6
ENDS = frozenset({"delete", "delete-replaced", "discard", "discard-replaced"})
DURABLE = frozenset(
    {
        "aws:ecr/repository:Repository",
        "aws:kms/key:Key",
        "aws:kms/replicaKey:ReplicaKey",
        "aws:rds/instance:Instance",
        "aws:route53/zone:Zone",
        "aws:s3/bucket:Bucket",
        "aws:secretsmanager/secret:Secret",
    }
)
"""What holds data, or what data cannot be read without."""
IDENTITIES = "::arca:delivery:Delivery$"
"""Whatever stands below this component decides what the pipeline itself may do."""


def steps(lines: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """What the plan would do, a resource each; raises ValueError where it is no plan."""
    known = False
    for line in filter(str.strip, lines):
        event: dict[str, Any] = json.loads(line)
        known = known or "preludeEvent" in event
        if "resourcePreEvent" in event:
            yield event["resourcePreEvent"]["metadata"]
    if not known:
        message = "these are no events of a preview, so nothing says what it would do"
        raise ValueError(message)


def wrong(planned: Iterable[Mapping[str, Any]]) -> list[str]:
    """Each thing that an operator has to do by hand, and with whom it rests."""
    found: list[str] = []
    for step in planned:
        operation, urn = step["op"], step["urn"]
        name = urn.rpartition("::")[2]
        if operation in ENDS and step["type"] in DURABLE:
            found.append(f"{operation} {name} ({step['type']}): its data would be gone")
        if operation != "same" and IDENTITIES in urn:
            found.append(f"{operation} {name}: the pipeline does not change its own roles")
    return found


def main() -> int:
    """Read a plan; 6 where it is refused."""
    try:
        found = wrong(steps(sys.stdin))
    except ValueError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    if not found:
        return 0
    sys.stdout.write("".join(f"{line}\n" for line in found))
    sys.stdout.write("An operator brings this up by hand (docs/pipeline.md).\n")
    return REFUSED


if __name__ == "__main__":
    sys.exit(main())
