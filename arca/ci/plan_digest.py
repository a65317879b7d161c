"""One number for a plan, so that what was approved is what is applied.

The approver reads the plan of one job, and another job applies it hours later. Both make the plan
and its digest; the second job ends where they differ. Two plans are the same when they have the
same steps on the same resources, from the same inputs to the same inputs. The order in which
Pulumi lists the steps does not count, because it works in parallel.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from arca.errors import Refused

COMPARED = ("op", "urn", "type", "provider", "keys", "diffs", "detailedDiff")
COMPARED_OF_STATE = ("id", "parent", "protect", "taint", "external", "retainOnDelete", "inputs")
"""What a step says of a resource before and after it, but for outputs, which follow from these.

Source: Pulumi, sdk/go/common/apitype/events.go, StepEventMetadata and StepEventStateMetadata. The
values of secrets are left out there; which of them change is in `detailedDiff`.
"""


def plan_digest(steps: Iterable[Mapping[str, Any]]) -> str:
    """Return the digest of the planned steps as 64 hex digits."""
    lines = sorted(
        json.dumps(_compared(step), sort_keys=True) for step in steps if step["op"] != "same"
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def require_approved(found: str, approved: str) -> None:
    """Raise Refused where the plan is not the approved one; no approved plan is another one too."""
    if found != approved:
        raise Refused(
            f"The plan {found[:12]} is not the approved plan {approved[:12] or '(none)'}.",
            where="the steps of the preview above",
            wanted="the steps that the approver read in the job that shows the plan",
            do="see what has changed since: run all jobs again, and approve the new plan",
        )


def _compared(step: Mapping[str, Any]) -> dict[str, Any]:
    states = {
        side: {key: step[side].get(key) for key in COMPARED_OF_STATE} if step.get(side) else None
        for side in ("old", "new")
    }
    return {**{key: step.get(key) for key in COMPARED}, **states}
