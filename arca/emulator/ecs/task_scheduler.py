"""The task scheduler: starts, stops and replaces the tasks of services, and runs one-off tasks.

Source: Amazon ECS Developer Guide, "Amazon ECS task lifecycle" and "Stopped tasks error codes". The
durations are made up.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from arca.emulator.ecs import faults, task_needs
from arca.emulator.ecs.api import SIMULATED, structure, structures
from arca.emulator.ecs.clock import EcsClock
from arca.emulator.ecs.container_environment import container_variables, refusal
from arca.emulator.ecs.faults import AnyFault
from arca.emulator.ecs.health_checks import HealthCheck, HealthChecker, is_due, is_unhealthy
from arca.emulator.ecs.identifiers import Identifiers, arn_name, sibling_arn
from arca.emulator.ecs.model import EcsTask, EmulatedRevision, EmulatedService, TaskFault
from arca.emulator.ecs.moto_services import MotoServices
from arca.emulator.ecs.places import Places
from arca.emulator.ecs.secret_variables import secret_variables
from arca.emulator.ecs.stand_ins import (
    LOOPBACK,
    StandIn,
    StandInProcess,
    StandInProcesses,
    free_port,
    stand_in_for,
)

START_MINUTES = 0.2
"""Simulated minutes until a task runs."""
EXIT_MINUTES = 0.1
"""Simulated minutes until a container exits that exits by itself."""
UNHEALTHY_MINUTES = 0.5
"""Simulated minutes until an unhealthy task is stopped."""
REMEMBERED_MINUTES = 60
"""Minutes for which a stopped task is described: simulated ones, and at least real ones."""
MOST_DELAY_MINUTES = 15.0
"""Longest pause in simulated minutes before a failing task is started again."""
FAILED_TO_START = "TaskFailedToStart"
CONTAINER_EXITED = "EssentialContainerExited"
STOPPED_BY_SCHEDULER = "ServiceSchedulerInitiated"
CONTAINER_EXITED_REASON = "Essential container in task exited"
UNHEALTHY_REASON = "Task failed ELB health checks"
SIGTERM_EXIT_CODE = 143
"""The exit code of a container that does not handle SIGTERM."""


class TaskScheduler:
    """Holds the one-off tasks and the stand-ins, and changes the state of all tasks."""

    def __init__(self, moto: MotoServices, clock: EcsClock, identifiers: Identifiers) -> None:
        self._moto, self._clock, self._identifiers = moto, clock, identifiers
        self.processes, self.health_checker = StandInProcesses(), HealthChecker()
        self.stand_ins: dict[str, StandIn] = {}
        """Stand-ins by image, or by repository for all of its images."""
        self.places = Places()
        self.drain_seconds = 0.0
        """Real seconds from a target's deregistration to SIGTERM, where a balancer looks."""
        self.one_off: list[EcsTask] = []
        self._ending: list[tuple[EcsTask, StandInProcess]] = []
        """Stopped tasks whose processes are still exiting."""

    def reconcile(self, service: EmulatedService, at: datetime) -> None:
        """Start or stop tasks until each revision has as many as requested."""
        for revision in service.revisions:
            live = service.live(revision)
            if len(live) > revision.requested:
                surplus = live[revision.requested :]
                self.end(
                    service, surplus, at, f"Scaling activity initiated by {revision.identifier}"
                )
            elif len(live) < revision.requested and not (revision.retry and revision.retry > at):
                self._start(service, revision, revision.requested - len(live), at)

    def end(
        self, service: EmulatedService, tasks: Sequence[EcsTask], at: datetime, reason: str
    ) -> None:
        """Stop tasks of a service because the scheduler decided it."""
        self._moto.deregister(service, tasks, at)
        for task in tasks:
            self.stop(task, at, STOPPED_BY_SCHEDULER, reason)
        service.add_event(at, f"has stopped {len(tasks)} running tasks: {_listed(tasks)}.")

    def _start(
        self, service: EmulatedService, revision: EmulatedRevision, number: int, at: datetime
    ) -> None:
        started = [
            self._new(
                definition=revision.definition,
                cluster_arn=service.cluster_arn,
                at=at,
                region=service.region,
                started_by=revision.identifier,
                group=f"service:{service.name}",
                request=revision.request,
                revision=revision,
                faults=revision.faults,
            )
            for _ in range(number)
        ]
        service.tasks += started
        service.add_event(at, f"has started {number} tasks: {_listed(started)}.")

    def run(
        self,
        region: str,
        cluster_arn: str,
        definition: Mapping[str, Any],
        request: Mapping[str, Any],
        injected: Sequence[AnyFault],
    ) -> EcsTask:
        """Start a one-off task."""
        task = self._new(
            definition=definition,
            cluster_arn=cluster_arn,
            at=self._clock.now(),
            region=region,
            started_by=request.get("startedBy", ""),
            group=request.get("group") or f"family:{definition['family']}",
            request=request,
            faults=tuple(injected),
        )
        self.one_off.append(task)
        return task

    def _new(self, *, cluster_arn: str, at: datetime, **given: Any) -> EcsTask:
        return EcsTask(
            arn=sibling_arn(cluster_arn, "task", arn_name(cluster_arn), self._identifiers.task()),
            cluster_arn=cluster_arn,
            created=at,
            address=self._identifiers.address(),
            due=at + START_MINUTES * self._clock.minute,
            **given,
        )

    def step(self, service: EmulatedService | None, task: EcsTask, at: datetime) -> None:
        """Bring a task to its next state."""
        task.due = None
        failure = task.failure
        if task.status == "PROVISIONING":
            self._launch(service, task, at, failure)
        elif isinstance(failure, faults.Exits):
            self.fail(
                service,
                task,
                at,
                code=CONTAINER_EXITED,
                reason=CONTAINER_EXITED_REASON,
                exit_code=failure.code,
            )
        elif isinstance(failure, faults.Unhealthy):
            self.fail(
                service,
                task,
                at,
                code=STOPPED_BY_SCHEDULER,
                reason=UNHEALTHY_REASON,
                exit_code=SIGTERM_EXIT_CODE,
            )
        elif service is None:
            self.stop(task, at, CONTAINER_EXITED, CONTAINER_EXITED_REASON, 0)

    def _launch(
        self,
        service: EmulatedService | None,
        task: EcsTask,
        at: datetime,
        failure: TaskFault | None,
    ) -> None:
        if isinstance(failure, faults.ImageMissing):
            missing = task_needs.image_missing(task.image)
        else:
            missing = task_needs.missing(task.arn.split(":")[4], task.definition)
        if missing is not None:
            self.fail(service, task, at, code=FAILED_TO_START, reason=missing)
            return
        task.status, task.started = "RUNNING", at
        stand_in = stand_in_for(task.image, self.stand_ins)
        if isinstance(failure, faults.Exits):
            task.due = at + EXIT_MINUTES * self._clock.minute
        elif isinstance(failure, faults.Unhealthy):
            task.due = at + UNHEALTHY_MINUTES * self._clock.minute
        elif stand_in is not None:
            self._start_stand_in(service, task, at, stand_in)
        elif service is None:
            line = f"simulated: no stand-in for {task.image}, nothing ran"
            self._moto.log(task, [line], at)
            task.due = at + EXIT_MINUTES * self._clock.minute
        else:
            task.target = (task.address, _port(task))
            self.mark_healthy(service, task, at)

    def _start_stand_in(
        self, service: EmulatedService | None, task: EcsTask, at: datetime, stand_in: StandIn
    ) -> None:
        override = task.override
        own: list[str] = override.get("command") or task.container.get("command") or []
        # A task definition of CloudFormation comes here without a call that was checked.
        refused = refusal([task.container, {"name": task.container.get("name"), **override}])
        if refused is not None:
            reason = f"CannotStartContainerError: {refused}"
            self.fail(service, task, at, code=FAILED_TO_START, reason=reason)
            return
        try:
            environment = secret_variables(task.arn.split(":")[4], task.container)
        except LookupError as error:
            reason = f"ResourceInitializationError: {error.args[0]}"
            self.fail(service, task, at, code=FAILED_TO_START, reason=reason)
            return
        environment |= container_variables(task.container, override)
        # Amazon ECS Developer Guide, "Task metadata available for Amazon ECS tasks on Fargate".
        here = {"AWS_REGION": task.region, "AWS_DEFAULT_REGION": task.region}
        environment = {**here, **stand_in.environment, **self.places.localize(environment)}
        port = free_port() if service is not None else None
        if port is not None:
            environment["PORT"] = str(port)
        words = [*stand_in.command, *self.places.localize_words(own)]
        try:
            process = self.processes.start(words, environment)
        except OSError as error:
            reason = f"CannotStartContainerError: {words[0]}: {error}"
            self.fail(service, task, at, code=FAILED_TO_START, reason=reason)
            return
        process.stop_seconds = task.container.get("stopTimeout")
        task.process, process.port = process, port
        if port is not None:
            task.address, task.target = LOOPBACK, (LOOPBACK, port)

    def mark_healthy(self, service: EmulatedService, task: EcsTask, at: datetime) -> None:
        """Register a task that has become healthy, and reset its revision's count of failures."""
        task.healthy = True
        if task.revision is not None:
            breaker = structure(service.configuration, "deploymentCircuitBreaker")
            if breaker.get("resetOnHealthyTask", True):
                task.revision.failures = 0
            task.revision.retry = None
        self._moto.register(service, [task], at)

    def fail(
        self,
        service: EmulatedService | None,
        task: EcsTask,
        at: datetime,
        *,
        code: str,
        reason: str,
        exit_code: int | None = None,
    ) -> None:
        """Stop a task that failed; a service's revision counts it and delays the next start."""
        revision = task.revision
        if service is not None and revision is not None:
            self._moto.deregister(service, [task], at)
            revision.failures += 1
            revision.failed += 1
            rounds = revision.failures // max(1, revision.requested)
            delay = min(EXIT_MINUTES * (rounds - 1), MOST_DELAY_MINUTES) if rounds > 1 else 0
            revision.retry = at + timedelta(seconds=delay * self._clock.minute.total_seconds())
            service.add_event(at, f"(task {arn_name(task.arn)}) {reason}.")
        self.stop(task, at, code, reason, exit_code)

    def stop(
        self, task: EcsTask, at: datetime, code: str, reason: str, exit_code: int | None = None
    ) -> None:
        """Stop a task without waiting: a stand-in process has time to exit."""
        process = task.process
        task.desired, task.status = "STOPPED", "STOPPING"
        task.healthy, task.due = False, None
        task.stop_code, task.exit_code = code, exit_code
        task.reason = reason if process else f"{reason} {SIMULATED}"
        if process is not None:
            drain = self.drain_seconds if code == STOPPED_BY_SCHEDULER else 0.0
            self.processes.end(process, drain_seconds=drain)
            self._ending.append((task, process))
            self._record_exits(at)
            return
        if task.started is not None and exit_code is None:
            task.exit_code = SIGTERM_EXIT_CODE
        task.status, task.stopped = "STOPPED", at

    def wait_for_exits(self) -> None:
        """Wait until stopped tasks' processes have exited; the caller must not hold the lock."""
        self.processes.wait(process for _, process in list(self._ending))

    def _record_exits(self, at: datetime) -> None:
        """Record the last output and the exit code of processes that have exited."""
        for task, process in [one for one in self._ending if one[1].gone.is_set()]:
            self._ending.remove((task, process))
            self._moto.log(task, process.lines(), at)
            task.exit_code = process.code() if task.exit_code is None else task.exit_code
            process.close()
            task.status, task.stopped = "STOPPED", at

    def poll_processes(
        self, service: EmulatedService | None, tasks: Sequence[EcsTask], at: datetime
    ) -> None:
        """Log what the tasks' processes wrote, and fail the tasks whose process has exited."""
        self._record_exits(at)
        for task in tasks:
            process = task.process
            if process is None or not task.live:
                continue
            code = process.code()
            self._moto.log(task, process.lines(), at)
            if code is not None:
                self.fail(
                    service,
                    task,
                    at,
                    code=CONTAINER_EXITED,
                    reason=CONTAINER_EXITED_REASON,
                    exit_code=code,
                )

    def health_checks_due(self, services: Sequence[EmulatedService]) -> Iterator[HealthCheck]:
        """Yield the health checks that are due."""
        for service in services:
            for task in filter(is_due, service.tasks):
                if task.revision is not None and task.process is not None:
                    path = self._moto.health_path(service, task.revision)
                    yield HealthCheck(task, task.process, path)

    def record_health(
        self, service: EmulatedService, check: HealthCheck, at: datetime, *, healthy: bool
    ) -> None:
        """Record the result of a health check of a service's task."""
        task, process = check.task, check.process
        if not task.live:
            return
        if healthy:
            process.failed_checks = 0
            if not task.healthy:
                self.mark_healthy(service, task, at)
            return
        process.failed_checks += 1
        minutes = (service.request.get("healthCheckGracePeriodSeconds") or 0) / 60
        grace = minutes * self._clock.minute.total_seconds()
        if is_unhealthy(process, was_healthy=task.healthy, grace_seconds=grace):
            self.fail(service, task, at, code=STOPPED_BY_SCHEDULER, reason=UNHEALTHY_REASON)

    def forget(self, services: Sequence[EmulatedService], at: datetime) -> None:
        """Drop the tasks that stopped before REMEMBERED_MINUTES."""
        before = at - REMEMBERED_MINUTES * max(self._clock.minute, timedelta(minutes=1))
        for tasks in (self.one_off, *(service.tasks for service in services)):
            tasks[:] = [task for task in tasks if task.stopped is None or task.stopped > before]


def _port(task: EcsTask) -> int:
    for balancer in structures(task.request, "loadBalancers"):
        if "containerPort" in balancer:
            return int(balancer["containerPort"])
    mappings = structures(task.container, "portMappings")
    return int(mappings[0]["containerPort"]) if mappings else 80


def _listed(tasks: Sequence[EcsTask]) -> str:
    return " ".join(f"(task {arn_name(task.arn)})" for task in tasks)
