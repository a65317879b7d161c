"""The database's settings, and the parameters that PostgreSQL gets from them."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.spec import Spec

_SEVENTH = {
    "t4g": {"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32},
    "m7g": {"large": 8, "xlarge": 16, "2xlarge": 32, "4xlarge": 64, "8xlarge": 128},
    "r7g": {"large": 16, "xlarge": 32, "2xlarge": 64, "4xlarge": 128, "8xlarge": 256},
}
MEMORY_GIB = {**_SEVENTH, "m6g": _SEVENTH["m7g"], "r6g": _SEVENTH["r7g"]}
"""GiB by family and size (Amazon RDS User Guide, "Hardware specifications for DB instance
classes")."""


class New(Spec):
    """An empty database."""

    kind: Literal["new"] = "new"


class Replica(Spec):
    """A replica of the primary stack's instance; `recovery.phase` promotes it."""

    kind: Literal["replica"] = "replica"


class Snapshot(Spec):
    """Restored from a snapshot."""

    kind: Literal["snapshot"] = "snapshot"
    snapshot_id: str = Field(min_length=1, description="Identifier or ARN of the snapshot.")


class PointInTime(Spec):
    """Restored to a point in time, from an instance or from automated backups."""

    kind: Literal["point-in-time"] = "point-in-time"
    source_instance_id: str | None = Field(default=None, description="Instance in the same region.")
    source_backups_arn: str | None = Field(
        default=None, description="ARN of (replicated) automated backups."
    )
    at: datetime | None = Field(
        default=None, description="UTC time to restore to; the latest restorable time when absent."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.source_instance_id is None) == (self.source_backups_arn is None):
            message = "give either source_instance_id or source_backups_arn"
            raise ValueError(message)
        return self


Source = Annotated[New | Replica | Snapshot | PointInTime, Field(discriminator="kind")]


class DatabaseSpec(Spec):
    """The RDS PostgreSQL instance."""

    instance_class: str = Field(
        default="db.t4g.medium",
        pattern=r"^db\.[a-z0-9]+\.[a-z0-9]+$",
        description="RDS instance class, which sets memory, CPU and connections.",
    )
    engine_version: str = Field(
        default="17.6", pattern=r"^1[5-8]\.\d+$", description="PostgreSQL version, major and minor."
    )
    source: Source = Field(
        default=New(), description="Source of the data when the instance is created."
    )
    storage_gib: int = Field(
        default=50, ge=20, le=65536, description="Initial storage in GiB, of type gp3."
    )
    storage_max_gib: int = Field(
        default=200, ge=22, le=65536, description="GiB that storage autoscaling may grow to."
    )
    multi_az: bool = Field(
        default=False, description="Keep a standby in another zone, to fail over to."
    )
    backup_days: int = Field(
        default=7,
        ge=1,
        le=35,
        description="Days that automated backups are kept, for point-in-time recovery.",
    )
    backup_window: str = Field(
        default="06:00-07:00",
        pattern=r"^\d\d:\d\d-\d\d:\d\d$",
        description="Daily window for backups, UTC.",
    )
    maintenance_window: str = Field(
        default="sun:07:30-sun:08:30",
        pattern=r"^[a-z]{3}:\d\d:\d\d-[a-z]{3}:\d\d:\d\d$",
        description="Weekly window for maintenance, UTC; it must not overlap the backup window.",
    )
    read_replicas: int = Field(
        default=0, ge=0, le=5, description="Number of read replicas in the same region."
    )
    proxy: bool = Field(
        default=False, description="Send the service's connections through RDS Proxy."
    )
    iam_authentication: bool = Field(
        default=True, description="Let IAM identities log in with tokens."
    )
    managed_password: bool = Field(
        default=False,
        description="Let RDS generate and rotate the owner's password, which forbids replicas and "
        "blue-green upgrades. Otherwise the password is our own secret.",
    )
    blue_green_upgrades: bool = Field(
        default=False,
        description="Carry out updates on a copy and switch over to it (RDS Blue/Green).",
    )
    slow_query_ms: int = Field(
        default=250,
        ge=-1,
        description="Milliseconds after which a statement is logged; -1 for none.",
    )
    lock_timeout_ms: int = Field(
        default=5000,
        ge=0,
        description="Milliseconds that a statement waits for a lock; 0 for no limit.",
    )
    idle_transaction_timeout_ms: int = Field(
        default=60000,
        ge=0,
        description="Milliseconds after which an idle transaction is ended; 0 for never.",
    )
    monitoring_seconds: Literal[0, 1, 5, 10, 15, 30, 60] = Field(
        default=60, description="Seconds between two samples of enhanced monitoring; 0 for none."
    )
    insights: Literal["standard", "advanced"] = Field(
        default="standard",
        description="CloudWatch Database Insights: 7 days of history, or 15 months at a price.",
    )
    ca_certificate: str = Field(
        default="rds-ca-rsa2048-g1",
        description="Certificate authority that signs the server's certificate.",
    )

    @property
    def max_connections(self) -> int | None:
        """RDS's default for PostgreSQL: memory / 9531392, at most 5000; None for an unknown class.

        Source: Amazon RDS User Guide, "Quotas and constraints for Amazon RDS", maximum number of
        database connections.
        """
        _, family, size = self.instance_class.split(".")
        memory = MEMORY_GIB.get(family, {}).get(size)
        return None if memory is None else min(memory * 1024**3 // 9_531_392, 5000)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems: list[str] = []
        # Amazon RDS User Guide, "Managing capacity automatically with storage autoscaling".
        if self.storage_max_gib < self.storage_gib * 1.1:
            problems.append(
                f"storage_max_gib {self.storage_max_gib} must be at least 10% above "
                f"storage_gib {self.storage_gib}"
            )
        if self.managed_password and (self.read_replicas or self.source.kind == "replica"):
            problems.append("managed_password must be false where there is a replica")
        if self.managed_password and self.blue_green_upgrades:
            problems.append("managed_password must be false with blue_green_upgrades")
        if problems:
            raise ValueError("; ".join(problems))
        return self


def parameters(spec: DatabaseSpec) -> list[tuple[str, str, str]]:
    """Return each parameter that we set: name, value, and when it takes effect."""
    return [
        ("rds.force_ssl", "1", "immediate"),
        ("shared_preload_libraries", "pg_stat_statements", "pending-reboot"),
        ("pg_stat_statements.track", "ALL", "immediate"),
        ("log_min_duration_statement", str(spec.slow_query_ms), "immediate"),
        ("log_lock_waits", "1", "immediate"),
        ("lock_timeout", str(spec.lock_timeout_ms), "immediate"),
        (
            "idle_in_transaction_session_timeout",
            str(spec.idle_transaction_timeout_ms),
            "immediate",
        ),
        # A long query delays a replica by at most a minute, well below the RPO of five minutes.
        ("max_standby_streaming_delay", "60000", "immediate"),
    ]
