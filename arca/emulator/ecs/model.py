"""The state of an ECS service: its revisions, tasks, deployments and events."""

from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from arca.emulator.ecs import faults
from arca.emulator.ecs.api import SIMULATED
from arca.emulator.ecs.faults import AnyFault
from arca.emulator.ecs.stand_ins import StandInProcess
from arca.emulator.ecs.strategy import Stage

IN_PROGRESS_STATUSES = frozenset(
    {"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"}
)
FORWARD = frozenset({"PENDING", "IN_PROGRESS"})
MOST_EVENTS = 100
"""Events that DescribeServices returns (Amazon ECS Developer Guide, "Service events")."""


@dataclass(frozen=True)
class Wait:
    """What a deployment waits for: a moment, a condition, or the earlier of the two."""

    at: datetime | None = None
    until: Callable[[], bool] | None = None


DeploymentSteps = Generator[Wait, datetime, None]
"""The remaining steps of a deployment; they yield each wait and are sent the moment of its end."""


TaskFault = faults.ImageMissing | faults.Exits | faults.Unhealthy
"""Faults that make a task fail."""


@dataclass(eq=False)
class EmulatedRevision:
    """A service revision: a task definition and the service's configuration at that time."""

    arn: str
    definition: Mapping[str, Any]
    created: datetime
    request: Mapping[str, Any]
    """The service's configuration when the revision was made."""
    group: int = 0
    """Index of the target group that its tasks are registered in: 0 or 1."""
    requested: int = 0
    """Tasks that shall run."""
    production: float = 0.0
    """Percentage of the production traffic."""
    test: float = 0.0
    """Percentage of the test traffic."""
    faults: tuple[AnyFault, ...] = ()
    failures: int = 0
    """Tasks that failed since the last one became healthy."""
    failed: int = 0
    """All tasks that failed."""
    retry: datetime | None = None
    """The moment before which no task is started."""

    @property
    def definition_arn(self) -> str:
        """The ARN of the task definition."""
        return self.definition["taskDefinitionArn"]

    @property
    def identifier(self) -> str:
        """The identifier that tasks have as `startedBy`."""
        return f"ecs-svc/{self.arn.rpartition('/')[2]}"


@dataclass(eq=False)
class EcsTask:
    """A task of a service or of RunTask; simulated unless a stand-in process runs it."""

    arn: str
    cluster_arn: str
    region: str
    definition: Mapping[str, Any]
    created: datetime
    started_by: str
    group: str
    address: str
    request: Mapping[str, Any]
    """The request of RunTask, or that of the service."""
    revision: EmulatedRevision | None = None
    faults: tuple[AnyFault, ...] = ()
    status: str = "PROVISIONING"
    desired: str = "RUNNING"
    healthy: bool = False
    due: datetime | None = None
    """The moment of its next change of state."""
    started: datetime | None = None
    stopped: datetime | None = None
    stop_code: str = ""
    reason: str = ""
    exit_code: int | None = None
    """The container's exit code; None until it ends, or where it never ran."""
    target: tuple[str, int] | None = None
    """The address and port that are registered in the target group."""
    process: StandInProcess | None = None

    @property
    def override(self) -> Mapping[str, Any]:
        """RunTask's first container override; empty where there is none."""
        overrides = self.request.get("overrides", {}).get("containerOverrides", [])
        return overrides[0] if overrides else {}

    @property
    def container(self) -> Mapping[str, Any]:
        """The main container: the overridden one, else the first."""
        containers: list[Mapping[str, Any]] = self.definition["containerDefinitions"]
        wanted = self.override.get("name")
        return next((one for one in containers if one["name"] == wanted), containers[0])

    @property
    def image(self) -> str:
        """The main container's image."""
        return self.container["image"]

    @property
    def live(self) -> bool:
        """True while no stop was requested; a process may still be exiting afterwards."""
        return self.desired != "STOPPED"

    @property
    def failure(self) -> TaskFault | None:
        """The injected fault that makes this task fail, if any.

        A one-off task has no load balancer, so that it cannot be unhealthy.
        """
        for fault in self.faults:
            match fault:
                case faults.ImageMissing():
                    concerns = True
                case faults.Exits():
                    concerns = fault.of == ("run-task" if self.revision is None else "service")
                case faults.Unhealthy():
                    concerns = self.revision is not None
                case _:
                    continue
            if concerns and fault.image == self.image:
                return fault
        return None


