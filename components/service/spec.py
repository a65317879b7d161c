"""The service's settings."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from arca.monitoring.catalogue import THRESHOLD_VARIABLES
from arca.pins import pinned
from components.service.environment import SERVICE_SECRETS
from components.service.schedule import ScheduleExpression, TimeZone
from components.spec import Format, LogRetention, Minutes, Percent, Port, Spec, WrongKey

FARGATE_MEMORY_GIB: dict[int, tuple[float, ...]] = {
    256: (0.5, 1, 2),
    512: (1, 2, 3, 4),
    1024: tuple(range(2, 9)),
    2048: tuple(range(4, 17)),
    4096: tuple(range(8, 31)),
    8192: tuple(range(16, 61, 4)),
    16384: tuple(range(32, 121, 8)),
}
"""GiB of memory that Fargate accepts, by CPU units (Amazon ECS Developer Guide, "Fargate task CPU
and memory")."""

EXEC_PATHS = ("/var/lib/amazon", "/var/log/amazon")
"""Paths to which the agent of ECS Exec writes (Amazon ECS Developer Guide, "ECS Exec",
considerations)."""

VariableName = Annotated[
    str, Format(r"^[A-Z][A-Z0-9_]*$", "upper-case letters, digits and _, such as LOG_LEVEL")
]
ContainerPath = Annotated[
    str, Format(r"^(/[A-Za-z0-9._-]+)+$", "a path below /, such as /tmp, without a / at its end")
]
RESERVED_VARIABLES = (
    *("STAGE", "PUBLIC_URL", "DOCUMENTS_BUCKET"),
    *SERVICE_SECRETS,
    *THRESHOLD_VARIABLES,
)
RESERVED_PREFIXES = ("APP_DATABASE_", "ARCA_", "AWS_", "CACHE_", "DATABASE_", "ECS_")
"""Names that the platform or ECS sets (docs/service-contract.md; Amazon ECS Developer Guide,
"Environment variables")."""
LOADER_VARIABLES = ("PATH", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP")
LOADER_PREFIX = "LD_"
"""Names that decide which code a process loads (ld.so(8); Python documentation, "Environment
variables")."""
SECRET_ENDING = re.compile(
    r"(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|WEBHOOK|(?<!PUBLIC_)KEY)S?$"
)
SECRET_WORD = re.compile(
    r"(^|_)(CLAVE|CONTRASENA|CREDENTIAL|CRED|JWT|PASS|PASSPHRASE|PASSWD|PASSWORD|PAT|PWD|SECRET|"
    r"TOKEN|WEBHOOK)S?(_|$)"
)
PLAIN_ENDING = re.compile(
    r"_(ALGORITHM|ARN|AUDIENCE|COUNT|DAYS|ENABLED|HEADER|HOURS|ISSUER|LENGTH|LEVEL|LIMIT|MINUTES|"
    r"MS|NAME|POLICY|PREFIX|RETRIES|SECONDS|SIZE|TIMEOUT|TTL|TYPE)$"
)
"""The end of a name that describes a secret and holds none, such as TOKEN_TTL_SECONDS."""


def names_a_secret(name: str) -> bool:
    """Return whether a variable of this name usually holds a secret."""
    if SECRET_ENDING.search(name):
        return True
    return SECRET_WORD.search(name) is not None and PLAIN_ENDING.search(name) is None


class RollingSpec(Spec):
    """New tasks replace old ones, a few at a time."""

    strategy: Literal["rolling"] = "rolling"
    bake_minutes: Minutes = Field(
        default=0, description="Minutes after the last task that alarms can still roll back."
    )


class PausedSpec(Spec):
    """A strategy that can wait between test traffic and production traffic."""

    pause_minutes: Minutes = Field(
        default=30,
        description="Minutes that a deployment waits before production traffic moves, until "
        "`arca deploy` or `arca promote` continues it. Then ECS rolls it back. 0: do not wait.",
    )


class BlueGreenSpec(PausedSpec):
    """A complete new set of tasks is tested, then receives all the traffic at once."""

    strategy: Literal["blue-green"] = "blue-green"
    bake_minutes: Minutes = Field(
        default=10, description="Minutes that the old tasks stay, for an instant rollback."
    )


class LinearSpec(PausedSpec):
    """Traffic moves to the new tasks in equal steps."""

    strategy: Literal["linear"] = "linear"
    step_percent: float = Field(default=10, ge=3, le=100, description="Traffic of each step, in %.")
    step_minutes: Minutes = Field(
        default=5, description="Minutes of each step, during which alarms can roll back."
    )
    bake_minutes: Minutes = Field(
        default=10, description="Minutes after the last step that alarms can still roll back."
    )


class CanarySpec(PausedSpec):
    """A small share of the traffic moves first, then all of it."""

    strategy: Literal["canary"] = "canary"
    canary_percent: float = Field(
        default=10, ge=0.1, le=99, description="Traffic of the canary, in %."
    )
    canary_minutes: Minutes = Field(
        default=10, description="Minutes of the canary, during which alarms can roll back."
    )
    bake_minutes: Minutes = Field(
        default=10,
        description="Minutes after all traffic has moved that alarms can still roll back.",
    )


DeploymentSpec = Annotated[
    RollingSpec | BlueGreenSpec | LinearSpec | CanarySpec, Field(discriminator="strategy")
]


class ScheduledCapacity(Spec):
    """Another range of tasks, set on a schedule."""

    name: Annotated[
        str,
        Format(r"^[a-z][a-z0-9-]{0,30}$", "up to 31 lower-case letters, digits and hyphens"),
    ] = Field(description="Name of the schedule, unique in the list.")
    schedule: ScheduleExpression = Field(
        description="Time of the change, for example `cron(0 8 ? * MON-FRI *)`.",
    )
    timezone: TimeZone = Field(
        default="America/Argentina/Buenos_Aires", description="IANA time zone of the schedule."
    )
    min_tasks: int = Field(ge=0, description="Minimum number of tasks from then on.")
    max_tasks: int = Field(ge=1, description="Maximum number of tasks from then on.")

    def wrong_keys(self) -> Iterator[WrongKey]:
        """Require a minimum that is not above the maximum."""
        if self.min_tasks > self.max_tasks:
            yield WrongKey("min_tasks", f"at most max_tasks, {self.max_tasks}")


class ScalingSpec(Spec):
    """The number of tasks."""

    min_tasks: int = Field(default=1, ge=0, description="Minimum number of tasks.")
    max_tasks: int = Field(default=2, ge=1, description="Maximum number of tasks.")
    cpu_percent: Percent = Field(default=60, description="Target of CPU use, in %.")
    memory_percent: Percent = Field(default=75, description="Target of memory use, in %.")
    requests_per_task: int = Field(
        default=600, ge=1, description="Target of requests per task and minute."
    )
    scale_out_seconds: int = Field(default=60, ge=0, description="Seconds between two increases.")
    scale_in_seconds: int = Field(default=300, ge=0, description="Seconds between two decreases.")
    schedules: tuple[ScheduledCapacity, ...] = Field(
        default=(), description="Other ranges, set on a schedule."
    )

    def wrong_keys(self) -> Iterator[WrongKey]:
        """Require a minimum that is not above the maximum, and names that differ."""
        if self.min_tasks > self.max_tasks:
            yield WrongKey("min_tasks", f"at most max_tasks, {self.max_tasks}")
        names = [one.name for one in self.schedules]
        for number, one in enumerate(self.schedules):
            if names.index(one.name) != number:
                yield WrongKey(f"schedules.{number}.name", "a name that no other schedule has")


class FargateMix(Spec):
    """The mix of on-demand and Spot capacity."""

    on_demand_base: int = Field(
        default=1, ge=0, description="Number of tasks that always run on demand."
    )
    on_demand_weight: int = Field(
        default=1, ge=0, le=1000, description="Weight of on demand beyond the base."
    )
    spot_weight: int = Field(
        default=0, ge=0, le=1000, description="Weight of Spot beyond the base."
    )


class DelegatedSpec(Spec):
    """Inputs that others set after creation and that `pulumi up` therefore never reverts."""

    task_definition: bool = Field(
        default=True,
        description="A release sets the revision, the capacity and the deployment configuration.",
    )
    desired_count: bool | None = Field(
        default=None,
        description="Autoscaling sets the number of tasks. By default true where it can vary.",
    )
    load_balancers: bool = Field(
        default=False, description="ECS sets the service's load balancer configuration."
    )


class CollectorSpec(Spec):
    """The OpenTelemetry collector, a second container in each task."""

    enabled: bool = Field(default=True, description="Run the collector in every task.")
    image: str = Field(
        default=pinned("service.collector.image"),
        description="Image of the AWS distribution, with a pinned version.",
    )
    cpu: int = Field(default=64, ge=0, description="CPU units reserved for the collector.")
    memory_mib: int = Field(
        default=128, ge=64, description="Memory limit in MiB; ECS stops the collector above it."
    )
    sample_percent: float = Field(
        default=5,
        ge=0,
        le=100,
        description="Traces kept, in %. Traces with an error and slow ones are always kept.",
    )
    slow_ms: int = Field(default=500, ge=1, description="Milliseconds from which a trace is slow.")


class DeploymentAlarmsSpec(Spec):
    """Alarms that make ECS roll a deployment back."""

    enabled: bool = Field(default=True, description="Let ECS watch the alarms during a deployment.")
    errors_per_minute: int = Field(
        default=5, ge=1, description="Answers with 5xx per minute, in 2 of 3 minutes."
    )
    p95_ms: int = Field(
        default=1000, ge=1, description="P95 of the tasks' answers in ms, in 2 of 3 minutes."
    )


class ServiceSpec(Spec):
    """The ECS service, its tasks and their deployments."""

    port: Port = Field(default=8080, description="Port that the container listens on.")
    cpu: Literal[256, 512, 1024, 2048, 4096, 8192, 16384] = Field(
        default=512, description="CPU units of a task; 1024 are one vCPU."
    )
    memory_mib: int = Field(
        default=1024,
        description="Memory of a task in MiB; Fargate accepts only some sizes for each `cpu`.",
    )
    architecture: Literal["ARM64", "X86_64"] = Field(
        default="ARM64", description="CPU architecture; ARM64 is Graviton."
    )
    read_only_root: bool = Field(
        default=True, description="Mount the container's root file system read-only."
    )
    writable_paths: tuple[ContainerPath, ...] = Field(
        default=("/tmp",),  # noqa: S108 - a path in the container
        description="Writable paths; each is empty when a task starts.",
    )
    execute_command: bool = Field(
        default=False,
        description="Allow ECS Exec. With a read-only root it needs "
        f"{' and '.join(EXEC_PATHS)} among the writable paths.",
    )
    health_command: tuple[str, ...] = Field(
        default=("CMD", "/app/healthcheck"), description="Command of the container's health check."
    )
    stop_seconds: int = Field(
        default=60, ge=2, le=120, description="Seconds from SIGTERM to SIGKILL."
    )
    grace_seconds: int = Field(
        default=60, ge=0, description="Seconds during which a new task may fail health checks."
    )
    pool_size: int = Field(
        default=10,
        ge=1,
        description="Database connections of a task: its pool's maximum.",
    )
    environment: dict[VariableName, str] = Field(
        default={}, description="Plain variables, stored as SSM parameters. Never secrets."
    )
    migration_command: tuple[str, ...] = Field(
        default=("/app/migrate",), description="Command of the migration task."
    )
    log_days: LogRetention = Field(default=90, description="Days that the tasks' logs are kept.")
    deployment: DeploymentSpec = Field(default=RollingSpec(), description="Deployment strategy.")
    scaling: ScalingSpec = Field(default=ScalingSpec(), description="Number of tasks.")
    fargate: FargateMix = Field(
        default=FargateMix(), description="Mix of on-demand and Spot capacity."
    )
    delegated: DelegatedSpec = Field(
        default=DelegatedSpec(), description="Inputs that `pulumi up` leaves to others."
    )
    collector: CollectorSpec = Field(
        default=CollectorSpec(), description="OpenTelemetry collector."
    )
    deployment_alarms: DeploymentAlarmsSpec = Field(
        default=DeploymentAlarmsSpec(), description="Alarms that make ECS roll a deployment back."
    )

    def wrong_keys(self) -> Iterator[WrongKey]:
        """Yield what ECS and Fargate refuse, and variables that must not be plain."""
        yield from self._wrong_sizes()
        yield from self._wrong_tasks()
        yield from self._wrong_variables()

    def _wrong_sizes(self) -> Iterator[WrongKey]:
        accepted = FARGATE_MEMORY_GIB[self.cpu]
        if self.memory_mib / 1024 not in accepted:
            sizes = ", ".join(str(int(gib * 1024)) for gib in accepted)
            yield WrongKey("memory_mib", f"one of {sizes}, because cpu is {self.cpu}")
        if self.collector.enabled:
            for key in ("cpu", "memory_mib"):
                whole = getattr(self, key)
                if getattr(self.collector, key) >= whole:
                    yield WrongKey(
                        f"collector.{key}",
                        f"below service.{key}, {whole}, which the service's container shares",
                    )
        if self.health_command[:1] not in (("CMD",), ("CMD-SHELL",)) or not self.health_command[1:]:
            # Amazon ECS API, HealthCheck, command.
            yield WrongKey("health_command", "CMD or CMD-SHELL, and then the command")
        missing = [path for path in EXEC_PATHS if path not in self.writable_paths]
        if self.execute_command and self.read_only_root and missing:
            wanted = f"also {' and '.join(missing)}, because execute_command is true"
            yield WrongKey("writable_paths", wanted)

    def _wrong_tasks(self) -> Iterator[WrongKey]:
        strategy, fewest = self.deployment.strategy, self.scaling.min_tasks
        if strategy in ("canary", "linear") and fewest < 2:
            wanted = f"at least 2, because deployment.strategy is {strategy}"
            yield WrongKey("scaling.min_tasks", wanted)
        if not self.fargate.on_demand_weight and not self.fargate.spot_weight:
            yield WrongKey("fargate.on_demand_weight", "above 0, or else fargate.spot_weight")
        if self.fargate.on_demand_base > self.scaling.max_tasks:
            wanted = f"at most scaling.max_tasks, {self.scaling.max_tasks}"
            yield WrongKey("fargate.on_demand_base", wanted)

    def _wrong_variables(self) -> Iterator[WrongKey]:
        for name in self.environment:
            if name in RESERVED_VARIABLES or name.startswith(RESERVED_PREFIXES):
                wanted = "a name that the platform does not set itself"
                yield WrongKey(f"environment.{name}", wanted)
            elif name in LOADER_VARIABLES or name.startswith(LOADER_PREFIX):
                wanted = "a name that does not decide which code runs; the image sets that"
                yield WrongKey(f"environment.{name}", wanted)
            elif names_a_secret(name):
                wanted = "no secret in plain text; docs/how-to.md says how a secret is added"
                yield WrongKey(f"environment.{name}", wanted, secret=True)

    @property
    def desired_count_delegated(self) -> bool:
        """True when autoscaling sets the number of tasks."""
        chosen = self.delegated.desired_count
        varies = self.scaling.min_tasks < self.scaling.max_tasks or bool(self.scaling.schedules)
        return varies if chosen is None else chosen

    @property
    def weights_shifted_by_ecs(self) -> bool:
        """True when ECS moves traffic between two target groups."""
        return self.deployment.strategy != "rolling"
