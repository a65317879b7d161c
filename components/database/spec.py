"""The database's settings, and the parameters that PostgreSQL gets from them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from arca.pins import pinned
from components.spec import Format, Spec, WrongKey
from components.windows import DailyWindow, WeeklyWindow, daily_length, overlap, weekly_length

_SEVENTH = {
    "t4g": {"micro": 1, "small": 2, "medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32},
    "m7g": {"large": 8, "xlarge": 16, "2xlarge": 32, "4xlarge": 64, "8xlarge": 128}
    | {"12xlarge": 192, "16xlarge": 256},
    "r7g": {"large": 16, "xlarge": 32, "2xlarge": 64, "4xlarge": 128, "8xlarge": 256}
    | {"12xlarge": 384, "16xlarge": 512},
}
MEMORY_GIB = {
    **_SEVENTH,
    **dict.fromkeys(("m6g", "m8g"), _SEVENTH["m7g"]),
    **dict.fromkeys(("r6g", "r8g"), _SEVENTH["r7g"]),
}
"""GiB by family and size (Amazon RDS User Guide, "Hardware specifications for DB instance
classes"). Both regions have all of them; the tests compare that with cfn-lint's data."""
VCPUS = {
    **dict.fromkeys(("micro", "small", "medium", "large"), 2),
    "xlarge": 4,
    "2xlarge": 8,
    "4xlarge": 16,
    "8xlarge": 32,
    "12xlarge": 48,
    "16xlarge": 64,
}
"""vCPUs by size, the same in each of these families (same page)."""
CLASSES = frozenset(f"db.{family}.{size}" for family, sizes in MEMORY_GIB.items() for size in sizes)
SHORTEST_MINUTES = 30
"""Amazon RDS API, CreateDBInstance: PreferredBackupWindow and PreferredMaintenanceWindow are at
least 30 minutes long, and do not overlap."""


InstanceArn = Annotated[
    str,
    Format(
        r"^arn:aws:rds:[a-z0-9-]+:\d{12}:db:[a-z][a-z0-9-]*$",
        "the ARN of an RDS instance, such as arn:aws:rds:us-east-1:123456789012:db:arca-dr",
    ),
]


class New(Spec):
    """An empty database."""

    kind: Literal["new"] = "new"


class Replica(Spec):
    """A replica of another region's instance; `recovery.phase` promotes it."""

    kind: Literal["replica"] = "replica"
    source_arn: InstanceArn | None = Field(
        default=None,
        description="ARN of the instance to follow. A primary that fails back names its DR "
        "stack's, `database.arn` of that stack's exports; a secondary reads its primary's.",
    )


class Promoted(Spec):
    """A replica of before, promoted for good: the stack's secrets set the owner's password."""

    kind: Literal["promoted"] = "promoted"


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

    def wrong_keys(self) -> Iterator[WrongKey]:
        """Require one source, and no more."""
        if self.source_instance_id is None and self.source_backups_arn is None:
            yield WrongKey("source_instance_id", "a value, or else source_backups_arn")
        if self.source_instance_id is not None and self.source_backups_arn is not None:
            yield WrongKey("source_backups_arn", "nothing, because source_instance_id is given")


Source = Annotated[New | Replica | Promoted | Snapshot | PointInTime, Field(discriminator="kind")]


class DatabaseSpec(Spec):
    """The RDS PostgreSQL instance."""

    instance_class: Annotated[
        str,
        Format(
            r"^db\.",
            f"an instance class of the families {', '.join(sorted(MEMORY_GIB))}, such as "
            "db.t4g.medium",
            CLASSES.__contains__,
        ),
    ] = Field(
        default="db.t4g.medium",
        description="RDS instance class, which sets memory, CPU and connections.",
    )
    engine_version: Annotated[
        str, Format(r"^1[5-8]\.\d+$", "a version from 15 to 18 with its minor, such as 17.6")
    ] = Field(
        default=pinned("database.engine_version"),
        description="PostgreSQL version, major and minor.",
    )
    source: Source = Field(
        default=New(), description="Source of the data when the instance is created."
    )
    generation: int = Field(
        default=1,
        ge=1,
        description="Number of the instance and its cache. One more declares others and deletes "
        "the old ones, which `recovery.release_data` must have released. A fail-back begins with "
        "it, and so does following a primary again.",
    )
    replicate_backups: bool = Field(
        default=True,
        description="Copy the automated backups to `recovery.replica_region`. A fail-back sets it "
        "to false until customers are served, because RDS may take an hour to begin.",
    )
    storage_gib: int = Field(
        default=50,
        ge=20,
        le=65536,
        description="Initial storage in GiB, of type gp3. A replica and a restored database have "
        "their source's.",
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
    backup_window: DailyWindow = Field(
        default="06:00-07:00", description="Daily window for backups, UTC."
    )
    maintenance_window: WeeklyWindow = Field(
        default="sun:07:30-sun:08:30",
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
        default=pinned("database.ca_certificate"),
        description="Certificate authority that signs the server's certificate.",
    )

    @property
    def max_connections(self) -> int:
        """RDS's default for PostgreSQL: memory in bytes / 9531392, at most 5000.

        Source: Amazon RDS User Guide, "Quotas and constraints for Amazon RDS", maximum number of
        database connections.
        """
        return min(self.memory_gib * 1024**3 // 9_531_392, 5000)

    @property
    def memory_gib(self) -> int:
        """The memory of the instance class, in GiB."""
        _, family, size = self.instance_class.split(".")
        return MEMORY_GIB[family][size]

    @property
    def vcpus(self) -> int:
        """The number of vCPUs of the instance class."""
        return VCPUS[self.instance_class.rpartition(".")[2]]

    def wrong_keys(self) -> Iterator[WrongKey]:
        """Yield what RDS refuses."""
        # Amazon RDS User Guide, "Managing capacity automatically with storage autoscaling".
        if self.storage_max_gib < self.storage_gib * 1.1:
            wanted = f"at least 10% above storage_gib, {self.storage_gib}"
            yield WrongKey("storage_max_gib", wanted)
        if self.managed_password and (self.read_replicas or self.source.kind == "replica"):
            yield WrongKey("managed_password", "false where there is a replica")
        if self.managed_password and self.blue_green_upgrades:
            yield WrongKey("managed_password", "false with blue_green_upgrades")
        if daily_length(self.backup_window) < SHORTEST_MINUTES:
            yield WrongKey("backup_window", f"a window of at least {SHORTEST_MINUTES} minutes")
        if weekly_length(self.maintenance_window) < SHORTEST_MINUTES:
            yield WrongKey("maintenance_window", f"a window of at least {SHORTEST_MINUTES} minutes")
        if overlap(self.backup_window, self.maintenance_window):
            wanted = f"a window that does not overlap backup_window, {self.backup_window}"
            yield WrongKey("maintenance_window", wanted)


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
