"""What must be true before a fail-back changes anything, and before it deletes a database.

A fail-back deletes two databases. Each time the other stack must have the customers and a database
of its own.
"""

from arca import lever
from arca.errors import Refused
from arca.recovery import ask, fence
from arca.recovery.facts import Replica
from arca.recovery.journal_entry import Entry
from arca.recovery.promotion import MISSING
from arca.recovery.scene import Scene
from arca.smoke.suite import SmokeReport
from arca.stack import Stack


def next_generation(stack: Stack) -> int:
    """Return the number of a stack's next database; one that follows already keeps its own."""
    outputs = stack.outputs
    return outputs.database.generation + (outputs.phase != "following")


def require_generation(scene: Scene, given: int | None, known: int) -> None:
    """Raise Refused where an operator wants another database than the next one."""
    if given is not None and given != known:
        raise Refused(
            f"The next database of {scene.primary_name} has the generation {known}, not {given}: "
            "another number would delete the one that follows.",
            where="--generation",
            wanted=f"{known}, or none",
            do="leave out --generation",
        )


def require_dr_serves(scene: Scene) -> None:
    """Raise Refused unless the DR stack has the customers, and a database that follows nothing."""
    primary, standby = scene.primary, scene.standby
    if standby.outputs.phase != "active":
        raise _refused(
            f"{standby.name} is {standby.outputs.phase}, and serves nobody: there is nothing to "
            "fail back.",
            standby,
            f"{standby.name} in the phase active, after a failover",
            "`arca dr status` says how things are",
        )
    if primary.outputs.phase == "promoting":
        raise _refused(
            f"{primary.name} is promoting: its database may take writes already.",
            primary,
            f"{primary.name} fenced",
            f"set `recovery.phase: fenced` and `database.source: {{kind: promoted}}` in "
            f"Pulumi.{scene.primary_name}.yaml, run `pulumi up`, and compare its database first",
        )
    replica = ask.replica(standby, scene.clock.now())
    if replica.follows or replica.status == MISSING:
        state = "is missing" if replica.status == MISSING else "still follows another one"
        raise _refused(
            f"The database {replica.identifier} {state}: {primary.name} may have the only ledger.",
            standby,
            "a database that takes writes",
            "keep the primary's database; docs/disaster-recovery.md, `Two ledgers`",
        )
    if primary.outputs.edge.failover_lever_id is None:
        if primary.outputs.phase == "active":
            raise _refused(
                f"{primary.name} has no lever, so nothing says that it serves nobody.",
                primary,
                f"{primary.name} fenced",
                f"set `recovery.phase: fenced` in Pulumi.{scene.primary_name}.yaml, and run "
                "`pulumi up`",
            )
    elif not lever.pulled(primary):
        raise _refused(
            f"The lever is not pulled: customers are sent to {primary.name}.",
            primary,
            f"customers at {standby.name}",
            "`arca dr failover` sends them there; without one there is nothing to fail back",
        )
    _require_good(scene.smoke_as_customer(standby), standby)


def require_primary_is_fenced(scene: Scene) -> None:
    """Raise Refused where the primary may still write to the database that is to be deleted."""
    primary = scene.primary
    left = fence.running(primary)
    if primary.outputs.phase != "fenced" or left:
        raise _refused(
            f"{primary.name} is {primary.outputs.phase} and runs {left} tasks: it may still write.",
            primary,
            f"{primary.name} fenced, without tasks",
            f"`{scene.resume}` fences it again",
        )


def require_own_promotion(scene: Scene, entry: Entry, replica: Replica) -> None:
    """Raise Refused for a replica that somebody else promoted or deleted."""
    if entry.tried("promote") and replica.status != MISSING:
        return
    raise _refused(
        f"The database {replica.identifier} follows nothing ({replica.status}), though this "
        "fail-back has not promoted it: it may lack something.",
        scene.primary,
        "a replica of the DR stack's database",
        f"let {scene.standby_name} serve again: `{scene.command('--abort')}`; then find out who "
        "promoted it (CloudTrail, PromoteReadReplica)",
    )


def require_dr_fenced(scene: Scene) -> None:
    """Raise Refused where the DR stack writes again after the primary's promotion."""
    standby = scene.standby
    if standby.outputs.phase != "fenced":
        raise _refused(
            f"{standby.name} is {standby.outputs.phase}, and the database of {scene.primary.name} "
            "is promoted: there may be two ledgers.",
            standby,
            f"{standby.name} fenced",
            "compare both (docs/disaster-recovery.md, `Two ledgers`); where nothing was written to "
            f"{standby.name} since, set `recovery.phase: fenced` there, run `pulumi up`, and "
            f"`{scene.resume}`",
        )
    fence.drained(scene, standby)


def require_primary_serves(scene: Scene) -> None:
    """Raise Refused unless the primary has the customers, and a database that follows nothing."""
    primary, standby = scene.primary, scene.standby
    kept = f"leave {standby.name} as it is: its database is the only other one"
    if primary.outputs.phase != "active":
        raise _refused(
            f"{primary.name} is {primary.outputs.phase}, and serves nobody.",
            primary,
            f"{primary.name} in the phase active",
            kept,
        )
    replica = ask.replica(primary, scene.clock.now())
    if replica.follows or replica.status == MISSING:
        state = "is missing" if replica.status == MISSING else "still follows another one"
        raise _refused(
            f"The database {replica.identifier} {state}.", primary, "a database of its own", kept
        )
    if lever.pulled(primary):
        raise _refused(
            f"The lever is pulled: customers are sent to {standby.name}.",
            primary,
            f"customers at {primary.name}",
            f"{kept}; find out who pulled it (CloudTrail, UpdateHealthCheck)",
        )
    _require_good(scene.smoke(primary), primary)
    _require_good(scene.smoke_as_customer(primary), primary)


def _require_good(report: SmokeReport, stack: Stack) -> None:
    if report.verdict != "OK":
        wrong = "; ".join(f"{one.name}: {one.detail}" for one in report.failed)
        raise _refused(
            f"{stack.name} does not serve: {wrong or report.verdict}",
            stack,
            "good answers, before the other database is deleted",
            f"`arca why --stack {stack.name}`",
        )


def _refused(what: str, stack: Stack, wanted: str, do: str) -> Refused:
    return Refused(what, where=stack.where, wanted=wanted, do=do)
