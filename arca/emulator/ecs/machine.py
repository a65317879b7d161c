"""What is due, carried out in the order of time, whenever somebody looks."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from arca.emulator.ecs import faults, strategy
from arca.emulator.ecs.clock import Clock
from arca.emulator.ecs.deployer import Deployer
from arca.emulator.ecs.health import Question
from arca.emulator.ecs.model import Service, Task
from arca.emulator.ecs.names import Names, last
from arca.emulator.ecs.outside import Outside
from arca.emulator.ecs.scheduler import Scheduler
from arca.emulator.ecs.script import Failed

Due = tuple[datetime, Callable[[datetime], None]]
"""A moment, and what happens then."""


class Machine:
    """Moves services on."""

    def __init__(self, outside: Outside, clock: Clock, names: Names, scheduler: Scheduler) -> None:
        self._outside, self._scheduler = outside, scheduler
        self.deployer = Deployer(outside, clock, names, scheduler)
        self.services: dict[str, Service] = {}
        """By ARN."""
        self._moment = clock.now()

    def create(
        self,
        made: Mapping[str, Any],
        region: str,
        request: dict[str, Any],
        definition: Mapping[str, Any],
        *,
        broken: tuple[Any, ...],
        at: datetime,
    ) -> Service:
        """Take in a service that moto made; its tasks start at once."""
        arn, cluster = made["serviceArn"], made["clusterArn"]
        first = self.deployer.revision(arn, request, definition, at)
        desired = request.get("desiredCount") or 0
        service = Service(
            arn, last(arn), cluster, region, request, desired, current=first, revisions=[first]
        )
        self.services[service.arn] = service
        self.deployer.begin_first(service, broken, at)
        return service

    def scale(self, service: Service, desired: int, at: datetime) -> None:
        """Change how many tasks run, of every revision that runs any."""
        deployment = service.latest
        for revision in service.revisions:
            runs = revision is service.current and not deployment.under_way
            if service.desired == 0 and deployment.under_way:
                runs = revision in (deployment.source, deployment.target)
            if runs or revision.requested:
                revision.requested = desired
        service.desired = desired
        self._scheduler.reconcile(service, at)

    def remove(self, service: Service, at: datetime) -> None:
        """Forget a service, and end what it runs."""
        live = [task for task in service.tasks if task.live]
        if live:
            self._scheduler.end(service, live, at, "Service deleted")
        del self.services[service.arn]

    def stop_task(self, service: Service | None, task: Task, at: datetime, reason: str) -> None:
        """End a task because a person wants it so; a service's is replaced."""
        if service is not None:
            self._outside.deregister(service, [task], at)
        self._scheduler.stop(task, at, "UserInitiated", reason)
        if service is not None:
            self._scheduler.reconcile(service, at)

    def take_back(self) -> None:
        """End the stalls of all deployments."""
        for service in self.services.values():
            for revision in service.revisions:
                revision.faults = tuple(
                    one for one in revision.faults if not isinstance(one, faults.STALLS)
                )

    def heard(self, question: Question, at: datetime, *, well: bool) -> None:
        """Take note of a health check's answer."""
        for service in self.services.values():
            if question.task in service.tasks:
                self._scheduler.heard(service, question, at, well=well)
                self._settle(service, at)

    def advance(self, now: datetime) -> None:
        """Carry out all that is due, the earliest first; then see what processes do now."""
        self._carry_out(now)
        for service in self.services.values():
            self._scheduler.look(service, service.tasks, now)
            self._settle(service, now)
        self._scheduler.look(None, self._scheduler.one_off, now)
        self._carry_out(now)
        for service in self.services.values():
            self.deployer.alarmed(service, now)
        self._scheduler.forget(list(self.services.values()), now)

    def _carry_out(self, now: datetime) -> None:
        while True:
            due = min(self._due(), key=lambda found: found[0], default=None)
            if due is None or due[0] > now:
                break
            self._moment = max(self._moment, due[0])
            due[1](due[0])
        self._moment = max(self._moment, now)

    def _due(self) -> Iterator[Due]:
        for task in self._scheduler.one_off:
            if task.due is not None:
                yield task.due, lambda at, task=task: self._scheduler.step(None, task, at)
        for service in self.services.values():
            yield from self._due_tasks(service)
            wait = service.latest.wait
            if wait.until is not None and wait.until():
                yield self._moment, lambda at, one=service: self.deployer.resume(one, at)
            elif wait.at is not None:
                yield wait.at, lambda at, one=service: self.deployer.resume(one, at)

    def _due_tasks(self, service: Service) -> Iterator[Due]:
        for task in service.tasks:
            if task.due is not None:
                yield task.due, self._task_step(service, task)
        for revision in service.revisions:
            if revision.retry is not None and len(service.live(revision)) < revision.requested:
                yield revision.retry, lambda at: self._retry(service, at)

    def _task_step(self, service: Service, task: Task) -> Callable[[datetime], None]:
        def step(at: datetime) -> None:
            self._scheduler.step(service, task, at)
            self._settle(service, at)

        return step

    def _retry(self, service: Service, at: datetime) -> None:
        for revision in service.revisions:
            if revision.retry is not None and revision.retry <= at:
                revision.retry = None
        self._scheduler.reconcile(service, at)

    def _settle(self, service: Service, at: datetime) -> None:
        """After a task's change: the circuit breaker, then what is missing."""
        deployment = service.latest
        configuration = deployment.configuration
        if deployment.status == "IN_PROGRESS" and strategy.breaks(configuration):
            most = strategy.threshold(configuration, service.desired)
            if deployment.target.failures >= most:
                deployment.broken = True
                back = bool(configuration["deploymentCircuitBreaker"].get("rollback"))
                reason = f"The deployment circuit breaker opened: {most} tasks failed."
                self.deployer.fail(service, deployment, Failed(reason, back=back), at)
        self._scheduler.reconcile(service, at)
