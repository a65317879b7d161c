"""The gates of a release: conditions that must hold before anything is changed."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import chain

from arca import lever
from arca.check import Check
from arca.clients import client, explained
from arca.monitoring.live.objectives import objective_statuses
from arca.release.image import image_reference, registered_digest
from arca.release.references import check_references
from arca.release.service import EcsService, short
from arca.stack import Stack

SEVERE = ("CRITICAL",)
"""Levels of a scan's findings that close the gate."""


def check_gates(service: EcsService, image: str, *, now: datetime) -> list[Check]:
    """Ask all gates for a release of the image; they stand in the order that a person reads."""
    stack = service.stack
    gates: Sequence[Callable[[], Iterator[Check]]] = (
        lambda: _fence(stack),
        lambda: _image(stack, image),
        lambda: _references(service),
        lambda: _in_flight(service),
        lambda: _alarms(stack),
        lambda: _budget(stack, now),
    )

    def ask(gate: Callable[[], Iterator[Check]]) -> list[Check]:
        return list(gate())

    with ThreadPoolExecutor(len(gates)) as pool:
        return list(chain.from_iterable(pool.map(ask, gates)))


def closed(checks: Sequence[Check]) -> list[Check]:
    """Return the gates that are closed."""
    return [check for check in checks if check.verdict == "FAILED"]


def _fence(stack: Stack) -> Iterator[Check]:
    if stack.outputs.fenced:
        yield Check("fence", "FAILED", "the stack is fenced: release to the region that serves")
    elif lever.pulled(stack):
        yield Check("fence", "FAILED", "the lever is pulled: release to the region that serves")


def _image(stack: Stack, image: str) -> Iterator[Check]:
    reference, _ = image_reference(stack, image)
    digest = registered_digest(stack, image)
    if digest is None:
        yield Check("image", "FAILED", f"{reference} is not in the registry; push it first")
        return
    yield Check("image", "OK", f"{reference}, {digest[:19]}")
    yield _scan(stack, digest)


def _scan(stack: Stack, digest: str) -> Check:
    ecr = client(stack, "ecr")
    with explained(stack, "The image's scan cannot be read"):
        try:
            found = ecr.describe_image_scan_findings(
                repositoryName=stack.outputs.registry.repository_name,
                imageId={"imageDigest": digest},
            )
        except ecr.exceptions.ScanNotFoundException:
            return Check("scan", "FAILED", "the image was never scanned; scan it, or wait for it")
    status = found.get("imageScanStatus", {}).get("status", "unknown")
    if status not in ("COMPLETE", "ACTIVE"):
        return Check("scan", "FAILED", f"the scan's status is {status}; wait for it")
    counts = found.get("imageScanFindings", {}).get("findingSeverityCounts", {})
    severe = {level: counts[level] for level in SEVERE if counts.get(level)}
    if severe:
        return Check("scan", "FAILED", f"findings: {severe}; repair the image")
    return Check("scan", "OK", f"no finding of {', '.join(SEVERE)}")


def _references(service: EcsService) -> Iterator[Check]:
    # The release brings its own image; the latest revision's may be a failed one's, and deleted.
    failed = closed(check_references(service, images=False))
    if failed:
        yield from failed
    else:
        yield Check("references", "OK", "roles, secrets, parameters and log groups resolve")


def _in_flight(service: EcsService) -> Iterator[Check]:
    one = service.under_way()
    if one is None:
        yield Check("in-flight", "OK", "no deployment is under way")
    else:
        yield Check(
            "in-flight",
            "FAILED",
            f"{short(one.arn)} is {one.status}: wait for it, or "
            f"`arca stop --stack {service.stack.name}`",
        )


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


def _budget(stack: Stack, now: datetime) -> Iterator[Check]:
    found = objective_statuses(stack, now=now)
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