@dataclass(eq=False)
class LifecycleHook:
    """A lifecycle hook that a deployment has reached."""

    identifier: str
    declared: Mapping[str, Any]
    status: str
    expires: datetime | None = None
    answer: str | None = None

    @property
    def timeout_action(self) -> str:
        """What happens when a pause times out: ROLLBACK or CONTINUE."""
        return self.declared.get("timeoutConfiguration", {}).get("action", "ROLLBACK")


@dataclass(eq=False)
class EmulatedDeployment:
    """A service deployment: from one service revision to another."""

    arn: str
    source: EmulatedRevision | None
    target: EmulatedRevision
    configuration: Mapping[str, Any]
    created: datetime
    status: str = "PENDING"
    reason: str = ""
    stage: Stage = "RECONCILE_SERVICE"
    started: datetime | None = None
    updated: datetime | None = None
    finished: datetime | None = None
    rollback: tuple[str, datetime] | None = None
    """The reason of the rollback and the moment when it began."""
    watched_alarms: tuple[str, ...] = ()
    triggered_alarms: tuple[str, ...] = ()
    breaker_open: bool = False
    hooks: list[LifecycleHook] = field(default_factory=list[LifecycleHook])
    steps: DeploymentSteps | None = None
    wait: Wait = Wait()

    @property
    def under_way(self) -> bool:
        """True until the deployment has ended."""
        return self.status in IN_PROGRESS_STATUSES

    def close_hooks(self) -> None:
        """Fail the hooks that still wait: nobody can answer them any more."""
        for hook in self.hooks:
            if hook.status in ("AWAITING_ACTION", "IN_PROGRESS"):
                hook.status = "FAILED"

    @property
    def leads_to(self) -> EmulatedRevision:
        """The revision that runs at the end: the source in a rollback, else the target."""
        back = self.status.startswith("ROLLBACK") and self.source is not None
        return self.source if back and self.source is not None else self.target


@dataclass(eq=False)
class EmulatedService:
    """A service: the request that created it with all later changes, and all that it has."""

    arn: str
    name: str
    cluster_arn: str
    region: str
    request: dict[str, Any]
    desired: int
    current: EmulatedRevision
    """The last revision that was deployed successfully."""
    revisions: list[EmulatedRevision] = field(default_factory=list[EmulatedRevision])
    deployments: list[EmulatedDeployment] = field(default_factory=list[EmulatedDeployment])
    tasks: list[EcsTask] = field(default_factory=list[EcsTask])
    events: deque[tuple[datetime, str]] = field(
        default_factory=lambda: deque[tuple[datetime, str]](maxlen=MOST_EVENTS)
    )
    """Moment and message; the latest first."""

    @property
    def latest(self) -> EmulatedDeployment:
        """The deployment that began last."""
        return self.deployments[-1]

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The deployment configuration."""
        return self.request.get("deploymentConfiguration", {})

    def add_event(self, at: datetime, message: str) -> None:
        """Add an event to those that DescribeServices returns."""
        self.events.appendleft((at, f"(service {self.name}) {message} {SIMULATED}"))

    def live(self, revision: EmulatedRevision) -> list[EcsTask]:
        """Return a revision's tasks that were not told to stop, oldest first."""
        return [task for task in self.tasks if task.revision is revision and task.live]

    def ready(self, revision: EmulatedRevision) -> bool:
        """Return whether a revision runs as many healthy tasks as requested."""
        return sum(task.healthy for task in self.live(revision)) >= revision.requested
