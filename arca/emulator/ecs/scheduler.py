"""Tasks: started, ended, replaced, and one-off ones.

Source: Amazon ECS Developer Guide, "Amazon ECS task lifecycle" and "Stopped tasks error codes";
how long a step takes is simulated.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from arca.emulator.ecs import faults
from arca.emulator.ecs.clock import Clock
from arca.emulator.ecs.health import Asker, Question, dead
from arca.emulator.ecs.health import due as health_due
from arca.emulator.ecs.model import SIMULATED, Revision, Service, Task
from arca.emulator.ecs.names import Names, last, sibling
from arca.emulator.ecs.outside import Outside
from arca.emulator.ecs.processes import LOOPBACK, Process, Processes, free_port
from arca.emulator.ecs.shapes import part, parts

START = 0.2
"""Simulated minutes until a task runs."""
ENDS = 0.1
"""Simulated minutes that a container lives that ends by itself."""
HEALTH = 0.5
"""Simulated minutes until a task without health is ended."""
REMEMBERED = 60
"""Minutes that a stopped task is told of: simulated ones, and real ones at least."""
MOST_DELAY = 15.0
"""Simulated minutes: ECS starts failing tasks less and less often."""
NOT_STARTED = "TaskFailedToStart"
DIED = "EssentialContainerExited"
ENDED = "ServiceSchedulerInitiated"
EXITED = "Essential container in task exited"
NOT_HEALTHY = "Task failed ELB health checks"


class Scheduler:
    """Everything about tasks."""

    def __init__(self, outside: Outside, clock: Clock, names: Names) -> None:
        self._outside, self._clock, self._names = outside, clock, names
        self.processes, self.asker = Processes(), Asker()
        self.stand_ins: dict[str, tuple[str, ...]] = {}
        """Commands that stand in for images."""
        self.one_off: list[Task] = []
        self._ending: list[tuple[Task, Process]] = []
        """Tasks that were stopped, whose processes have time to end."""

    def reconcile(self, service: Service, at: datetime) -> None:
        """Start what is missing, end what is too much."""
        for revision in service.revisions:
            live = service.live(revision)
            if len(live) > revision.requested:
                surplus = live[revision.requested :]
                self.end(
                    service, surplus, at, f"Scaling activity initiated by {revision.identifier}"
                )
            elif len(live) < revision.requested and not (revision.retry and revision.retry > at):
                self._start(service, revision, revision.requested - len(live), at)

    def end(self, service: Service, tasks: Sequence[Task], at: datetime, reason: str) -> None:
        """End a service's tasks because the service wants it so."""
        self._outside.deregister(service, tasks, at)
        for task in tasks:
            self.stop(task, at, ENDED, reason)
        service.tell(at, f"has stopped {len(tasks)} running tasks: {_listed(tasks)}.")

    def _start(self, service: Service, revision: Revision, number: int, at: datetime) -> None:
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
        service.tell(at, f"has started {number} tasks: {_listed(started)}.")

    def run(
        self,
        region: str,
        cluster_arn: str,
        definition: Mapping[str, Any],
        request: Mapping[str, Any],
        broken: Sequence[Any],
    ) -> Task:
        """Begin a one-off task."""
        task = self._new(
            definition=definition,
            cluster_arn=cluster_arn,
            at=self._clock.now(),
            region=region,
            started_by=request.get("startedBy", ""),
            group=request.get("group") or f"family:{definition['family']}",
            request=request,
            faults=tuple(broken),
        )
        self.one_off.append(task)
        return task

    def _new(self, *, cluster_arn: str, at: datetime, **given: Any) -> Task:
        return Task(
            arn=sibling(cluster_arn, "task", last(cluster_arn), self._names.task()),
            cluster_arn=cluster_arn,
            created=at,
            address=self._names.address(),
            due=at + START * self._clock.minute,
            **given,
        )

    def step(self, service: Service | None, task: Task, at: datetime) -> None:
        """Carry out what is due of a task."""
        task.due = None
        broken = task.broken
        if task.status == "PROVISIONING":
            self._begin(service, task, at, broken)
        elif isinstance(broken, faults.Exits):
            self.fail(service, task, at, code=DIED, reason=EXITED, exit_code=broken.code)
        elif isinstance(broken, faults.Unhealthy):
            self.fail(service, task, at, code=ENDED, reason=NOT_HEALTHY, exit_code=143)
        elif service is None:
            self.stop(task, at, DIED, EXITED, 0)

    def _begin(self, service: Service | None, task: Task, at: datetime, broken: Any) -> None:
        if isinstance(broken, faults.ImageMissing):
            reason = f"CannotPullContainerError: pull image manifest: {task.image}: not found"
            self.fail(service, task, at, code=NOT_STARTED, reason=reason)
            return
        task.status, task.started = "RUNNING", at
        command = self.stand_ins.get(task.image)
        if isinstance(broken, faults.Exits):
            task.due = at + ENDS * self._clock.minute
        elif isinstance(broken, faults.Unhealthy):
            task.due = at + HEALTH * self._clock.minute
        elif command is not None:
            self._stand_in(service, task, at, command)
        elif service is None:
            line = f"simulated: no stand-in for {task.image}, nothing ran"
            self._outside.log(task, [line], at)
            task.due = at + ENDS * self._clock.minute
        else:
            task.target = (task.address, _port(task))
            self.live(service, task, at)

    def _stand_in(
        self, service: Service | None, task: Task, at: datetime, command: Sequence[str]
    ) -> None:
        override = task.override
        own: list[str] = override.get("command") or task.container.get("command") or []
        variables = [*task.container.get("environment", []), *override.get("environment", [])]
        environment = {one["name"]: one["value"] for one in variables}
        port = free_port() if service is not None else None
        if port is not None:
            environment["PORT"] = str(port)
        try:
            process = self.processes.start([*command, *own], environment)
        except OSError as error:
            reason = f"CannotStartContainerError: {command[0]}: {error}"
            self.fail(service, task, at, code=NOT_STARTED, reason=reason)
            return
        task.process, process.port = process, port
        if port is not None:
            task.address, task.target = LOOPBACK, (LOOPBACK, port)

    def live(self, service: Service, task: Task, at: datetime) -> None:
        """A service's task is healthy: it gets traffic, and forgives what failed before it."""
        task.healthy = True
        if task.revision is not None:
            breaker = part(service.configuration, "deploymentCircuitBreaker")
            if breaker.get("resetOnHealthyTask", True):
                task.revision.failures = 0
            task.revision.retry = None
        self._outside.register(service, [task], at)

    def fail(
        self,
        service: Service | None,
        task: Task,
        at: datetime,
        *,
        code: str,
        reason: str,
        exit_code: int | None = None,
    ) -> None:
        """A task died, which nobody wanted."""
        revision = task.revision
        if service is not None and revision is not None:
            self._outside.deregister(service, [task], at)
            revision.failures += 1
            revision.failed += 1
            rounds = revision.failures // max(1, revision.requested)
            delay = min(ENDS * (rounds - 1), MOST_DELAY) if rounds > 1 else 0
            revision.retry = at + timedelta(seconds=delay * self._clock.minute.total_seconds())
            service.tell(at, f"(task {last(task.arn)}) {reason}.")
        self.stop(task, at, code, reason, exit_code)

    def stop(
        self, task: Task, at: datetime, code: str, reason: str, exit_code: int | None = None
    ) -> None:
        """End a task; a process has time to end, and nobody is held up meanwhile."""
        process = task.process
        task.desired, task.status = "STOPPED", "STOPPING"
        task.healthy, task.due = False, None
        task.stop_code, task.exit_code = code, exit_code
        task.reason = reason if process else f"{reason} {SIMULATED}"
        if process is not None:
            self.processes.end(process)
            self._ending.append((task, process))
            self._finish(at)
            return
        if task.started is not None and exit_code is None:
            # What SIGTERM gives a container that does not handle it.
            task.exit_code = 143
        task.status, task.stopped = "STOPPED", at

    def wait(self) -> None:
        """Wait until what was stopped has ended; who waits must not hold the lock."""
        self.processes.wait(process for _, process in list(self._ending))

    def _finish(self, at: datetime) -> None:
        """Write down what processes said at last, and how they ended."""
        for task, process in [one for one in self._ending if one[1].gone.is_set()]:
            self._ending.remove((task, process))
            self._outside.log(task, process.lines(), at)
            task.exit_code = process.code() if task.exit_code is None else task.exit_code
            process.close()
            task.status, task.stopped = "STOPPED", at

    def look(self, service: Service | None, tasks: Sequence[Task], at: datetime) -> None:
        """Hand on what processes wrote, and see which of them have ended."""
        self._finish(at)
        for task in tasks:
            process = task.process
            if process is None or not task.live:
                continue
            code = process.code()
            self._outside.log(task, process.lines(), at)
            if code is not None:
                self.fail(service, task, at, code=DIED, reason=EXITED, exit_code=code)

    def questions(self, services: Sequence[Service]) -> Iterator[Question]:
        """The health checks that are due."""
        for service in services:
            for task in filter(health_due, service.tasks):
                if task.revision is not None and task.process is not None:
                    path = self._outside.health_path(service, task.revision)
                    yield Question(task, task.process, path)

    def heard(self, service: Service, question: Question, at: datetime, *, well: bool) -> None:
        """Take note of a health check's answer."""
        task, process = question.task, question.process
        if not task.live:
            return
        if well:
            process.misses = 0
            if not task.healthy:
                self.live(service, task, at)
            return
        process.misses += 1
        minutes = (service.request.get("healthCheckGracePeriodSeconds") or 0) / 60
        grace = minutes * self._clock.minute.total_seconds()
        if dead(process, was_healthy=task.healthy, grace=grace):
            self.fail(service, task, at, code=ENDED, reason=NOT_HEALTHY)

    def forget(self, services: Sequence[Service], at: datetime) -> None:
        """Drop the tasks that stopped an hour ago."""
        before = at - REMEMBERED * max(self._clock.minute, timedelta(minutes=1))
        keep: Callable[[Task], bool] = lambda one: one.stopped is None or one.stopped > before  # noqa: E731 - three uses
        self.one_off[:] = filter(keep, self.one_off)
        for service in services:
            service.tasks[:] = filter(keep, service.tasks)


def _port(task: Task) -> int:
    for balancer in parts(task.request, "loadBalancers"):
        if "containerPort" in balancer:
            return int(balancer["containerPort"])
    mappings = parts(task.container, "portMappings")
    return int(mappings[0]["containerPort"]) if mappings else 80


def _listed(tasks: Sequence[Task]) -> str:
    return " ".join(f"(task {last(task.arn)})" for task in tasks)
