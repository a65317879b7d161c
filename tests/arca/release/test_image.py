"""How an image of the stack may be named."""

import pytest

from arca.errors import ArcaError
from arca.release.image import image_reference
from arca.release.verdict import Verdict
from tests.arca.release.stage import REPOSITORY, URL, Stage

HEX = "0123456789abcdef" * 4


DIGEST = f"sha256:{HEX}"


@pytest.mark.parametrize(
    ("name", "reference", "identity"),
    [
        ("2", f"{URL}:2", {"imageTag": "2"}),
        (f"{URL}:2", f"{URL}:2", {"imageTag": "2"}),
        ("_1.2-3.x", f"{URL}:_1.2-3.x", {"imageTag": "_1.2-3.x"}),
        ("a" * 128, f"{URL}:{'a' * 128}", {"imageTag": "a" * 128}),
        (DIGEST, f"{URL}@{DIGEST}", {"imageDigest": DIGEST}),
        (f"{URL}@{DIGEST}", f"{URL}@{DIGEST}", {"imageDigest": DIGEST}),
    ],
)
def test_names(stage: Stage, name: str, reference: str, identity: dict[str, str]) -> None:
    """A tag or a digest names an image, alone or behind the repository."""
    assert image_reference(stage.stack, name) == (reference, identity)


@pytest.mark.parametrize(
    "name",
    [
        *("", ":2", "@2", ":::2", "-2", ".2", "a" * 129, "2 ", "2\n", "é", "2:3"),
        *(f"sha256:{HEX[1:]}", f"sha256:{HEX.upper()}", f"@{DIGEST}", f":{DIGEST}", HEX + ":"),
        *(URL, f"{URL}:", f"{URL}2", f"{URL}@2", f"{URL}:{DIGEST}", f"{URL}{DIGEST}"),
        *(f"{URL}/x:2", f"{URL}2:2", f"{URL}::2", f"x{URL}:2", f"{URL}:2@{DIGEST}"),
    ],
)
def test_what_names_no_image(stage: Stage, name: str) -> None:
    """Any other text is refused, and is not taken for another image."""
    with pytest.raises(ArcaError, match="is not an image of this stack") as raised:
        image_reference(stage.stack, name)
    assert f"{URL}@sha256:DIGEST" in raised.value.wanted


def test_an_image_by_its_digest(stage: Stage) -> None:
    """A release by digest looks the image up by digest, and its tasks run it so."""
    found = stage.client("ecr").describe_images(repositoryName=REPOSITORY)["imageDetails"]
    digest = next(one["imageDigest"] for one in found if one["imageTags"] == ["2"])
    outcome = stage.release(migrate=False).deploy(digest)
    assert outcome.verdict is Verdict.LIVE
    assert outcome.image == f"{URL}@{digest}"


@pytest.mark.parametrize("image", ["other/api:2", "docker.io/library/nginx:1", "a b", ""])
def test_an_image_of_somewhere_else(monkeypatch: pytest.MonkeyPatch, image: str) -> None:
    """An image of another registry is refused before the journal is written."""
    stage = Stage(monkeypatch)
    with pytest.raises(ArcaError, match="is not an image of this stack"):
        stage.release().deploy(image)
    assert stage.calls == []


@pytest.mark.parametrize("name", ["2", f"{URL}:2"])
def test_names_of_an_image(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A release takes a tag or a whole reference."""
    stage = Stage(monkeypatch)
    stage.push("2")
    assert stage.release(migrate=False).deploy(name).image == f"{URL}:2"
