"""Promote the standby's database, and judge first what that would lose."""

from datetime import datetime, timedelta
from typing import Any

from arca.clients import client, explained
from arca.errors import ArcaError, Refused
from arca.recovery import ask
from arca.recovery.budgets import BUDGETS, RPO_SECONDS
from arca.recovery.facts import Replica
from arca.recovery.scene import Scene
from arca.stack import Stack

LOOK_SECONDS = 5.0
CATCH_UP_SECONDS = 480
"""Without writers RDS's own next transaction proves that the replica has everything. It comes
within five minutes, and the metric is a minute or two old."""
APPLICABLE = frozenset(
    {
        "AllocatedStorage",
        "BackupRetentionPeriod",
        "CACertificateIdentifier",
        "DBInstanceClass",
        "EngineVersion",
        "Iops",
        "LicenseModel",
        "MultiAZ",
        "StorageThroughput",
        "StorageType",
    }
)
"""The pending values that ModifyDBInstance takes by the same name and in the same form."""
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


def require_lag(scene: Scene, accepted: float | None, *, ended: datetime, fenced: bool) -> str:
    """Return what is lost at most; raises Refused above what may be lost.

    `ended` is when the primary's last writer ended, as far as anybody knows. What was committed
    between the replica's newest transaction and that moment is lost. A primary that is `fenced`
    has sent everything, so that its replica is waited for, and nothing may be lost. `accepted` are
    the seconds that the operator accepts to lose.
    """
    standby = scene.standby
    allowed = accepted if accepted is not None else 0.0 if fenced else float(RPO_SECONDS)
    deadline = scene.clock.now() + timedelta(seconds=CATCH_UP_SECONDS if fenced else 0)
    while True:
        replica = ask.replica(standby, scene.clock.now())
        if not replica.follows:
            return f"{replica.identifier} is promoted already"
        lost, told = _lost(replica, ended)
        if lost is not None and lost <= allowed:
            return told
        if scene.clock.now() >= deadline or (lost is None and accepted is not None):
            break
        scene.pause(standby, LOOK_SECONDS)
    if lost is None and accepted is not None:
        return f"{told}; a loss of {accepted:,.0f} s is accepted"
    raise Refused(
        f"{told}, and {allowed:,.0f} s may be lost.",
        where=f"{replica.identifier} in {standby.outputs.region}",
        wanted="a replica that has everything" if fenced else f"at most {allowed:,.0f} s",
        do=(
            f"wait, and `{scene.resume}`: {scene.primary_name} is fenced and has sent everything; "
            if fenced
            else f"say when {scene.primary_name} was lost: `{scene.resume} --failed-at TIME`; "
        )
        + f"or go on with `{scene.resume} --accept-data-loss SECONDS`",
    )


def _lost(replica: Replica, ended: datetime) -> tuple[float | None, str]:
    """Return the seconds whose commits may be lost, and that in words."""
    received = replica.received
    if received is None or replica.lag_at is None:
        return None, "RDS tells no lag"
    lost = max((ended - received).total_seconds(), 0.0)
    measured = f"the lag was {replica.lag_seconds:,.1f} s at {replica.lag_at:%H:%M:%SZ}"
    if not lost:
        return lost, f"Nothing is lost: {measured}, the last writer ended at {ended:%H:%M:%SZ}"
    return lost, (
        f"At most {lost:,.0f} s are lost, {received:%H:%M:%SZ} to {ended:%H:%M:%SZ}: {measured}"
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

    Without a stack it is the standby's database that is changed. A refusal is told, and stops
    nothing: the database serves without. A request that names no change is refused, so each one is
    named. Source: Amazon RDS API Reference, ModifyDBInstance and PendingModifiedValues.
    """
    chosen = stack or scene.standby
    identifier, rds = chosen.outputs.database.identifier, client(chosen, "rds")
    with explained(chosen, f"The database {identifier} cannot be read"):
        (found,) = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
    pending: dict[str, Any] = found.get("PendingModifiedValues") or {}
    status = str(found["DBInstanceStatus"])
    if not pending:
        return "nothing pending"
    changes = {name: value for name, value in pending.items() if name in APPLICABLE}
    names, told = ", ".join(sorted(pending)), f"the database is {status}"
    if changes and status == "available":
        try:
            with explained(chosen, f"The database {identifier} cannot be changed"):
                rds.modify_db_instance(
                    DBInstanceIdentifier=identifier, ApplyImmediately=True, **changes
                )
        except ArcaError as refused:
            told = refused.what
        else:
            return f"{', '.join(sorted(changes))} applied at once"
    return f"{names} pending, {told}"
