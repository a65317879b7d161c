"""Deployments: begun, moved from wait to wait, ended."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from arca.emulator.ecs import strategy
from arca.emulator.ecs.clock import Clock
from arca.emulator.ecs.model import SIMULATED, Deployment, Revision, Script, Service, Wait
from arca.emulator.ecs.names import Names, last, sibling
from arca.emulator.ecs.outside import Outside
from arca.emulator.ecs.scheduler import Scheduler
from arca.emulator.ecs.script import QUICK, Failed, Scripts, move
from arca.emulator.ecs.shapes import DEPLOYED

ENDED = {
    "SUCCESSFUL": "completed.",
    "STOPPED": "stopped.",
    "ROLLBACK_SUCCESSFUL": "rolled back.",
    "ROLLBACK_FAILED": "could not be rolled back.",
}
STOPPED = "StopServiceDeployment was called."
COMPLETED = "Service deployment completed."
NOWHERE = "There is no revision to go back to."


class Deployer:
    """Everything about deployments."""

    def __init__(self, outside: Outside, clock: Clock, names: Names, scheduler: Scheduler) -> None:
        self._outside, self._names, self._scheduler = outside, names, scheduler
        self._scripts = Scripts(outside, clock)

    def begin(
        self, service: Service, definition: Mapping[str, Any], broken: tuple[Any, ...], at: datetime
    ) -> None:
        """Deploy a new revision; a deployment that is under way is replaced."""
        source = service.current
        shifts = strategy.shifts(service.configuration)
        if service.latest.under_way:
            reason = "Replaced by a newer service deployment."
            self.end(service, service.latest, "STOPPED", reason, at)
        for other in service.revisions:
            if other is not source:
                # A rolling deployment keeps what serves until the new tasks do.
                other.requested = 0 if shifts else sum(t.healthy for t in service.live(other))
        if shifts:
            source.requested = service.desired
            move(service, source, production=100.0, test=100.0)
            self.weigh(service, at)
        target = self.revision(service.arn, service.request, definition, at)
        target.faults = broken
        target.group = 1 - source.group if shifts else source.group
        service.revisions.append(target)
        deployment = self.deployment(service, source, target, at)
        names = strategy.alarms(deployment.configuration)
        # An alarm that fires already says nothing of what is deployed (Amazon ECS Developer
        # Guide, "How CloudWatch alarms detect Amazon ECS deployment failures").
        deployment.watched = () if self._outside.firing(service, names) else names
        self._go(service, deployment, self._scripts.forward(service, deployment, at), at)
        self._scheduler.reconcile(service, at)

    def begin_first(self, service: Service, broken: tuple[Any, ...], at: datetime) -> None:
        """Deploy the revision that a service was made with; it ends when all its tasks are well."""
        first = service.current
        first.faults = broken
        first.requested = service.desired
        first.production = first.test = 100.0
        deployment = self.deployment(service, None, first, at)
        self.weigh(service, at)
        self._scheduler.reconcile(service, at)
        for task in service.tasks:
            self._scheduler.step(service, task, at)
        self._go(service, deployment, self._scripts.first(service, deployment, at), at)

    def revision(
        self,
        service_arn: str,
        request: Mapping[str, Any],
        definition: Mapping[str, Any],
        at: datetime,
    ) -> Revision:
        """A new service revision."""
        names = service_arn.split("/")[1:]
        arn = sibling(service_arn, "service-revision", *names, self._names.number())
        return Revision(arn, definition, at, dict(request))

    def deployment(
        self, service: Service, source: Revision | None, target: Revision, at: datetime
    ) -> Deployment:
        """A new service deployment, which becomes the latest."""
        names = service.arn.split("/")[1:]
        arn = sibling(service.arn, "service-deployment", *names, self._names.short())
        deployment = Deployment(arn, source, target, service.configuration, at, updated=at)
        service.deployments.append(deployment)
        return deployment

    def stop(self, service: Service, deployment: Deployment, at: datetime, *, back: bool) -> None:
        """Ask a deployment to stop where it is, or to go back."""
        deployment.updated = at
        if back:
            self.fail(service, deployment, Failed(STOPPED), at)
            return
        deployment.close_hooks()
        deployment.status, deployment.script = "STOP_REQUESTED", None
        deployment.wait = self._scripts.after(at, QUICK)

    def alarmed(self, service: Service, at: datetime) -> bool:
        """Whether a watched alarm ended the way forward."""
        deployment = service.latest
        if (
            deployment.status != "IN_PROGRESS"
            or not deployment.watched
            or deployment.stage not in strategy.watched(deployment.configuration)
        ):
            return False
        deployment.triggered = self._outside.firing(service, deployment.watched)
        if not deployment.triggered:
            return False
        back = bool(deployment.configuration["alarms"].get("rollback"))
        reason = f"Alarm detected: {', '.join(deployment.triggered)}."
        self.fail(service, deployment, Failed(reason, back=back), at)
        return True

    def resume(self, service: Service, at: datetime) -> None:
        """Go on with the latest deployment, whose wait is over."""
        deployment = service.latest
        if deployment.status == "STOP_REQUESTED":
            self._give_up(service, deployment, STOPPED, at)
        elif deployment.script is not None and not self.alarmed(service, at):
            self._go(service, deployment, deployment.script, at)
            self._scheduler.reconcile(service, at)

    def _go(self, service: Service, deployment: Deployment, script: Script, at: datetime) -> None:
        """Carry a script to its next wait; None is sent to one that has not begun."""
        begun = deployment.script is script
        deployment.script = script
        try:
            deployment.wait = script.send(at) if begun else next(script)
        except StopIteration:
            self._arrive(service, deployment, at)
        except Failed as failure:
            self.fail(service, deployment, failure, at)
        except ClientError as error:
            self.fail(service, deployment, Failed(f"Traffic cannot be shifted: {error}."), at)
        except Exception as error:  # noqa: BLE001 - a broken script has not arrived
            self.fail(service, deployment, Failed(f"The controller failed: {error!r}."), at)

    def _arrive(self, service: Service, deployment: Deployment, at: datetime) -> None:
        there = deployment.leads_to
        for other in service.revisions:
            if other is not there:
                other.requested = 0
        there.requested = service.desired
        move(service, there, production=100.0, test=100.0)
        service.current = there
        self._scheduler.reconcile(service, at)
        if deployment.rollback is None:
            self.end(service, deployment, "SUCCESSFUL", COMPLETED, at)
        else:
            self.end(service, deployment, "ROLLBACK_SUCCESSFUL", deployment.rollback[0], at)

    def fail(self, service: Service, deployment: Deployment, failure: Failed, at: datetime) -> None:
        """Begin the way back; from the way back there is none."""
        deployment.close_hooks()
        if deployment.rollback is not None:
            reason = f"{deployment.rollback[0]} {failure.reason}"
            self.end(service, deployment, "ROLLBACK_FAILED", reason, at)
        elif failure.back and deployment.source is None:
            self._give_up(service, deployment, f"{failure.reason} {NOWHERE}", at)
        elif failure.back and deployment.source is not None:
            _restore(service, deployment.source)
            deployment.rollback = failure.reason, at
            deployment.reason = f"Rolling back: {failure.reason} {SIMULATED}"
            asked = failure.reason == STOPPED
            deployment.status = "ROLLBACK_REQUESTED" if asked else "ROLLBACK_IN_PROGRESS"
            service.tell(at, f"(deployment {last(deployment.arn)}) rolls back: {failure.reason}")
            self._go(service, deployment, self._scripts.back(service, deployment, at), at)
        else:
            self._give_up(service, deployment, failure.reason, at)

    def _give_up(self, service: Service, deployment: Deployment, reason: str, at: datetime) -> None:
        """Leave all as it is; the failed revision starts no task any more."""
        target = deployment.target
        healthy = [task for task in service.live(target) if task.healthy]
        sick = [task for task in service.live(target) if not task.healthy]
        target.requested = len(healthy)
        if sick:
            self._scheduler.end(service, sick, at, "The deployment was stopped")
        self.end(service, deployment, "STOPPED", reason, at)

    def end(
        self, service: Service, deployment: Deployment, status: str, reason: str, at: datetime
    ) -> None:
        """Write down how a deployment ended."""
        deployment.status, deployment.wait, deployment.script = status, Wait(), None
        deployment.reason = f"{reason} {SIMULATED}"
        deployment.finished = deployment.updated = at
        deployment.close_hooks()
        service.tell(at, f"(deployment {last(deployment.arn)}) deployment {ENDED[status]}")
        if status.endswith("SUCCESSFUL"):
            service.tell(at, "has reached a steady state.")

    def weigh(self, service: Service, at: datetime) -> None:
        """Bring the rules to the revisions' shares; a refusal is told as an event."""
        try:
            self._outside.weigh(service)
        except ClientError as error:
            service.tell(at, f"cannot shift traffic: {error}.")


def _restore(service: Service, revision: Revision) -> None:
    """Configure the service again as it was when the revision was made."""
    for name in DEPLOYED:
        service.request.pop(name, None)
        if name in revision.request:
            service.request[name] = revision.request[name]
