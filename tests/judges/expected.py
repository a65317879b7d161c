"""What the judges say of the present stacks, and why it stays or who mends it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from arca.emulator.judges.finding import Finding
from tests.judges.roles import LOGS, XRAY

ALL = ("dev", "dr", "prod", "staging")
Place = tuple[str, str, str]
"""A finding's judge, the resource's logical name, and the property without positions in lists."""


@dataclass(frozen=True)
class Expected:
    """A finding that the stacks have today."""

    why: str
    """Why it is no fault, or the item of issue 14 that mends it."""
    stacks: tuple[str, ...] = ALL


EXPECTED: Mapping[Place, Expected] = {
    ("cfn-lint W3037", "delivery-preview", "PolicyDocument.Statement.Action"): Expected(
        "the action is denied, and botocore has its operation; IAM's list has not yet"
    ),
    ("cfn-lint E3020", "database", "StorageEncrypted"): Expected(
        "the provider does not send it for a replica; it makes the state say what is true", ("dr",)
    ),
    ("roles", "audit-trail-writer", "s3:GetObject"): Expected(
        "the page's policy has it; whether Firehose ever reads was not tried on AWS"
    ),
    **{
        ("roles", "probe", action): Expected(
            "the page's policy has it; whether a canary needs it was not tried on AWS",
            ("prod", "staging"),
        )
        for action in ("s3:GetObject", "s3:ListAllMyBuckets")
    },
    **{
        ("roles", "service-migration", action): Expected(
            "the migrations' task has no collector; its role could be without a policy"
        )
        for action in (*LOGS, *XRAY)
    },
}
"""The findings that the stacks have today, by their places."""


def place(finding: Finding) -> Place:
    """Return where a finding is, whatever the positions in lists."""
    steps = re.sub(r"(\.|\[)\d+\]?", "", finding.property)
    return finding.judge, finding.resource.rpartition("::")[2], steps


def unexpected(
    stack: str, findings: Iterable[Finding], *judges: str, some: bool = False
) -> list[str]:
    """Return each finding that nobody expects, and each expected one that is not there any more.

    `judges` are the beginnings of the names of the judges that were asked. With `some`, they were
    asked about some resources only, and nothing is said of expected findings.
    """
    found = {place(one): one for one in findings}
    known = {at for at, one in EXPECTED.items() if stack in one.stacks and at[0].startswith(judges)}
    new = [str(one) for at, one in found.items() if at not in known]
    gone = set[Place]() if some else known - set(found)
    return [*sorted(new), *(f"mended, delete it from EXPECTED: {at}" for at in gone)]
