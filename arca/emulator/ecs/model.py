"""What a service is made of: revisions, tasks, deployments, events."""

from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from arca.emulator.ecs import faults
from arca.emulator.ecs.processes import Process

SIMULATED = "(simulated)"
UNDER_WAY = frozenset(
    {"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"}
)
FORWARD = frozenset({"PENDING", "IN_PROGRESS"})
MOST_EVENTS = 100
"""DescribeServices gives the latest hundred (Amazon ECS Developer Guide, "Service events")."""


@dataclass(frozen=True)
class Wait:
    """What a deployment waits for: a moment, a condition, or whichever comes first."""

    at: datetime | None = None
    until: Callable[[], bool] | None = None


Script = Generator[Wait, datetime, None]
"""A deployment's way: it yields what it waits for, and is sent the moment when it goes on."""


@dataclass(eq=False)
class Revision:
    """A service revision: a task definition as the service runs it."""

    arn: str
    definition: Mapping[str, Any]
    created: datetime
    request: Mapping[str, Any]
    """The service's configuration as it was then."""
    group: int = 0
    """Which of the two target groups its tasks stand in."""
    requested: int = 0
    production: float = 0.0
    """Percent of the production traffic."""
    test: float = 0.0
    faults: tuple[Any, ...] = ()
    failures: int = 0
    """Tasks that failed since one was healthy."""
    failed: int = 0
    """Tasks that failed, all told."""
    retry: datetime | None = None
    """No task is started before that moment."""

    @property
    def definition_arn(self) -> str:
        """Of the task definition."""
        return self.definition["taskDefinitionArn"]

    @property
    def identifier(self) -> str:
        """What its tasks name as what started them."""
        return f"ecs-svc/{self.arn.rpartition('/')[2]}"


@dataclass(eq=False)
class Task:
    """A task; simulated, unless a process stands behind it."""

    arn: str
    cluster_arn: str
    region: str
    definition: Mapping[str, Any]
    created: datetime
    started_by: str
    group: str
    address: str
    request: Mapping[str, Any]
    """Of RunTask, or of the service."""
    revision: Revision | None = None
    faults: tuple[Any, ...] = ()
    status: str = "PROVISIONING"
    desired: str = "RUNNING"
    healthy: bool = False
    due: datetime | None = None
    """When its state changes by itself."""
    started: datetime | None = None
    stopped: datetime | None = None
    stop_code: str = ""
    reason: str = ""
    exit_code: int | None = None
    """None where the container never ran."""
    target: tuple[str, int] | None = None
    """Address and port as registered in the target group."""
    process: Process | None = None

    @property
    def override(self) -> Mapping[str, Any]:
        """The first container's override of RunTask; empty where there is none."""
        overrides = self.request.get("overrides", {}).get("containerOverrides", [])
        return overrides[0] if overrides else {}

    @property
    def container(self) -> Mapping[str, Any]:
        """The container that matters: the one that is overridden, else the first."""
        containers: list[Mapping[str, Any]] = self.definition["containerDefinitions"]
        wanted = self.override.get("name")
        return next((one for one in containers if one["name"] == wanted), containers[0])

    @property
    def image(self) -> str:
        """Of the container that matters."""
        return self.container["image"]

    @property
    def live(self) -> bool:
        """Whether nobody and nothing has ended it; its process may still be at its end."""
        return self.desired != "STOPPED"

    @property
    def broken(self) -> Any:
        """The fault that keeps it from living, if any; a load balancer asks services alone."""
        for one in self.faults:
            match one:
                case faults.ImageMissing():
                    concerned = True
                case faults.Exits():
                    concerned = one.of == ("run-task" if self.revision is None else "service")
                case faults.Unhealthy():
                    concerned = self.revision is not None
                case _:
                    concerned = False
            if concerned and one.image == self.image:
                return one
        return None


@dataclass(eq=False)
class Hook:
    """A lifecycle hook at work."""

    identifier: str
    declared: Mapping[str, Any]
    status: str
    expires: datetime | None = None
    answer: str | None = None

    @property
    def timeout_action(self) -> str:
        """What follows when nobody answers."""
        return self.declared.get("timeoutConfiguration", {}).get("action", "ROLLBACK")


@dataclass(eq=False)
class Deployment:
    """A service deployment."""

    arn: str
    source: Revision | None
    target: Revision
    configuration: Mapping[str, Any]
    created: datetime
    status: str = "PENDING"
    reason: str = ""
    stage: str = "RECONCILE_SERVICE"
    started: datetime | None = None
    updated: datetime | None = None
    finished: datetime | None = None
    rollback: tuple[str, datetime] | None = None
    """Why it went back, and since when."""
    watched: tuple[str, ...] = ()
    """Names of the alarms that are watched."""
    triggered: tuple[str, ...] = ()
    broken: bool = False
    """Whether the circuit breaker opened."""
    hooks: list[Hook] = field(default_factory=list[Hook])
    script: Script | None = None
    wait: Wait = Wait()

    @property
    def under_way(self) -> bool:
        """Whether it is not at its end."""
        return self.status in UNDER_WAY

    def close_hooks(self) -> None:
        """Nobody can answer any more."""
        for hook in self.hooks:
            if hook.status in ("AWAITING_ACTION", "IN_PROGRESS"):
                hook.status = "FAILED"

    @property
    def leads_to(self) -> Revision:
        """The revision that shall run when it is at its end."""
        back = self.status.startswith("ROLLBACK") and self.source is not None
        return self.source if back and self.source is not None else self.target


@dataclass(eq=False)
class Service:
    """A service, with the request that made it and what was changed since."""

    arn: str
    name: str
    cluster_arn: str
    region: str
    request: dict[str, Any]
    desired: int
    current: Revision
    """The latest that was deployed with success."""
    revisions: list[Revision] = field(default_factory=list[Revision])
    deployments: list[Deployment] = field(default_factory=list[Deployment])
    tasks: list[Task] = field(default_factory=list[Task])
    events: deque[tuple[datetime, str]] = field(
        default_factory=lambda: deque[tuple[datetime, str]](maxlen=MOST_EVENTS)
    )
    """The latest first."""

    @property
    def latest(self) -> Deployment:
        """The deployment that was begun last."""
        return self.deployments[-1]

    @property
    def configuration(self) -> Mapping[str, Any]:
        """How it deploys."""
        return self.request.get("deploymentConfiguration", {})

    def tell(self, at: datetime, message: str) -> None:
        """Add an event."""
        self.events.appendleft((at, f"(service {self.name}) {message} {SIMULATED}"))

    def live(self, revision: Revision) -> list[Task]:
        """The tasks of a revision that have not ended, oldest first."""
        return [task for task in self.tasks if task.revision is revision and task.live]

    def ready(self, revision: Revision) -> bool:
        """Whether a revision runs as many healthy tasks as it should."""
        return sum(task.healthy for task in self.live(revision)) >= revision.requested
