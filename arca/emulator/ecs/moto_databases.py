"""What moto's RDS gets wrong about replicas and subnet groups that change.

moto carries a promotion out, but the replica still names its source, and the source its replica.
A subnet group that is modified is lost. Sources: Amazon RDS User Guide, "Promoting a read replica
to be a standalone DB instance"; Amazon RDS API Reference, DBInstance: only a replica has
`ReadReplicaSourceDBInstanceIdentifier`; ModifyDBSubnetGroup changes an existing group.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from moto.rds import models


def mend() -> None:
    """Replace two methods of moto's backend; twice is the same as once."""
    backend = cast("Any", models).RDSBackend
    if not hasattr(backend.promote_read_replica, "before"):
        backend.promote_read_replica = _showing(backend.promote_read_replica)
        backend.modify_db_subnet_group = _keeping(backend.modify_db_subnet_group)


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
