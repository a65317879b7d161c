"""The verdict on a release: the rule that decides it, the evidence that the rule looks at.

A verdict follows from what runs, never from what a command expects. The load balancer says which
targets get production traffic, and ECS says whose tasks these are. `judge` is the rule: it
compares both with the status of the deployment. `ReleaseOutcome` carries the verdict to the
operator.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from arca.clock import Clock
from arca.errors import ArcaError, ExitCode
from arca.monitoring.runbooks import RUNBOOKS
from arca.release import failures
from arca.release.image import image_of
from arca.release.outage import outlast
from arca.release.service import EcsDeployment, EcsService, short
from arca.traffic import ProductionTraffic, read_production_traffic

RUNBOOK = "deployment-rollback"
REPLACED = "STOPPED"
"""The status of a deployment that another one has replaced; an operator's abort leads to it too."""
MOST_LOOKS = 6
"""How often the evidence is read while it contradicts the deployment's status: ECS and the load
balancer are eventually consistent."""


class Verdict(StrEnum):
    """How a release ended; each verdict has an exit code of its own."""

    LIVE = "live"
    """The new revision takes all of the traffic, and nothing else runs."""
    FAILED = "failed"
    """The new revision is not live and the previous one was not touched; or it is live and its
    smoke tests fail. The reason says which."""
    ROLLED_BACK = "rolled back"
    """The previous revision takes all of the traffic again."""
    ROLLBACK_FAILED = "rollback failed"
    """Neither revision is known to serve: somebody has to look now."""
    UNKNOWN = "unknown"
    """The deployment goes on, or what runs is not what its status says."""
    REFUSED = "refused"
    """A gate is closed; nothing was done."""
    ANOTHER_SERVES = "another serves"
    """A rollback or a stop came too late, ECS undid it, or somebody else deployed: what serves is
    not what was asked for."""

    @property
    def exit_code(self) -> ExitCode:
        """The process exit code."""
        return VERDICT_EXIT_CODES[self]


VERDICT_EXIT_CODES: Mapping[Verdict, ExitCode] = {
    Verdict.LIVE: ExitCode.DONE,
    Verdict.FAILED: ExitCode.FAILED,
    Verdict.ROLLED_BACK: ExitCode.ROLLED_BACK,
    Verdict.ROLLBACK_FAILED: ExitCode.ROLLBACK_FAILED,
    Verdict.UNKNOWN: ExitCode.UNKNOWN,
    Verdict.REFUSED: ExitCode.REFUSED,
    Verdict.ANOTHER_SERVES: ExitCode.ANOTHER_SERVES,
}


@dataclass(frozen=True)
class Serving:
    """The evidence: which task definitions get production traffic, and which have tasks."""

    traffic: frozenset[str]
    """ARNs of task definitions, and the address of each target that is not a task of the
    service."""
    running: frozenset[str]
    production: ProductionTraffic
    """What the load balancer says about the traffic, and about the health of its targets."""
    wanted: int
    """The number of tasks that the service is set to."""

    def reaches(self, wanted: int) -> bool:
        """Return whether customers reach so many tasks, or as many as the service is set to.

        Autoscaling may have removed tasks since the deployment ended.
        """
        enough = self.production.healthy >= min(wanted, self.wanted)
        return enough and not self.production.faults

    def shortage(self, wanted: int) -> str:
        """Return why not enough tasks are reached, in words that follow a sentence."""
        if self.production.faults:
            return f"; but {'; '.join(self.production.faults)}"
        if not self.reaches(wanted):
            return f"; but only {self.production.healthy} of {wanted} targets are healthy"
        return ""

    def only(self, task_definition: str | None) -> bool:
        """Return whether a task definition gets all of the traffic, and no other has tasks."""
        return self.alone == task_definition is not None and self.traffic == self.running

    @property
    def alone(self) -> str | None:
        """The one task definition that gets all of the traffic; None where several or none do."""
        return next(iter(self.traffic)) if len(self.traffic) == 1 else None

    def __str__(self) -> str:
        """Name what serves, for a person."""
        return " and ".join(map(short, sorted(self.traffic))) or "nothing"


def judge(
    deployment: EcsDeployment, serving: Serving, *, target: str, source: str | None
) -> tuple[Verdict, str]:
    """Return the verdict on a deployment that ended, and the reason.

    The rule: a status counts only where the evidence agrees with it, and is UNKNOWN otherwise.
    `target` is the new task definition, `source` the previous one.
    """
    verb = "serve" if len(serving.traffic) > 1 else "serves"
    said = f"ECS says {deployment.status}, and {serving} {verb}"
    wanted = deployment.target.requested
    why = f": {deployment.reason}" if deployment.reason else ""
    match deployment.status:
        case "SUCCESSFUL" if serving.only(target) and serving.reaches(wanted):
            verdict = Verdict.LIVE
        case "ROLLBACK_SUCCESSFUL" if serving.only(source) and serving.reaches(1):
            verdict = Verdict.ROLLED_BACK
        case "ROLLBACK_FAILED":
            verdict = Verdict.ROLLBACK_FAILED
        case "STOPPED" if source != target and serving.only(source) and serving.reaches(1):
            verdict = Verdict.FAILED
        case _:
            verdict = Verdict.UNKNOWN
            said = f"{said}, in stage {deployment.stage}{serving.shortage(wanted)}"
    return verdict, said + why


