"""Where two task definitions differ, what a new revision keeps, and `arca diff`."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from arca.release.difference import differences
from arca.release.image import ADDED_BY_ECS, with_image
from tests.arca.release.stage import REPOSITORY, URL, Arca, Stage, printed_json
from tests.stacks import graph

VALUES = st.recursive(
    st.text(min_size=1) | st.integers(1, 9),
    lambda inner: st.dictionaries(st.text(min_size=1), inner) | st.lists(inner, max_size=3),
    max_leaves=8,
)


def definition(image: str = "r/api:1") -> dict[str, Any]:
    """Return prod's task definition as ECS describes it."""
    declared = graph("prod").one("aws:ecs/taskDefinition:TaskDefinition", "service")
    containers = json.loads(declared.inputs["containerDefinitions"])
    containers[0]["image"] = image
    given = dict.fromkeys(ADDED_BY_ECS, "by ECS")
    return {"family": "f", "cpu": "1024", "containerDefinitions": containers, **given}


def test_only_the_serving_container_gets_the_image() -> None:
    """The collector keeps its image, and what ECS adds is left out."""
    before = definition()
    after = with_image(before, "r/api:2")
    assert not ADDED_BY_ECS & after.keys()
    assert [(d.path, d.left, d.right) for d in differences(before, after)] == [
        ("containerDefinitions[api].image", "r/api:1", "r/api:2")
    ]


def test_members_of_lists_are_told_by_their_names() -> None:
    """A variable that is inserted first makes no other one differ."""
    left, right = definition(), definition()
    first = right["containerDefinitions"][0]
    first["secrets"] = [{"name": "A_NEW", "valueFrom": "arn"}, *first["secrets"]]
    assert [d.path for d in differences(left, right)] == [
        "containerDefinitions[api].secrets[A_NEW].name",
        "containerDefinitions[api].secrets[A_NEW].valueFrom",
    ]


@given(st.dictionaries(st.text(min_size=1), VALUES))
def test_nothing_differs_from_itself(content: dict[str, Any]) -> None:
    """A task definition does not differ from its copy."""
    assert differences(content, json.loads(json.dumps(content))) == []


def test_diff(stage: Stage, arca: Arca) -> None:
    """`arca diff` compares what runs with the latest template and the image."""
    assert arca("diff").stdout == "No difference.\n"
    found = printed_json(arca("diff", "2", "--json"))
    assert [one["path"] for one in found["differences"]] == ["containerDefinitions[api].image"]
    stage.cloud.register(f"{URL}:1", environment=[{"name": "STAGE", "value": "other"}])
    found = printed_json(arca("diff", "--json"))
    assert found["template"] == "api:2"
    assert [one["right"] for one in found["differences"]] == ["other"]


def test_diff_against_an_image_that_nobody_pushed(stage: Stage, arca: Arca) -> None:
    """An image that is not in the registry is an error: no deployment could run it."""
    result = arca("diff", "9999")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{URL}:9999 is not in the registry" in str(result.exception)
    assert "is not an image of this stack" in str(arca("diff", "other/api:2").exception)
    # What runs already is not looked up: it may have left the registry.
    stage.client("ecr").batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "1"}])
    assert arca("diff").stdout == "No difference.\n"
