"""The newest moment that each kind of backup of a stack's database can be restored to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from arca.clients import client, explained
from arca.errors import ArcaError
from arca.recovery.limits import Limits
from arca.stack import Stack

BackupKind = Literal["snapshot", "point-in-time", "backup"]
"""RDS's own automated snapshot, its logs of transactions, and a recovery point of AWS Backup."""
BACKUP_KINDS: tuple[BackupKind, ...] = get_args(BackupKind)
SNAPSHOT_TYPES: Mapping[BackupKind, str] = {"snapshot": "automated", "backup": "awsbackup"}
"""Amazon RDS API Reference, DescribeDBSnapshots, SnapshotType."""


@dataclass(frozen=True)
class Source:
    """The stack's database, as far as a copy of it has to be like it."""

    identifier: str
    parameter_group: str
    gib: int


@dataclass(frozen=True)
class BackupPoint:
    """A moment that a backup can be restored to."""

    kind: BackupKind
    name: str
    """The snapshot's identifier; for a point in time, the instance's."""
    moment: datetime

    def __str__(self) -> str:
        """Return it for a person."""
        return f"{self.kind} {self.name} of {self.moment:%Y-%m-%d %H:%M:%SZ}"

    def age(self, now: datetime) -> float:
        """Return the seconds since the moment; nobody's clock makes it negative."""
        return max(0.0, (now - self.moment).total_seconds())

    @property
    def most_age(self) -> float:
        """The seconds after which a newer backup should be there."""
        limits = Limits()
        if self.kind == "point-in-time":
            return limits.restorable_seconds
        return limits.backup_hours * 3600


def source(stack: Stack) -> Source:
    """Return the stack's database; raises ArcaError where there is none."""
    found = _instance(stack)
    return Source(
        str(found["DBInstanceIdentifier"]),
        str(found["DBParameterGroups"][0]["DBParameterGroupName"]),
        int(found["AllocatedStorage"]),
    )


def newest(stack: Stack, kind: BackupKind) -> BackupPoint:
    """Return the newest backup of a kind; raises ArcaError where there is none."""
    identifier = stack.outputs.database.identifier
    if kind == "point-in-time":
        moment = _instance(stack).get("LatestRestorableTime")
        if moment is None:
            raise _none(stack, kind, "look at `database.backup_days`; 0 keeps no logs")
        # RDS takes a moment of whole seconds.
        return BackupPoint(kind, identifier, moment.replace(microsecond=0))
    with explained(stack, f"The backups of {identifier} cannot be read"):
        pages = (
            client(stack, "rds")
            .get_paginator("describe_db_snapshots")
            .paginate(DBInstanceIdentifier=identifier, SnapshotType=SNAPSHOT_TYPES[kind])
        )
        found = [
            # A copy was created later than what it is a copy of.
            (one.get("OriginalSnapshotCreateTime") or one["SnapshotCreateTime"], one)
            for page in pages
            for one in page["DBSnapshots"]
            if one["Status"] == "available"
        ]
    if not found:
        raise _none(stack, kind, "wait for the first one, or name another kind with --from")
    moment, one = max(found, key=lambda pair: pair[0])
    return BackupPoint(kind, str(one["DBSnapshotIdentifier"]), moment.replace(microsecond=0))


def _instance(stack: Stack) -> Mapping[str, Any]:
    identifier = stack.outputs.database.identifier
    with explained(stack, f"The database {identifier} cannot be read"):
        (found,) = client(stack, "rds").describe_db_instances(DBInstanceIdentifier=identifier)[
            "DBInstances"
        ]
    return found


def _none(stack: Stack, kind: BackupKind, do: str) -> ArcaError:
    return ArcaError(
        f"{stack.outputs.database.identifier} has no backup of the kind {kind}.",
        where=stack.where,
        wanted="a backup that can be restored",
        do=do,
    )
