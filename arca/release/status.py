"""What the service is doing now: everything is read at once."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Self

from arca.clients import client, explained
from arca.errors import ArcaError
from arca.release import configuration, failures, given_reasons, held_lock, journal_entry
from arca.release.deployment import who_answers
from arca.release.given_reasons import GivenReason
from arca.release.image import image_of
from arca.release.service import EcsDeployment, EcsService, short
from arca.release.verdict import Serving, read_serving
from arca.stack import Stack


@dataclass(frozen=True)
class ServiceStatus:
    """The service now; its fields are what `arca status --json` prints."""

    image: str
    """The image that takes production traffic, or all of them."""
    revision: str
    """`family:number` that takes production traffic, or all of them."""
    desired: int
    running: int
    pending: int
    deployment: dict[str, Any] | None
    """The latest deployment."""
    stop_reasons: tuple[str, ...]
    """Why tasks of the latest deployment failed."""
    alarms: dict[str, str]
    """The state of each alarm that deployments watch."""
    release: str | None
    """Who releases now; None where nobody does."""
    traffic: tuple[str, ...]
    """Each target group that gets production traffic, with its share and its health."""
    faults: tuple[str, ...]
    """Why customers do not reach the tasks."""
    undeclared: tuple[str, ...]
    """What of the service's deployment configuration is not as the stack declares it."""

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return asdict(self)


def read_status(stack: Stack) -> ServiceStatus:
    """Ask ECS, the load balancer, CloudWatch and the journal at once."""
    service = EcsService(stack)
    with ThreadPoolExecutor(6) as pool:
        described = pool.submit(service.describe)
        latest = pool.submit(service.deployments, most=1)
        serving = pool.submit(read_serving, service)
        alarms = pool.submit(_alarms, stack)
        held = pool.submit(_Held.read, stack)
        noted = pool.submit(_reasons, stack)
        images = pool.submit(lambda: _images(service, serving.result()))
    newest = latest.result()[0] if latest.result() else None
    deployment: dict[str, Any] | None = None
    if newest is not None:
        given = noted.result().get(short(newest.arn))
        deployment = {
            **_deployment_json(newest),
            "noted": given.in_words(newest) if given else None,
            "pause": who_answers(stack, held.result().living) if newest.paused_hook else None,
        }
    return ServiceStatus(
        image=images.result(),
        revision=str(serving.result()),
        desired=described.result()["desiredCount"],
        running=described.result()["runningCount"],
        pending=described.result()["pendingCount"],
        deployment=deployment,
        stop_reasons=_stop_reasons(service, newest) if newest else (),
        alarms=alarms.result(),
        release=held.result().text,
        traffic=tuple(map(str, serving.result().production.shares)),
        faults=serving.result().production.faults,
        undeclared=configuration.undeclared(service, described.result()),
    )


@dataclass(frozen=True)
class _Held:
    """Who releases."""

    text: str | None = None
    """In words; None where nobody does."""
    living: journal_entry.JournalEntry | None = None
    """The journal of a release whose process lives."""

    @classmethod
    def read(cls, stack: Stack) -> Self:
        """Read the journal; one that cannot be read does not disable the rest."""
        try:
            held = held_lock.read(stack)
        except held_lock.UnreadableJournal as unreadable:
            return cls(f"unknown: {unreadable.what} {unreadable.where}; {unreadable.do}")
        if held is None:
            return cls()
        if not held.dead:
            return cls(str(held), held.entry)
        again = "migrate" if held.entry.what == journal_entry.MIGRATION else "deploy --resume"
        goes_on = f"`arca {again} --stack {stack.name}` goes on with it"
        freed = f"{goes_on}, and `arca stop --stack {stack.name}` gives it up"
        return cls(f"{held}; {held_lock.dead_since(held)}: {freed}")


def _reasons(stack: Stack) -> Mapping[str, GivenReason]:
    """Return what `arca` noted; where that cannot be read, the rest is shown without it."""
    try:
        return given_reasons.read_reasons(stack)
    except ArcaError:
        return {}


def _images(service: EcsService, serving: Serving) -> str:
    names = sorted(serving.traffic & serving.running)
    return " and ".join(image_of(service.definition(name)) for name in names) or "no image"


def _deployment_json(one: EcsDeployment) -> dict[str, Any]:
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


def _stop_reasons(service: EcsService, newest: EcsDeployment) -> tuple[str, ...]:
    target = service.task_definition(newest.target.arn)
    return failures.failed_tasks(service, target, since=newest.created).reasons


def _alarms(stack: Stack) -> dict[str, str]:
    names = stack.outputs.service.alarm_names
    if not names:
        return {}
    with explained(stack, "The alarms cannot be read"):
        found = client(stack, "cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    return {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}
