"""The gates' own questions: how an image may be named, and what a scan must say."""

from typing import Any

import pytest

from arca import clients
from arca.check import Check
from arca.errors import ArcaError
from arca.release import gates
from arca.release.image import image_reference
from arca.release.verdict import Verdict
from arca.stack import Stack
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
    """A tag or a digest, alone or behind the repository."""
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
    """Nor is it taken for another one."""
    with pytest.raises(ArcaError, match="is not an image of this stack") as raised:
        image_reference(stage.stack, name)
    assert f"{URL}@sha256:DIGEST" in raised.value.wanted


def test_an_image_by_its_digest(stage: Stage) -> None:
    """It is looked up as one, and is what the tasks run."""
    found = stage.client("ecr").describe_images(repositoryName=REPOSITORY)["imageDetails"]
    digest = next(one["imageDigest"] for one in found if one["imageTags"] == ["2"])
    outcome = stage.release(migrate=False).deploy(digest)
    assert outcome.verdict is Verdict.LIVE
    assert outcome.image == f"{URL}@{digest}"


def scan_says(stage: Stage, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]) -> Check:
    """The scan's gate where ECR answers this."""

    class Scanning:
        """ECR, but for its findings."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

        def describe_image_scan_findings(self, **_: Any) -> dict[str, Any]:
            return answer

    def client(stack: Stack, service: str) -> Any:
        made = clients.client(stack, service)
        return Scanning(made) if service == "ecr" else made

    monkeypatch.setattr(gates, "client", client)
    return next(
        one
        for one in gates.check_gates(stage.service(), "2", now=stage.clock.now())
        if one.name == "scan"
    )


@pytest.mark.parametrize(
    ("status", "counts", "verdict", "said"),
    [
        ("COMPLETE", {"HIGH": 3, "LOW": 1}, "OK", "no finding of CRITICAL"),
        ("ACTIVE", {}, "OK", "no finding of CRITICAL"),
        ("COMPLETE", {"CRITICAL": 2, "LOW": 1}, "FAILED", "findings: {'CRITICAL': 2}; repair"),
        ("ACTIVE", {"CRITICAL": 1}, "FAILED", "findings: {'CRITICAL': 1}; repair"),
        ("IN_PROGRESS", {}, "FAILED", "the scan's status is IN_PROGRESS; wait for it"),
        ("PENDING", {}, "FAILED", "the scan's status is PENDING"),
        ("FAILED", {}, "FAILED", "the scan's status is FAILED"),
    ],
)
def test_a_scan(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    *,
    status: str,
    counts: dict[str, int],
    verdict: str,
    said: str,
) -> None:
    """It must have ended, and without a critical finding."""
    answer = {
        "imageScanStatus": {"status": status},
        "imageScanFindings": {"findingSeverityCounts": counts},
    }
    found = scan_says(stage, monkeypatch, answer)
    assert (found.verdict, said in found.detail) == (verdict, True), found


def test_a_scan_of_which_nothing_is_known(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's word is no word."""
    assert scan_says(stage, monkeypatch, {}).verdict == "FAILED"
