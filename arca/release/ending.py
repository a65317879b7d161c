"""The end of a deployment: the verdict on what runs, and what a person needs after it."""

from contextlib import suppress

from arca.clock import Clock
from arca.errors import ArcaError
from arca.monitoring.runbooks import RUNBOOKS
from arca.release import failures
from arca.release.judge import Serving, judge, serving
from arca.release.service import Deployment, Service
from arca.release.verdict import Outcome, Verdict

RUNBOOK = "deployment-rollback"
LOOKS = 6
"""At what runs, while it is not what the deployment's status says: ECS and the load balancer are
eventually consistent."""


def settled(
    service: Service, clock: Clock, ended: Deployment, *, target: str, source: str | None
) -> tuple[Verdict, str, Serving]:
    """The verdict, why, and what runs."""
    look = 1
    while True:
        found = serving(service)
        verdict, reason = judge(ended, found, target=target, source=source)
        if verdict is not Verdict.UNKNOWN or ended.under_way or look == LOOKS:
            return verdict, reason, found
        look += 1
        clock.sleep(service.poll_seconds)


def outcome(
    service: Service,
    deployment: Deployment | None,
    verdict: Verdict,
    reason: str,
    *,
    image: str,
    task_definition: str | None,
    found: Serving,
) -> Outcome:
    """The verdict with its evidence; what cannot be read is left out, and never changes it."""
    stopped, lines = (), ()
    if deployment is not None and verdict is not Verdict.LIVE:
        try:
            failed = failures.of(service, str(task_definition), since=deployment.created)
            stopped = failed.reasons
            with suppress(ArcaError):
                lines = failures.last_lines(service, failed.tasks)
        except ArcaError as error:
            stopped = (f"unknown: {error.what}",)
    return Outcome(
        verdict,
        reason,
        image,
        task_definition,
        runs=found.alone,
        deployment=deployment.arn if deployment else None,
        stop_reasons=stopped,
        log_lines=lines,
        runbook=None if verdict is Verdict.LIVE else RUNBOOKS[RUNBOOK].path,
    )
