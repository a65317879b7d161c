"""The digest of a plan: the same for the same steps, another one for any other step."""

import json
import random
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore import xform_name
from pulumi.automation.events import EngineEvent

from arca.ci.plan_digest import COMPARED, COMPARED_OF_STATE, plan_digest, require_approved
from arca.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

SAME = {"op": "same", "urn": "urn:pulumi:prod::arca-api::aws:s3/bucket:Bucket::x", "type": "t"}


def steps() -> list[dict[str, Any]]:
    """Return a plan that updates eight resources."""
    found: list[dict[str, Any]] = []
    for number in range(8):
        urn = f"urn:pulumi:prod::arca-api::aws:sqs/queue:Queue::queue-{number}"
        state = {
            "type": "aws:sqs/queue:Queue",
            "urn": urn,
            "id": f"id-{number}",
            "parent": "",
            "inputs": {"size": 1, "tags": {"stack": "prod"}},
            "outputs": {"arn": "unknown"},
            "provider": "p",
        }
        found.append(
            {
                "op": "update",
                "urn": urn,
                "type": "aws:sqs/queue:Queue",
                "old": state,
                "new": {**state, "inputs": {"size": 2, "tags": {"stack": "prod"}}},
                "diffs": ["size"],
                "detailedDiff": {"size": {"diffKind": "update", "inputDiff": True}},
                "provider": "p",
            }
        )
    return found


def test_neither_order_nor_what_stays_counts() -> None:
    """Pulumi works in parallel, and the keys of JSON have no order."""
    plan = steps()
    shuffled = [dict(reversed(step.items())) for step in plan]
    random.Random(7).shuffle(shuffled)  # noqa: S311 - any other order does
    assert plan_digest(plan) == plan_digest([SAME, *shuffled])
    assert len(plan_digest(plan)) == 64
    assert plan_digest([]) == plan_digest([SAME]) != plan_digest(plan)


CHANGES: dict[str, Any] = {
    "op": "replace",
    "urn": "urn:other",
    "type": "other",
    "provider": "other",
    "keys": ["size"],
    "diffs": ["size", "tags"],
    "detailedDiff": {"size": {"diffKind": "update-replace", "inputDiff": True}},
    "old": None,
    "new": None,
}


@pytest.mark.parametrize("key", CHANGES)
def test_another_step_is_another_plan(key: str) -> None:
    """One key of one step."""
    plan, changed = steps(), steps()
    changed[3][key] = CHANGES[key]
    assert plan_digest(changed) != plan_digest(plan)


@pytest.mark.parametrize("side", ["old", "new"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("inputs", {"size": 3}),
        ("id", "another"),
        ("parent", "urn:another"),
        ("protect", True),
        ("retainOnDelete", True),
    ],
)
def test_another_state_is_another_plan(side: str, key: str, value: Any) -> None:
    """Somebody changed the resource after the approval, or the program is another one."""
    plan, changed = steps(), steps()
    changed[3][side] = {**changed[3][side], key: value}
    assert plan_digest(changed) != plan_digest(plan)


def test_a_step_more_or_less_is_another_plan() -> None:
    """Twice the same step is not once."""
    plan = steps()
    digests = {plan_digest(one) for one in (plan, plan[1:], [*plan, plan[0]])}
    assert len(digests) == 3


def test_only_the_approved_plan_is_applied() -> None:
    """Nothing approved is not anything approved."""
    digest = plan_digest(steps())
    require_approved(digest, digest)
    for approved in ("", plan_digest([]), digest[:12]):
        with pytest.raises(Refused, match="is not the approved plan"):
            require_approved(digest, approved)


def test_pulumis_own_sdk_reads_these_keys() -> None:
    """A key that no event has would be the same in every plan; the SDK's reader names them."""
    reader, named = cast("Any", EngineEvent), cast("Callable[[str], str]", xform_name)
    line = {"resourcePreEvent": {"metadata": steps()[0]}, "sequence": 1, "timestamp": 1}
    metadata: Any = reader.from_json(line).resource_pre_event.metadata
    assert {named(key) for key in COMPARED} <= set(dir(metadata))
    unread = {"taint", "external", "retainOnDelete"}
    assert {named(key) for key in set(COMPARED_OF_STATE) - unread} <= set(dir(metadata.new))
    assert metadata.new.inputs == {"size": 2, "tags": {"stack": "prod"}}


def test_the_compared_keys_are_in_the_digest() -> None:
    """Outputs are left out: they are the provider's, and follow from the inputs."""
    plan, changed = steps(), json.loads(json.dumps(steps()))
    changed[0]["new"]["outputs"] = {"arn": "known"}
    assert plan_digest(changed) == plan_digest(plan)