def judge_replaced(
    successor: EcsDeployment, serving: Serving, *, target: str, source: str | None, release: str
) -> tuple[Verdict, str]:
    """Return the verdict on a deployment whose place another one has taken, and the reason.

    ECS calls the replaced one STOPPED whatever serves, so only the traffic counts; and nothing is
    decided while the successor is under way. `release` names what the successor deploys.
    """
    paused = " and paused" if successor.paused_hook else ""
    # ECS does not say who began a deployment (AWS CloudTrail User Guide, "userIdentity").
    reason = (
        f"{short(successor.arn)} of {release} has taken its place: it is {successor.status}"
        f"{paused}, and {serving} gets the traffic; CloudTrail names who called UpdateService at "
        f"{successor.created:%H:%M:%S} UTC"
    )
    alone, verdict = serving.alone, Verdict.UNKNOWN
    wanted = successor.target.requested if alone == target else 1
    if successor.under_way:
        reason += "; `arca deploy --resume` follows the successor"
    elif alone is None or not (serving.only(alone) and serving.reaches(wanted)):
        reason += serving.shortage(wanted)
    elif alone == target:
        verdict = Verdict.LIVE
    elif alone == source:
        verdict = Verdict.ROLLED_BACK
    else:
        verdict = Verdict.ANOTHER_SERVES
    return verdict, reason


def release_of(service: EcsService, deployment: EcsDeployment) -> str:
    """Return the revision that a deployment deploys and its image, for a person."""
    target = service.task_definition(deployment.target.arn)
    return f"{short(target)} ({image_of(service.definition(target))})"


def read_serving(service: EcsService) -> Serving:
    """Read the evidence: the load balancer's targets, and the tasks that they belong to."""
    production = read_production_traffic(service.stack)
    addresses = {str(found["Target"]["Id"]) for found in production.targets}
    tasks = service.tasks()
    owners = {
        address: str(task["taskDefinitionArn"]) for task in tasks for address in _addresses(task)
    }
    return Serving(
        traffic=frozenset({owners.get(address, address) for address in addresses}),
        running=frozenset(task["taskDefinitionArn"] for task in tasks),
        production=production,
        wanted=int(service.describe()["desiredCount"]),
    )


def _addresses(task: Mapping[str, Any]) -> Iterator[str]:
    """Yield a task's private addresses, IPv4 and IPv6 (Amazon ECS API Reference, Attachment)."""
    for attachment in task.get("attachments", []):
        for detail in attachment.get("details", []):
            if detail["name"] in ("privateIPv4Address", "ipv6Address"):
                yield detail["value"]


def judge_when_settled(
    service: EcsService, clock: Clock, ended: EcsDeployment, *, target: str, source: str | None
) -> tuple[Verdict, str, Serving]:
    """Read the evidence until it agrees with the status; return verdict, reason and evidence.

    It gives up after MOST_LOOKS looks, and at once where the deployment has not ended. Where
    another deployment has taken its place, its status says nothing, and only what serves counts.
    """
    looks = 1
    while True:
        serving = outlast(lambda: read_serving(service), clock)
        verdict, reason = judge(ended, serving, target=target, source=source)
        newest = outlast(lambda: service.newest_after(ended), clock)
        if newest is not None and (ended.status == REPLACED or verdict is Verdict.UNKNOWN):
            verdict, reason = judge_replaced(
                newest, serving, target=target, source=source, release=release_of(service, newest)
            )
        goes_on = ended.under_way or (newest is not None and newest.under_way)
        if verdict is not Verdict.UNKNOWN or goes_on or looks == MOST_LOOKS:
            return verdict, reason, serving
        looks += 1
        clock.sleep(service.poll_seconds)


@dataclass(frozen=True)
class ReleaseOutcome:
    """The verdict, and all that an operator needs with it."""

    verdict: Verdict
    reason: str
    image: str
    task_definition: str | None = None
    runs: str | None = None
    """The task definition that takes production traffic now."""
    deployment: str | None = None
    """ARN of the service deployment."""
    stop_reasons: tuple[str, ...] = ()
    log_lines: tuple[str, ...] = ()
    runbook: str | None = None
    checks: tuple[Mapping[str, Any], ...] = ()
    """The gates' answers."""
    opened: Mapping[str, str] = field(default_factory=dict[str, str])
    """The closed gates that an operator opened, and the operator's reason for each."""

    @property
    def exit_code(self) -> ExitCode:
        """The process exit code."""
        return self.verdict.exit_code

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "verdict": str(self.verdict),
            "exit_code": self.exit_code,
            "reason": self.reason,
            "image": self.image,
            "task_definition": self.task_definition,
            "runs": self.runs,
            "deployment": self.deployment,
            "stop_reasons": list(self.stop_reasons),
            "log_lines": list(self.log_lines),
            "runbook": self.runbook,
            "checks": [dict(check) for check in self.checks],
            "opened": dict(self.opened),
        }


def deployment_outcome(
    service: EcsService,
    deployment: EcsDeployment | None,
    verdict: Verdict,
    reason: str,
    *,
    image: str,
    task_definition: str | None,
    serving: Serving,
) -> ReleaseOutcome:
    """Return the verdict with why tasks stopped and their last log lines.

    What cannot be read is left out, and never changes the verdict.
    """
    stop_reasons, log_lines = (), ()
    if deployment is not None and verdict is not Verdict.LIVE:
        try:
            failed = failures.failed_tasks(service, str(task_definition), since=deployment.created)
            stop_reasons = failed.reasons
            with suppress(ArcaError):
                log_lines = failures.last_lines(service, failed.tasks)
        except ArcaError as error:
            stop_reasons = (f"unknown: {error.what}",)
    return ReleaseOutcome(
        verdict,
        reason,
        image,
        task_definition,
        runs=serving.alone,
        deployment=deployment.arn if deployment else None,
        stop_reasons=stop_reasons,
        log_lines=log_lines,
        runbook=None if verdict is Verdict.LIVE else RUNBOOKS[RUNBOOK].path,
    )
