"""What moto's RDS gets wrong about replicas, restored instances and subnet groups that change.

moto carries a promotion out, but the replica still names its source, and the source its replica.
A subnet group that is modified is lost. An instance that is restored counts as a replica of its
source, and keeps what the restore turns off, such as deletion protection. Sources: Amazon RDS User
Guide, "Promoting a read replica to be a standalone DB instance"; Amazon RDS API Reference,
DBInstance: only a replica has `ReadReplicaSourceDBInstanceIdentifier`; ModifyDBSubnetGroup changes
an existing group.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC
from typing import Any, cast

from moto.rds import models

from arca.emulator.ecs.places import life
from arca.emulator.ecs.task_needs import backends

RESTORES = ("restore_db_instance_from_db_snapshot", "restore_db_instance_to_point_in_time")
TURNED_OFF = (
    *("backup_retention_period", "copy_tags_to_snapshot", "deletion_protection"),
    *("auto_minor_version_upgrade", "multi_az", "publicly_accessible"),
)
"""Inputs of a restore that moto ignores where they are 0 or false."""
RESTORABLE = ("automated", "manual")
"""The types of snapshots that moto restores; RDS also those of AWS Backup (Amazon RDS User Guide,
"Using AWS Backup to manage automated backups for Amazon RDS": they count as manual ones)."""
SERVED: dict[str, str] = {}
"""The places of the living cloud, whose servers take a moment to start; moto has one state too."""


def serve(places: Mapping[str, str]) -> None:
    """Let restored instances be available whose server is at one of the living cloud's places."""
    SERVED.clear()
    SERVED.update(places)
    for account in backends("rds").values():
        for region in account.values():
            for one in region.databases.values():
                # moto's moments are of UTC, and do not say so.
                created = one.instance_create_time.replace(tzinfo=UTC)
                if one.status == "creating" and life(one.db_instance_arn, created) in places:
                    one.status = "available"


def mend() -> None:
    """Replace four methods of moto's backend; twice is the same as once."""
    backend = cast("Any", models).RDSBackend
    if not hasattr(backend.promote_read_replica, "before"):
        backend.promote_read_replica = _showing(backend.promote_read_replica)
        backend.modify_db_subnet_group = _keeping(backend.modify_db_subnet_group)
        for name in RESTORES:
            setattr(backend, name, _obeying(getattr(backend, name)))


def _showing(before: Callable[..., Any]) -> Callable[..., Any]:
    def promote(backend: Any, db_kwargs: dict[str, Any]) -> Any:
        replica = backend.databases[db_kwargs["db_instance_identifier"]]
        source = replica.source_db_instance_identifier
        if not replica.is_replica:
            raise cast("Any", models).InvalidDBInstanceStateFault(
                f"DB Instance {replica.db_instance_identifier} is not a read replica."
            )
        promoted = before(backend, db_kwargs)
        names = (promoted.db_instance_identifier, promoted.db_instance_arn)
        # A replica outlives its source.
        with suppress(cast("Any", models).DBInstanceNotFoundError):
            primary = backend.find_db_from_id(source)
            primary.replicas = [name for name in primary.replicas if name not in names]
        promoted.source_db_instance_identifier = None
        return promoted

    cast("Any", promote).before = before
    return promote


def _keeping(before: Callable[..., Any]) -> Callable[..., Any]:
    def modify(backend: Any, subnet_name: str, description: str, subnets: list[Any]) -> Any:
        if subnet_name not in backend.subnet_groups:
            raise cast("Any", models).DBSubnetGroupNotFoundError(subnet_name)
        group = before(backend, subnet_name, description, subnets)
        backend.subnet_groups[subnet_name] = group
        return group

    return modify


def _obeying(before: Callable[..., Any]) -> Callable[..., Any]:
    def restore(backend: Any, *identifiers: str, overrides: Any = None) -> Any:
        *names, given = (*identifiers, overrides) if overrides is not None else identifiers
        with _restorable(backend, names[0]):
            made = before(backend, *names, given)
        if SERVED:
            made.status = "creating"
        made.source_db_instance_identifier = None
        for name in TURNED_OFF:
            # moto's parameters are found by either spelling of their name.
            value = cast("Any", given).get(name)
            if value is not None and not value:
                setattr(made, name, value)
        return made

    return restore


@contextmanager
def _restorable(backend: Any, identifier: str) -> Generator[None]:
    """Let moto find a snapshot of a type that it does not look for."""
    snapshot = backend.database_snapshots.get(identifier)
    if snapshot is None or snapshot.snapshot_type in RESTORABLE:
        yield
        return
    kept, snapshot.snapshot_type = snapshot.snapshot_type, "manual"
    try:
        yield
    finally:
        snapshot.snapshot_type = kept
