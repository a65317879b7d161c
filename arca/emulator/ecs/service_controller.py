"""The service controller: owns the services and runs due events in time order on each request."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any

from arca.emulator.ecs import faults, strategy
from arca.emulator.ecs.clock import EcsClock
from arca.emulator.ecs.deployment_controller import DeploymentController
from arca.emulator.ecs.faults import AnyFault
from arca.emulator.ecs.health_checks import HealthCheck
from arca.emulator.ecs.identifiers import Identifiers, arn_name
from arca.emulator.ecs.model import EcsTask, EmulatedService
from arca.emulator.ecs.moto_services import MotoServices
from arca.emulator.ecs.state_machine import DeploymentFailed
from arca.emulator.ecs.task_scheduler import TaskScheduler

DueEvent = tuple[datetime, Callable[[datetime], None]]
"""A moment, and what happens then."""


class ServiceController:
    """Creates, scales and deletes services, and runs their due events."""

    def __init__(
        self, moto: MotoServices, clock: EcsClock, identifiers: Identifiers, tasks: TaskScheduler
    ) -> None:
        self._moto, self._tasks = moto, tasks
        self.deployments = DeploymentController(moto, clock, identifiers, tasks)
        self.services: dict[str, EmulatedService] = {}
        """The services by ARN."""
        self._lost: frozenset[str] = frozenset()
        """Regions in which nothing happens."""
        self._moment = clock.now()

    def create(
        self,
        made: Mapping[str, Any],
        region: str,
        request: dict[str, Any],
        definition: Mapping[str, Any],
        *,
        injected: tuple[AnyFault, ...],
        at: datetime,
    ) -> EmulatedService:
        """Add a service that moto created; its tasks start at once."""
        arn, cluster = made["serviceArn"], made["clusterArn"]
        first = self.deployments.new_revision(arn, request, definition, at)
        service = EmulatedService(
            arn=arn,
            name=arn_name(arn),
            cluster_arn=cluster,
            region=region,
            request=request,
            desired=request.get("desiredCount") or 0,
            current=first,
            revisions=[first],
        )
        self.services[service.arn] = service
        self.deployments.begin_first(service, injected, at)
        return service

    def lose(self, regions: frozenset[str]) -> None:
        """Let nothing happen in these regions any more, and kill the processes of their tasks."""
        self._lost = regions
        tasks = chain(
            (one for one in self._tasks.one_off if one.region in regions),
            *(service.tasks for service in self.services.values() if service.region in regions),
        )
        for task in tasks:
            if task.process is not None:
                task.process.kill()

    def standing(self) -> list[EmulatedService]:
        """Return the services of the regions that are not lost."""
        return [one for one in self.services.values() if one.region not in self._lost]

    def scale(self, service: EmulatedService, desired: int, at: datetime) -> None:
        """Change the number of tasks of each revision that has any."""
        deployment = service.latest
        for revision in service.revisions:
            runs = revision is service.current and not deployment.under_way
            if service.desired == 0 and deployment.under_way:
                runs = revision in (deployment.source, deployment.target)
            if runs or revision.requested:
                revision.requested = desired
        service.desired = desired
        self._tasks.reconcile(service, at)

    def delete(self, service: EmulatedService, at: datetime) -> None:
        """Remove a service and end its tasks."""
        live = [task for task in service.tasks if task.live]
        if live:
            self._tasks.end(service, live, at, "Service deleted")
        del self.services[service.arn]

    def stop_task(
        self, service: EmulatedService | None, task: EcsTask, at: datetime, reason: str
    ) -> None:
        """Stop a task because a person asked for it; a service's task is replaced."""
        if service is not None:
            self._moto.deregister(service, [task], at)
        self._tasks.stop(task, at, "UserInitiated", reason)
        if service is not None:
            self._tasks.reconcile(service, at)

    def end_cleared_faults(self) -> None:
        """Remove the faults of all deployments that end when faults are cleared."""
        for service in self.services.values():
            for revision in service.revisions:
                revision.faults = tuple(
                    one for one in revision.faults if not isinstance(one, faults.ENDED_BY_CLEAR)
                )

    def record_health(self, check: HealthCheck, at: datetime, *, healthy: bool) -> None:
        """Record the result of a health check."""
        for service in self.standing():
            if check.task in service.tasks:
                self._tasks.record_health(service, check, at, healthy=healthy)
                self._after_change(service, at)

    def advance(self, now: datetime) -> None:
        """Run all due events, the earliest first, and read what the processes did."""
        self._run_due(now)
        for service in self.standing():
            self._tasks.poll_processes(service, service.tasks, now)
            self._after_change(service, now)
        self._tasks.poll_processes(None, self._one_off(), now)
        self._run_due(now)
        for service in self.standing():
            self.deployments.check_alarms(service, now)
        self._tasks.forget(list(self.services.values()), now)

    def _run_due(self, now: datetime) -> None:
        while True:
            due = min(self._events(), key=lambda found: found[0], default=None)
            if due is None or due[0] > now:
                break
            self._moment = max(self._moment, due[0])
            due[1](due[0])
        self._moment = max(self._moment, now)

    def _events(self) -> Iterator[DueEvent]:
        for task in self._one_off():
            if task.due is not None:
                yield task.due, lambda at, task=task: self._tasks.step(None, task, at)
        for service in self.standing():
            yield from self._task_events(service)
            wait = service.latest.wait
            if wait.until is not None and wait.until():
                yield self._moment, lambda at, one=service: self.deployments.resume(one, at)
            elif wait.at is not None:
                yield wait.at, lambda at, one=service: self.deployments.resume(one, at)

    def _one_off(self) -> list[EcsTask]:
        return [one for one in self._tasks.one_off if one.region not in self._lost]

    def _task_events(self, service: EmulatedService) -> Iterator[DueEvent]:
        for task in service.tasks:
            if task.due is not None:
                yield task.due, self._task_step(service, task)
        for revision in service.revisions:
            if revision.retry is not None and len(service.live(revision)) < revision.requested:
                yield revision.retry, lambda at: self._retry(service, at)

    def _task_step(self, service: EmulatedService, task: EcsTask) -> Callable[[datetime], None]:
        def step(at: datetime) -> None:
            self._tasks.step(service, task, at)
            self._after_change(service, at)

        return step

    def _retry(self, service: EmulatedService, at: datetime) -> None:
        for revision in service.revisions:
            if revision.retry is not None and revision.retry <= at:
                revision.retry = None
        self._tasks.reconcile(service, at)

    def _after_change(self, service: EmulatedService, at: datetime) -> None:
        """Open the circuit breaker if enough tasks failed, and start the tasks that are missing."""
        deployment = service.latest
        configuration = deployment.configuration
        if deployment.status == "IN_PROGRESS" and strategy.has_circuit_breaker(configuration):
            threshold = strategy.failure_threshold(configuration, service.desired)
            if deployment.target.failures >= threshold:
                deployment.breaker_open = True
                roll_back = bool(configuration["deploymentCircuitBreaker"].get("rollback"))
                reason = f"The deployment circuit breaker opened: {threshold} tasks failed."
                failure = DeploymentFailed(reason, roll_back=roll_back)
                self.deployments.fail(service, deployment, failure, at)
        self._tasks.reconcile(service, at)
