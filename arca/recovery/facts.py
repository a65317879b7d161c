"""What is known about a standby and its primary; arca/recovery/readiness.py judges it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from arca.check import Check as NamedCheck
from arca.recovery.records import LastDrill

T = TypeVar("T")


@dataclass(frozen=True)
class NotAsked:
    """A fact that is not known: one that only the lost region knows, or one that needs AWS."""

    why: str
    do: str = ""
    """What to do where the healthy region should have answered; the check then failed."""


@dataclass(frozen=True)
class Replica:
    """The standby's database."""

    identifier: str
    status: str
    """RDS's word for its state; `available` is good."""
    follows: bool
    """Whether it replicates; it does not any more once it is promoted."""
    lag_seconds: float | None
    """None where CloudWatch has no value of the last minutes, or RDS does not know it."""
    lag_at: datetime | None = None
    """The beginning of the minute that the lag was measured in; None without a lag."""

    @property
    def received(self) -> datetime | None:
        """The moment up to which all of the source's transactions are here; None if unknown."""
        if self.lag_seconds is None or self.lag_at is None:
            return None
        return self.lag_at - timedelta(seconds=self.lag_seconds)


def caught_up(lag_seconds: float | None, at: datetime | None, since: datetime) -> bool:
    """Return whether a replica has replayed all that its source committed before `since`.

    RDS's lag is no distance to the source: it is `now() - pg_last_xact_replay_timestamp()`, the age
    of the last transaction that was replayed. Transactions are replayed in the order of their
    commits, so one that is not older than the end of the last writer says that all of its are here.
    Without writers the lag grows until RDS's own next transaction arrives, up to five minutes
    later, and is never 0. Source: Amazon RDS User Guide, "Monitoring and tuning replication for RDS
    for PostgreSQL".
    """
    if lag_seconds is None or at is None:
        return False
    return at - timedelta(seconds=lag_seconds) >= since


@dataclass(frozen=True)
class Image:
    """The image that the service would run."""

    reference: str
    present: bool


@dataclass(frozen=True)
class Secret:
    """A secret that the tasks read."""

    name: str
    present: bool
    has_value: bool
    in_step: bool = True
    """Whether Secrets Manager tells of no copy that failed."""
    detached: bool = False
    """Whether it should be a copy of the primary's, and is a secret of its own."""


@dataclass(frozen=True)
class Certificate:
    """A certificate of the load balancer or of the edge."""

    name: str
    status: str
    """ACM's word for its state; `ISSUED` is good."""
    expires: datetime | None


@dataclass(frozen=True)
class Lever:
    """The health check that a person inverts to send customers to the standby (ADR 0021)."""

    id: str
    exists: bool
    pulled: bool
    """Whether it is inverted already, so that customers are sent to the standby."""


@dataclass(frozen=True)
class StateCopy:
    """A stack's state in Pulumi's bucket, which is not in the primary's region."""

    where: str
    readable: bool
    seen: str


@dataclass(frozen=True)
class Waiting:
    """A failover or a fail-back whose journal is there."""

    kind: str
    operator: str
    since: datetime
    """When its last phase ended, or it was declared."""
    done: str
    """The last phase that ended well; empty before one has."""
    only_clean_up: bool
    """Whether the customers are served, and only the clean-up of a fail-back is left."""


@dataclass(frozen=True)
class Permissions:
    """The actions that the operator may take, by the step that needs them."""

    principal: str
    steps: Mapping[str, Mapping[str, bool]]


@dataclass(frozen=True)
class Facts:
    """Everything that `arca dr status` looks at."""

    now: datetime
    stack: str
    region: str
    phase: str
    replica: Replica | NotAsked
    newest_restorable: datetime | NotAsked | None
    """The latest moment that the backups in this region can restore; None without backups."""
    last_copied_backup: datetime | NotAsked | None
    """When the newest recovery point in this region's vault was created; None without one."""
    replication_latency: Mapping[str, float | None] | NotAsked
    """Seconds by which the copy of each bucket is behind; None without a value."""
    image: Image | NotAsked
    secrets: tuple[Secret, ...] | NotAsked
    keys: Mapping[str, str] | NotAsked
    """The state of each key; `Enabled` is good."""
    quotas: tuple[NamedCheck, ...] | NotAsked
    certificates: tuple[Certificate, ...] | NotAsked
    lever: Lever | NotAsked
    healthy_targets: int | NotAsked
    """Tasks of the standby that answer their health check."""
    states: tuple[StateCopy, ...] | NotAsked
    """The standby's, and the primary's where its name is known: a failover updates both."""
    recovery: Waiting | NotAsked | None
    """The failover or fail-back that is under way; None without one."""
    drill: LastDrill | NotAsked
    restore_test: LastDrill | NotAsked
    permissions: Permissions | NotAsked
