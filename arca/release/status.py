"""What the service is doing now, read in one go."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from arca.clients import client, explained
from arca.release import failures, journal
from arca.release.judge import Serving, serving
from arca.release.service import Deployment, Service, image_of, short
from arca.stack import Stack


@dataclass(frozen=True)
class Status:
    """The service now."""

    image: str
    """Of what takes production traffic, or all of them."""
    revision: str
    """`family:number` that takes production traffic, or all of them."""
    desired: int
    running: int
    pending: int
    deployment: dict[str, Any] | None
    """The latest."""
    stop_reasons: tuple[str, ...]
    alarms: dict[str, str]
    release: str | None
    """Who releases now, if anybody does."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def read(stack: Stack) -> Status:
    """Ask ECS, CloudWatch and the journal side by side."""
    service = Service(stack)
    with ThreadPoolExecutor(5) as pool:
        described = pool.submit(service.describe)
        latest = pool.submit(service.deployments, most=1)
        facts = pool.submit(serving, service)
        alarms = pool.submit(_alarms, stack)
        held = pool.submit(journal.read, stack)
        images = pool.submit(lambda: _images(service, facts.result()))
    newest = latest.result()[0] if latest.result() else None
    entry = held.result()
    return Status(
        image=images.result(),
        revision=str(facts.result()),
        desired=described.result()["desiredCount"],
        running=described.result()["runningCount"],
        pending=described.result()["pendingCount"],
        deployment=deployment_json(newest) if newest else None,
        stop_reasons=_reasons(service, newest) if newest else (),
        alarms=alarms.result(),
        release=f"{entry.what} of {entry.image} by {entry.owner}, step {entry.step}"
        if entry
        else None,
    )


def _images(service: Service, found: Serving) -> str:
    names = sorted(found.traffic & found.running)
    return " and ".join(image_of(service.definition(name)) for name in names) or "no image"


def deployment_json(one: Deployment) -> dict[str, Any]:
    """A deployment, for programs and for tables."""
    return {
        "id": short(one.arn),
        "arn": one.arn,
        "status": one.status,
        "reason": one.reason,
        "stage": one.stage,
        "created": one.created.isoformat(),
        "finished": one.finished.isoformat() if one.finished else None,
        "production_percent": one.target.production_percent,
        "test_percent": one.target.test_percent,
        "running": one.target.running,
        "requested": one.target.requested,
        "triggered_alarms": list(one.triggered_alarms),
        "paused": one.paused_hook is not None,
    }


def _reasons(service: Service, newest: Deployment) -> tuple[str, ...]:
    target = service.task_definition(newest.target.arn)
    return failures.of(service, target, since=newest.created).reasons


def _alarms(stack: Stack) -> dict[str, str]:
    names = stack.outputs.service.alarm_names
    if not names:
        return {}
    with explained(stack, "The alarms cannot be read"):
        found = client(stack, "cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    return {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}
