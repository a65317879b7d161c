"""Where two task definitions differ, and what a new revision keeps."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from arca.release.difference import differences
from arca.release.image import ADDED_BY_ECS, with_image
from tests.stacks import graph

VALUES = st.recursive(
    st.text(min_size=1) | st.integers(1, 9),
    lambda inner: st.dictionaries(st.text(min_size=1), inner) | st.lists(inner, max_size=3),
    max_leaves=8,
)


def definition(image: str = "r/api:1") -> dict[str, Any]:
    """Prod's task, as ECS would describe it."""
    declared = graph("prod").one("aws:ecs/taskDefinition:TaskDefinition", "service")
    containers = json.loads(declared.inputs["containerDefinitions"])
    containers[0]["image"] = image
    given = dict.fromkeys(ADDED_BY_ECS, "by ECS")
    return {"family": "f", "cpu": "1024", "containerDefinitions": containers, **given}


def test_only_the_serving_container_gets_the_image() -> None:
    """The collector beside it keeps its own; what ECS adds is left out."""
    before = definition()
    after = with_image(before, "r/api:2")
    assert not ADDED_BY_ECS & after.keys()
    assert [(d.path, d.left, d.right) for d in differences(before, after)] == [
        ("containerDefinitions[api].image", "r/api:1", "r/api:2")
    ]


def test_members_of_lists_are_told_by_their_names() -> None:
    """A variable that comes first moves nothing."""
    left, right = definition(), definition()
    first = right["containerDefinitions"][0]
    first["secrets"] = [{"name": "A_NEW", "valueFrom": "arn"}, *first["secrets"]]
    assert [d.path for d in differences(left, right)] == [
        "containerDefinitions[api].secrets[A_NEW].name",
        "containerDefinitions[api].secrets[A_NEW].valueFrom",
    ]


@given(st.dictionaries(st.text(min_size=1), VALUES))
def test_nothing_differs_from_itself(content: dict[str, Any]) -> None:
    """Whatever stands in it."""
    assert differences(content, json.loads(json.dumps(content))) == []
