"""The deployment controller: begins deployments, moves them from wait to wait, and ends them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from arca.emulator.ecs import strategy
from arca.emulator.ecs.api import DEPLOYED, SIMULATED
from arca.emulator.ecs.clock import EcsClock
from arca.emulator.ecs.faults import AnyFault
from arca.emulator.ecs.identifiers import Identifiers, arn_name, sibling_arn
from arca.emulator.ecs.model import (
    DeploymentSteps,
    EmulatedDeployment,
    EmulatedRevision,
    EmulatedService,
    Wait,
)
from arca.emulator.ecs.moto_services import MotoServices
from arca.emulator.ecs.state_machine import (
    SHORT_STAGE,
    DeploymentFailed,
    DeploymentStateMachine,
    shift_traffic,
)
from arca.emulator.ecs.task_scheduler import TaskScheduler

END_EVENTS = {
    "SUCCESSFUL": "completed.",
    "STOPPED": "stopped.",
    "ROLLBACK_SUCCESSFUL": "rolled back.",
    "ROLLBACK_FAILED": "could not be rolled back.",
}
STOP_CALLED = "StopServiceDeployment was called."
COMPLETED = "Service deployment completed."
NO_SOURCE = "There is no revision to go back to."


class DeploymentController:
    """Begins, resumes, fails and ends deployments."""

    def __init__(
        self, moto: MotoServices, clock: EcsClock, identifiers: Identifiers, tasks: TaskScheduler
    ) -> None:
        self._moto, self._identifiers, self._tasks = moto, identifiers, tasks
        self._state_machine = DeploymentStateMachine(moto, clock)

    def begin(
        self,
        service: EmulatedService,
        definition: Mapping[str, Any],
        faults: tuple[AnyFault, ...],
        at: datetime,
    ) -> None:
        """Deploy a new revision; it replaces a deployment that is in progress."""
        source = service.current
        shifts = strategy.shifts(service.configuration)
        if service.latest.under_way:
            reason = "Replaced by a newer service deployment."
            self._end(service, service.latest, "STOPPED", reason, at)
        for other in service.revisions:
            if other is not source:
                # A rolling deployment keeps the healthy tasks until the new ones are healthy.
                healthy = sum(task.healthy for task in service.live(other))
                other.requested = 0 if shifts else healthy
        if shifts:
            source.requested = service.desired
            shift_traffic(service, source, production=100.0, test=100.0)
            self._set_weights(service, at)
        target = self.new_revision(service.arn, service.request, definition, at)
        target.faults = faults
        target.group = 1 - source.group if shifts else source.group
        service.revisions.append(target)
        deployment = self._new_deployment(service, source, target, at)
        names = strategy.alarm_names(deployment.configuration)
        # An alarm that is in ALARM when a deployment begins disables the watch (Amazon ECS
        # Developer Guide, "How CloudWatch alarms detect Amazon ECS deployment failures").
        deployment.watched_alarms = () if self._moto.firing_alarms(service, names) else names
        self._go_on(service, deployment, self._state_machine.forward(service, deployment, at), at)
        self._tasks.reconcile(service, at)

    def begin_first(
        self, service: EmulatedService, faults: tuple[AnyFault, ...], at: datetime
    ) -> None:
        """Deploy the revision that a service was created with."""
        first = service.current
        first.faults = faults
        first.requested = service.desired
        first.production = first.test = 100.0
        deployment = self._new_deployment(service, None, first, at)
        self._set_weights(service, at)
        self._tasks.reconcile(service, at)
        for task in service.tasks:
            self._tasks.step(service, task, at)
        self._go_on(service, deployment, self._state_machine.first(service, deployment, at), at)

    def new_revision(
        self,
        service_arn: str,
        request: Mapping[str, Any],
        definition: Mapping[str, Any],
        at: datetime,
    ) -> EmulatedRevision:
        """Make a service revision."""
        names = service_arn.split("/")[1:]
        arn = sibling_arn(service_arn, "service-revision", *names, self._identifiers.revision())
        return EmulatedRevision(arn, definition, at, dict(request))

    def _new_deployment(
        self,
        service: EmulatedService,
        source: EmulatedRevision | None,
        target: EmulatedRevision,
        at: datetime,
    ) -> EmulatedDeployment:
        names = service.arn.split("/")[1:]
        arn = sibling_arn(service.arn, "service-deployment", *names, self._identifiers.deployment())
        deployment = EmulatedDeployment(arn, source, target, service.configuration, at, updated=at)
        service.deployments.append(deployment)
        return deployment

    def stop(
        self,
        service: EmulatedService,
        deployment: EmulatedDeployment,
        at: datetime,
        *,
        roll_back: bool,
    ) -> None:
        """Stop a deployment because a person asked for it: roll back, or leave all as it is."""
        deployment.updated = at
        if roll_back:
            self.fail(service, deployment, DeploymentFailed(STOP_CALLED), at)
            return
        deployment.close_hooks()
        deployment.status, deployment.steps = "STOP_REQUESTED", None
        deployment.wait = self._state_machine.after(at, SHORT_STAGE)

    def check_alarms(self, service: EmulatedService, at: datetime) -> bool:
        """Fail the latest deployment if a watched alarm fires; returns whether it did."""
        deployment = service.latest
        if (
            deployment.status != "IN_PROGRESS"
            or not deployment.watched_alarms
            or deployment.stage not in strategy.alarm_stages(deployment.configuration)
        ):
            return False
        deployment.triggered_alarms = self._moto.firing_alarms(service, deployment.watched_alarms)
        if not deployment.triggered_alarms:
            return False
        roll_back = bool(deployment.configuration["alarms"].get("rollback"))
        reason = f"Alarm detected: {', '.join(deployment.triggered_alarms)}."
        self.fail(service, deployment, DeploymentFailed(reason, roll_back=roll_back), at)
        return True

    def resume(self, service: EmulatedService, at: datetime) -> None:
        """Resume the latest deployment, whose wait is over."""
        deployment = service.latest
        if deployment.status == "STOP_REQUESTED":
            self._give_up(service, deployment, STOP_CALLED, at)
        elif deployment.steps is not None and not self.check_alarms(service, at):
            self._go_on(service, deployment, deployment.steps, at)
            self._tasks.reconcile(service, at)

    def _go_on(
        self,
        service: EmulatedService,
        deployment: EmulatedDeployment,
        steps: DeploymentSteps,
        at: datetime,
    ) -> None:
        """Run steps up to their next wait."""
        begun = deployment.steps is steps
        deployment.steps = steps
        try:
            # A generator that has not begun cannot be sent a value.
            deployment.wait = steps.send(at) if begun else next(steps)
        except StopIteration:
            self._complete(service, deployment, at)
        except DeploymentFailed as failure:
            self.fail(service, deployment, failure, at)
        except ClientError as error:
            failure = DeploymentFailed(f"Traffic cannot be shifted: {error}.")
            self.fail(service, deployment, failure, at)
        except Exception as error:  # noqa: BLE001 - an error of the emulator is no success
            failure = DeploymentFailed(f"The controller failed: {error!r}.")
            self.fail(service, deployment, failure, at)

    def _complete(
        self, service: EmulatedService, deployment: EmulatedDeployment, at: datetime
    ) -> None:
        serving = deployment.leads_to
        for other in service.revisions:
            if other is not serving:
                other.requested = 0
        serving.requested = service.desired
        shift_traffic(service, serving, production=100.0, test=100.0)
        service.current = serving
        self._tasks.reconcile(service, at)
        if deployment.rollback is None:
            self._end(service, deployment, "SUCCESSFUL", COMPLETED, at)
        else:
            self._end(service, deployment, "ROLLBACK_SUCCESSFUL", deployment.rollback[0], at)

    def fail(
        self,
        service: EmulatedService,
        deployment: EmulatedDeployment,
        failure: DeploymentFailed,
        at: datetime,
    ) -> None:
        """Begin the rollback; a deployment that rolls back already fails for good."""
        deployment.close_hooks()
        if deployment.rollback is not None:
            reason = f"{deployment.rollback[0]} {failure.reason}"
            self._end(service, deployment, "ROLLBACK_FAILED", reason, at)
        elif failure.roll_back and deployment.source is None:
            self._give_up(service, deployment, f"{failure.reason} {NO_SOURCE}", at)
        elif failure.roll_back and deployment.source is not None:
            _restore_request(service, deployment.source)
            deployment.rollback = failure.reason, at
            deployment.reason = f"Rolling back: {failure.reason} {SIMULATED}"
            requested = failure.reason == STOP_CALLED
            deployment.status = "ROLLBACK_REQUESTED" if requested else "ROLLBACK_IN_PROGRESS"
            name = arn_name(deployment.arn)
            service.add_event(at, f"(deployment {name}) rolls back: {failure.reason}")
            steps = self._state_machine.rollback(service, deployment, at)
            self._go_on(service, deployment, steps, at)
        else:
            self._give_up(service, deployment, failure.reason, at)

    def _give_up(
        self, service: EmulatedService, deployment: EmulatedDeployment, reason: str, at: datetime
    ) -> None:
        """Stop the deployment where it is; the failed revision keeps only its healthy tasks."""
        target = deployment.target
        healthy = [task for task in service.live(target) if task.healthy]
        unhealthy = [task for task in service.live(target) if not task.healthy]
        target.requested = len(healthy)
        if unhealthy:
            self._tasks.end(service, unhealthy, at, "The deployment was stopped")
        self._end(service, deployment, "STOPPED", reason, at)

    def _end(
        self,
        service: EmulatedService,
        deployment: EmulatedDeployment,
        status: str,
        reason: str,
        at: datetime,
    ) -> None:
        """Record the end of a deployment."""
        deployment.status, deployment.wait, deployment.steps = status, Wait(), None
        deployment.reason = f"{reason} {SIMULATED}"
        deployment.finished = deployment.updated = at
        deployment.close_hooks()
        name = arn_name(deployment.arn)
        service.add_event(at, f"(deployment {name}) deployment {END_EVENTS[status]}")
        if status.endswith("SUCCESSFUL"):
            service.add_event(at, "has reached a steady state.")

    def _set_weights(self, service: EmulatedService, at: datetime) -> None:
        """Set the listener rules' weights; an error becomes an event of the service."""
        try:
            self._moto.set_weights(service)
        except ClientError as error:
            service.add_event(at, f"cannot shift traffic: {error}.")


def _restore_request(service: EmulatedService, revision: EmulatedRevision) -> None:
    """Give the service the inputs again that it had when the revision was made."""
    for name in DEPLOYED:
        service.request.pop(name, None)
        if name in revision.request:
            service.request[name] = revision.request[name]
