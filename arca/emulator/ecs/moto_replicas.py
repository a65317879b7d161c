"""Read replicas in moto's RDS: a promotion shows, and a replica shares nothing with its source.

moto carries a promotion out, but the replica still names its source, and the source its replica.
It also makes a replica as a shallow copy. Source: Amazon RDS User Guide, "Promoting a read replica
to be a standalone DB instance"; Amazon RDS API Reference, DBInstance: only a replica has
`ReadReplicaSourceDBInstanceIdentifier`.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from moto.rds import models


def show_promotions() -> None:
    """Replace moto's method that promotes a replica; twice is the same as once."""
    backend = cast("Any", models).RDSBackend
    if not hasattr(backend.promote_read_replica, "before"):
        backend.promote_read_replica = _showing(backend.promote_read_replica)


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
