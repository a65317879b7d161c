"""How long each phase of a recovery may take; those of a failover add up to less than the RTO."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

RTO_SECONDS = 3600
"""A failover serves again after less than an hour."""
RPO_SECONDS = 300
"""Less than five minutes of acknowledged invoices may be lost."""

Kind = Literal["drill", "failover", "failback", "restore-test"]
PhaseName = Literal[
    "declare",
    "fence",
    "lag",
    "promote",
    "activate",
    "smoke",
    "switch",
    "verify",
    "compare",
    "rebuild",
    "catch-up",
    "restore",
    "validate",
    "clean-up",
]


@dataclass(frozen=True)
class Budget:
    """The time of a phase, and the reason for it."""

    seconds: int
    why: str
    source: str = ""


BUDGETS: Mapping[PhaseName, Budget] = {
    "declare": Budget(60, "a person reads the readiness and types the name of the stack"),
    "fence": Budget(
        300,
        "the tasks stop accepting, finish and end; a primary that is lost answers nothing and "
        "costs the timeouts of a few calls",
        "service.stop_seconds (60 s); arca/clients.py: 8 s an attempt, 5 attempts",
    ),
    "lag": Budget(
        60,
        "one read of the replica's position; the metric is a minute old",
        "Amazon RDS User Guide, Working with read replicas for PostgreSQL: ReplicaLag",
    ),
    "promote": Budget(
        900,
        "RDS restarts the instance; several minutes or longer, by its size",
        "Amazon RDS User Guide, Promoting a read replica to be a standalone DB instance",
    ),
    "activate": Budget(
        1200,
        "the cache, the proxy and the NAT gateways are created; `arca dr estimate` computes it",
        "arca/recovery/durations.csv",
    ),
    "smoke": Budget(
        180,
        "tasks start, become healthy and pass the smoke test",
        "Amazon ECS Developer Guide, Load balancer health check parameters",
    ),
    "switch": Budget(
        180,
        "health checkers agree on the lever within a minute, and the record lives 60 s",
        "Route 53 Developer Guide, How Route 53 determines whether a health check is healthy",
    ),
    "verify": Budget(
        600,
        "alarms of one and five minutes are green, and the last read of all invoices is done",
        "arca/monitoring/table/",
    ),
    "compare": Budget(600, "the old primary's tasks end; a person compares afterwards"),
    "rebuild": Budget(
        14400,
        "a replica of the new primary in the old region: a snapshot is copied across regions",
        "Amazon RDS User Guide, Creating a read replica in a different AWS Region",
    ),
    "catch-up": Budget(
        480,
        "without writers RDS's own next transaction proves that the replica has everything: it "
        "comes within five minutes, and the metric is a minute or two old",
        "Amazon RDS User Guide, Working with read replicas for PostgreSQL: ReplicaLag",
    ),
    "restore": Budget(
        7200,
        "an instance is created of a snapshot or a point in time",
        "Amazon RDS User Guide, Restoring a DB instance to a specified time",
    ),
    "validate": Budget(600, "the schema, the sequences and the last invoices are read"),
    "clean-up": Budget(1800, "an instance is deleted without a final snapshot"),
}
"""The budgets, in the order in which phases run."""

TO_RTO: tuple[PhaseName, ...] = (
    *("declare", "fence", "lag", "promote"),
    *("activate", "smoke", "switch", "verify"),
)
"""The phases of a failover, whose budgets count towards the RTO."""
FAILBACK: tuple[PhaseName, ...] = (
    *("declare", "compare", "rebuild", "fence", "catch-up", "promote"),
    *("activate", "smoke", "switch", "verify", "clean-up"),
)
"""The phases of a fail-back, in their order."""
NEEDED: Mapping[Kind, tuple[PhaseName, ...]] = {
    "drill": (*TO_RTO, "clean-up"),
    "failover": TO_RTO,
    "failback": (
        *("declare", "compare", "rebuild", "fence", "catch-up"),
        *("promote", "switch", "verify"),
    ),
    "restore-test": ("restore", "validate", "clean-up"),
}
"""The phases that a complete record of each kind has."""
