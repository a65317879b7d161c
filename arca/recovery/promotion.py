"""Promote the standby's database, and judge first what that would lose."""

from datetime import timedelta
from typing import Any

from arca.clients import client, explained
from arca.errors import ArcaError, Refused
from arca.recovery import ask
from arca.recovery.budgets import BUDGETS, RPO_SECONDS
from arca.recovery.facts import Replica
from arca.recovery.scene import Scene
from arca.stack import Stack

LOOK_SECONDS = 5.0
MISSING = "missing"
"""The status of an instance that RDS does not know, by `ask.replica`."""


def require_one_writer(scene: Scene, *, promoted: bool) -> None:
    """Raise Refused for a split brain: a standby's database that took writes before the failover.

    `promoted` says that the journal knows of the promotion.
    """
    standby = scene.standby
    if promoted or standby.outputs.phase in ("promoting", "active"):
        return
    replica = ask.replica(standby, scene.clock.now())
    if replica.follows:
        return
    if replica.status == MISSING:
        raise Refused(
            f"There is no database {replica.identifier}.",
            where=standby.where,
            wanted="a replica of the primary's database",
            do="restore the backups: `database.source` of the standby "
            "(docs/disaster-recovery.md, `Without a replica`)",
        )
    raise Refused(
        f"The database {replica.identifier} follows nothing ({replica.status}), though "
        f"{standby.name} is {standby.outputs.phase}: there may be two ledgers.",
        where=standby.where,
        wanted="a replica of the primary's database",
        do="find out who promoted it and what wrote to it (CloudTrail, PromoteReadReplica); "
        "docs/disaster-recovery.md, `Two ledgers`",
    )


def require_lag(scene: Scene, accepted: float | None) -> str:
    """Return how far the replica is behind; raises Refused above what may be lost.

    `accepted` are the seconds that the operator accepts to lose, instead of the RPO.
    """
    standby = scene.standby
    replica = ask.replica(standby, scene.clock.now())
    if not replica.follows:
        return f"{replica.identifier} is promoted already"
    allowed = RPO_SECONDS if accepted is None else accepted
    lag = replica.lag_seconds
    if lag is not None and lag <= allowed:
        return f"lag {lag:,.1f} s of {allowed:,.0f} s"
    if lag is None and accepted is not None:
        return f"lag unknown; a loss of {accepted:,.0f} s is accepted"
    told = "RDS tells no lag" if lag is None else f"The replica is {lag:,.0f} s behind"
    raise Refused(
        f"{told}, and {allowed:,.0f} s may be lost.",
        where=f"{replica.identifier} in {standby.outputs.region}",
        wanted=f"a lag of at most {allowed:,.0f} s",
        do="wait if the primary is fenced or still sends: RDS counts from the last transaction, "
        "up to 300 s of silence; where its region is lost, the lag grows and nothing is added to "
        f"the loss: go on with `{scene.resume} --accept-data-loss SECONDS`",
    )


def promote(scene: Scene) -> str:
    """Detach the replica and wait until it takes writes; returns what was seen."""
    standby = scene.standby
    phase, before = standby.outputs.phase, ask.replica(standby, scene.clock.now())
    # An update that was interrupted is done again.
    if phase == "standby" or (phase == "promoting" and before.follows):
        scene.update(scene.standby_name, {"recovery.phase": "promoting"})
    deadline = scene.clock.now() + timedelta(seconds=BUDGETS["promote"].seconds)
    while True:
        replica = ask.replica(standby, scene.clock.now())
        if not replica.follows and replica.status == "available":
            return f"{replica.identifier} is {replica.status} and follows nothing"
        if scene.clock.now() > deadline or replica.status == MISSING:
            raise _not_promoted(scene, replica)
        scene.pause(standby, LOOK_SECONDS)


def _not_promoted(scene: Scene, replica: Replica) -> ArcaError:
    follows = "still follows the primary" if replica.follows else "follows nothing"
    return ArcaError(
        f"The database {replica.identifier} is {replica.status} and {follows}; "
        f"it had {BUDGETS['promote'].seconds} s.",
        where=scene.standby.where,
        wanted="a database that is available and follows nothing",
        do=f"look at its events: `aws rds describe-events --source-identifier "
        f"{replica.identifier} --source-type db-instance "
        f"--region {scene.standby.outputs.region}`; "
        f"then `{scene.resume}`",
    )


def apply_now(scene: Scene, stack: Stack | None = None) -> str:
    """Apply what RDS would change in the next maintenance window, such as Multi-AZ.

    Without a stack it is the standby's database that is changed.

    A database that RDS works on takes no change; it serves without. Sources: Amazon RDS User Guide,
    "Using the schedule modifications setting": a change with `apply immediately` takes all pending
    ones with it; Amazon RDS API Reference, ModifyDBInstance: InvalidDBInstanceState.
    """
    standby = stack or scene.standby
    identifier, rds = standby.outputs.database.identifier, client(standby, "rds")
    with explained(standby, f"The database {identifier} cannot be changed"):
        (found,) = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
        pending: dict[str, Any] = found.get("PendingModifiedValues") or {}
        names, status = ", ".join(sorted(pending)), str(found["DBInstanceStatus"])
        if not names:
            return "nothing pending"
        try:
            if status == "available":
                rds.modify_db_instance(DBInstanceIdentifier=identifier, ApplyImmediately=True)
                return f"{names} applied at once"
        except rds.exceptions.InvalidDBInstanceStateFault:
            status = "at work"
    return f"{names} pending, the database is {status}"
