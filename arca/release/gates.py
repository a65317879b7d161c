"""What must hold before anything is changed; each gate one function, run side by side."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from arca.check import Check
from arca.clients import client, explained
from arca.errors import ArcaError
from arca.monitoring.live.objectives import status
from arca.release.references import tree
from arca.release.service import Service, short
from arca.stack import Stack

_TAG, _DIGEST = r"(?P<tag>\w[\w.-]{0,127})", r"(?P<digest>sha256:[0-9a-f]{64})"
SHORT = re.compile(rf"{_TAG}|{_DIGEST}", re.ASCII)
BEHIND = re.compile(rf":{_TAG}|@{_DIGEST}", re.ASCII)
"""What names an image alone, and behind its repository. Source: OCI Distribution Specification 1.1,
"Pulling manifests", whose references are a tag or a digest."""
SEVERE = ("CRITICAL",)
"""Findings of a scan that no release takes along."""
OVERRIDABLE = ("scan", "alarms", "budget")
"""Gates that a person may open, with a reason: the others protect from a wrong command."""


def image_reference(stack: Stack, image: str) -> tuple[str, dict[str, str]]:
    """The whole reference and ECR's id of `1.2.3`, `sha256:...` or a whole reference.

    Raises ArcaError for an image of another repository, and for one without a tag or digest.
    """
    url = stack.outputs.registry.repository_url
    found = SHORT.fullmatch(image)
    if found is None and image.startswith(url):
        found = BEHIND.fullmatch(image, len(url))
    if found is None:
        raise ArcaError(
            f"{image} is no image of this stack.",
            where=stack.where,
            wanted=f"TAG, sha256:DIGEST, {url}:TAG or {url}@sha256:DIGEST",
            do="push the image there first, and name it by its tag",
        )
    if found["digest"]:
        return f"{url}@{found['digest']}", {"imageDigest": found["digest"]}
    return f"{url}:{found['tag']}", {"imageTag": found["tag"]}


def run(service: Service, image: str) -> list[Check]:
    """All gates, in the order in which a person reads them."""
    stack = service.stack
    gates: Sequence[Callable[[], Iterator[Check]]] = (
        lambda: _image(stack, image),
        lambda: _references(service),
        lambda: _in_flight(service),
        lambda: _alarms(stack),
        lambda: _budget(stack),
    )

    def asked(gate: Callable[[], Iterator[Check]]) -> list[Check]:
        return list(gate())

    with ThreadPoolExecutor(len(gates)) as pool:
        return list(chain.from_iterable(pool.map(asked, gates)))


def _image(stack: Stack, image: str) -> Iterator[Check]:
    reference, wanted = image_reference(stack, image)
    ecr = client(stack, "ecr")
    with explained(stack, "The image cannot be looked up"):
        try:
            found: Mapping[str, Any] = ecr.describe_images(
                repositoryName=stack.outputs.registry.repository_name, imageIds=[wanted]
            )["imageDetails"][0]
        except (ecr.exceptions.ImageNotFoundException, IndexError):
            yield Check("image", "FAILED", f"{reference} is not in the registry; push it first")
            return
        yield Check("image", "OK", f"{reference}, {found['imageDigest'][:19]}")
        yield _scan(stack, ecr, found["imageDigest"])


def _scan(stack: Stack, ecr: Any, digest: str) -> Check:
    try:
        found: Mapping[str, Any] = ecr.describe_image_scan_findings(
            repositoryName=stack.outputs.registry.repository_name,
            imageId={"imageDigest": digest},
        )
    except ecr.exceptions.ScanNotFoundException:
        return Check("scan", "FAILED", "the image was never scanned; scan it, or wait for it")
    status = found.get("imageScanStatus", {}).get("status", "unknown")
    if status not in ("COMPLETE", "ACTIVE"):
        return Check("scan", "FAILED", f"the scan's status is {status}; wait for it")
    counts: Mapping[str, int] = found.get("imageScanFindings", {}).get("findingSeverityCounts", {})
    severe = {level: counts[level] for level in SEVERE if counts.get(level)}
    if severe:
        return Check("scan", "FAILED", f"findings: {severe}; repair the image")
    return Check("scan", "OK", f"no finding of {', '.join(SEVERE)}")


def _references(service: Service) -> Iterator[Check]:
    # The release brings its own image; the latest revision's may be a failed one's, and deleted.
    found = tree(service, images=False)
    failed = [check for check in found if check.verdict == "FAILED"]
    if failed:
        yield from failed
    else:
        yield Check("references", "OK", "roles, secrets, parameters and log groups resolve")


def _in_flight(service: Service) -> Iterator[Check]:
    one = service.under_way()
    if one is not None:
        yield Check(
            "in-flight",
            "FAILED",
            f"{short(one.arn)} is {one.status}: wait for it, or "
            f"`arca stop --stack {service.stack.name}`",
        )
    else:
        yield Check("in-flight", "OK", "no deployment is under way")


def _alarms(stack: Stack) -> Iterator[Check]:
    names = stack.outputs.service.alarm_names
    if not names:
        yield Check("alarms", "SKIPPED", "the stack's deployments watch no alarm")
        return
    with explained(stack, "The alarms cannot be read"):
        found = client(stack, "cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    firing = [alarm["AlarmName"] for alarm in found if alarm["StateValue"] == "ALARM"]
    gone = sorted({*names} - {alarm["AlarmName"] for alarm in found})
    if firing:
        # Amazon ECS Developer Guide, "How CloudWatch alarms detect Amazon ECS deployment
        # failures": an alarm that is in ALARM at the start is not watched.
        yield Check("alarms", "FAILED", f"already firing, so nobody would watch: {firing}")
    elif gone:
        yield Check("alarms", "FAILED", f"there is no alarm {', '.join(gone)}")
    else:
        yield Check("alarms", "OK", f"{len(names)} watched, none fires")


def _budget(stack: Stack) -> Iterator[Check]:
    found = status(stack, now=datetime.now(UTC))
    gone = [one.title for one in found if (one.consumed_percent or 0) >= 100]
    known = [one for one in found if one.consumed_percent is not None]
    if gone:
        yield Check(
            "budget", "FAILED", f"used up: {', '.join(gone)}; only repairs (docs/monitoring.md)"
        )
    elif known:
        yield Check("budget", "OK", f"{len(known)} objectives have budget left")
    else:
        yield Check("budget", "SKIPPED", "no objective has data yet")
