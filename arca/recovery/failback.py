"""A fail-back, phase by phase: the primary follows the DR stack, and is promoted again (ADR 0029).

RDS has no pg_rewind, so the primary gets a fresh replica under the next `database.generation`, and
the old database goes, with a final snapshot. Customers notice the phases from `fence` to `switch`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from arca.errors import ArcaError, Refused
from arca.recovery import activation, ask, failback_checks, fence, promotion, switch
from arca.recovery.budgets import BUDGETS, PhaseName
from arca.recovery.facts import caught_up
from arca.recovery.journal import Journal
from arca.recovery.run import Run, Seen
from arca.recovery.scene import Scene

LOOK_SECONDS = 5.0
WHAT: Mapping[PhaseName, str] = {
    "declare": "write the journal",
    "compare": "fence the primary; its old database stays, to be compared",
    "rebuild": "delete the primary's old database, and follow the DR stack's",
    "fence": "end the DR stack's writers; customers get 503 from here",
    "catch-up": "wait until the replica has everything",
    "promote": "detach the primary's database; it takes writes",
    "activate": "update the primary to serve, and deploy its tasks",
    "smoke": "test the primary beside the customers' DNS",
    "switch": "push the lever back, and see the customers' name move",
    "verify": "test as a customer, see the alarms green, copy backups to the DR region again",
    "clean-up": "delete the DR stack's old database; it stands by again",
}
"""What each phase does, for a person."""


class Failback(Run):
    """A fail-back that this process does.

    The journal has the numbers of the primary's next database and of the DR stack's after it;
    `generation` is what an operator expects the first to be. The scene's primary is the stack that
    serves again in the end.
    """

    def __init__(self, scene: Scene, journal: Journal, *, generation: int | None = None) -> None:
        self._given = generation
        self._ended: datetime | None = None
        """When this process saw that the last writer had ended: another person may start one."""
        super().__init__(
            scene,
            journal,
            WHAT,
            {
                "declare": lambda: Seen(f"by {journal.entry.operator}"),
                "compare": self._compare,
                "rebuild": self._rebuild,
                "fence": self._fence,
                "catch-up": lambda: Seen(self._catch_up()),
                "promote": self._promote,
                "activate": self._activate,
                "smoke": self._smoke,
                "switch": self._switch,
                "verify": self._verify,
                "clean-up": self._clean_up,
            },
        )

    def run(self, *, until: PhaseName) -> bool:
        """Do the phases that are left; raises Refused for another generation than the journal's."""
        scene = self._scene
        if self.entry.generation is None:
            self._journal.note(
                generation=failback_checks.next_generation(scene.primary),
                standby_generation=failback_checks.next_generation(scene.standby),
            )
        failback_checks.require_generation(scene, self._given, self._generation)
        return super().run(until=until)

    @property
    def _generation(self) -> int:
        known = self.entry.generation
        return failback_checks.next_generation(self._scene.primary) if known is None else known

    @property
    def _follows(self) -> dict[str, Any]:
        source = self._scene.standby.outputs.database.arn
        return {
            "recovery.release_data": False,
            "database.generation": self._generation,
            "database.source": {"kind": "replica", "source_arn": source},
        }

    def _compare(self) -> Seen:
        scene = self._scene
        phase = scene.primary.outputs.phase
        if phase == "following":
            return Seen(f"{scene.primary_name} follows already")
        if phase == "active":
            failback_checks.require_dr_serves(scene)
            scene.update(scene.primary_name, {"recovery.phase": "fenced"})
        fence.drained(scene, scene.primary)
        database = scene.primary.outputs.database.identifier
        return Seen(f"{scene.primary_name} is fenced, and {database} is as it was")

    def _rebuild(self) -> Seen:
        scene, name = self._scene, self._scene.primary_name
        if scene.primary.outputs.phase in ("active", "fenced"):
            # Days may have gone by since `compare`.
            failback_checks.require_dr_serves(scene)
            self._compare()
            failback_checks.require_primary_is_fenced(scene)
            self._release(name)
            scene.update(name, {"recovery.phase": "following", **self._follows})
        return Seen(self._wait(follows=True, name="rebuild"))

    def _release(self, stack: str) -> None:
        """Let a fenced stack's old data go, once.

        After a kill in the update that follows, the stack's file has the next generation already,
        which a fenced stack would create.
        """
        if stack not in self.entry.released:
            self._scene.update(stack, {"recovery.phase": "fenced", "recovery.release_data": True})
            self._journal.note(released=(*self.entry.released, stack))

    def _fence(self) -> Seen:
        ended = self._stop_writers()
        return Seen(f"{self._scene.standby_name} is fenced, no task since {ended:%H:%M:%SZ}")

    def _stop_writers(self) -> datetime:
        """Fence the DR stack, unless it still is; returns a moment after which it wrote nothing."""
        scene, phase = self._scene, self._scene.standby.outputs.phase
        if phase not in ("active", "fenced"):
            raise Refused(
                f"{scene.standby_name} is {phase}, and no source of a fail-back.",
                where=scene.standby.where,
                wanted="the phase active, or fenced",
                do="find out who changed it (`pulumi stack history`)",
            )
        if self._ended is not None and phase == "fenced" and not fence.running(scene.standby):
            return self._ended
        if phase == "active":
            scene.update(scene.standby_name, {"recovery.phase": "fenced"})
        fence.drained(scene, scene.standby)
        self._ended = ask.moment(scene.standby, scene.clock.now())
        self._journal.note(failed=self._ended)
        return self._ended

    def _catch_up(self) -> str:
        """Wait until the replica has what the last writer wrote: a planned move loses nothing."""
        scene, ended = self._scene, self._stop_writers()
        deadline = scene.clock.now() + timedelta(seconds=BUDGETS["catch-up"].seconds)
        while True:
            replica = ask.replica(scene.primary, scene.clock.now())
            if not replica.follows:
                failback_checks.require_own_promotion(scene, self.entry, replica)
                return f"{replica.identifier} is promoted already"
            if caught_up(replica.lag_seconds, replica.lag_at, ended):
                return f"the last writer ended at {ended:%H:%M:%SZ}; a later transaction is here"
            if scene.clock.now() > deadline:
                told = "unknown"
                if replica.lag_seconds is not None and replica.lag_at is not None:
                    told = f"{replica.lag_seconds:,.1f} s at {replica.lag_at:%H:%M:%SZ}"
                raise Refused(
                    f"The lag of {replica.identifier} is {told}, and the last writer ended at "
                    f"{ended:%H:%M:%SZ}: it may lack something, and nothing may be lost.",
                    where=scene.primary.where,
                    wanted=f"a transaction that is not older than {ended:%H:%M:%SZ}",
                    do=f"wait and `{scene.resume}`; or let {scene.standby_name} serve again: "
                    f"`{scene.command('--abort')}`",
                )
            scene.pause(scene.primary, LOOK_SECONDS)

    def _promote(self) -> Seen:
        scene = self._scene
        follows = ask.replica(scene.primary, scene.clock.now()).follows
        if follows:
            self._catch_up()
        if follows or scene.primary.outputs.phase == "following":
            scene.update(scene.primary_name, {"recovery.phase": "promoting", **self._follows})
        return Seen(self._wait(follows=False, name="promote"))

    def _activate(self) -> Seen:
        scene = self._scene
        failback_checks.require_dr_fenced(self._scene)
        if scene.primary.outputs.phase != "active":
            # RDS may take an hour to begin the copies of backups, and customers wait.
            later = {"database.replicate_backups": False}
            scene.update(scene.primary_name, {**self._serving, **later})
        return Seen(activation.deploy(scene, scene.primary))

    @property
    def _serving(self) -> dict[str, Any]:
        return {
            "recovery.phase": None,
            "recovery.release_data": None,
            "database.generation": self._generation,
            "database.source": {"kind": "promoted"},
        }

    def _smoke(self) -> Seen:
        failback_checks.require_dr_fenced(self._scene)
        report = self._until_good(self._scene.primary, self._scene.smoke, "smoke")
        self._journal.note(first_good_smoke=self._now())
        return Seen(f"{len(report.checks)} checks of {report.url or self._scene.primary_name}")

    def _switch(self) -> Seen:
        failback_checks.require_dr_fenced(self._scene)
        scene = self._scene
        switch.push(scene)
        report = self._until_good(scene.primary, scene.smoke_as_customer, "switch")
        return Seen(f"{report.url} is served")

    def _verify(self) -> Seen:
        scene = self._scene
        report = self._until_good(scene.primary, scene.smoke_as_customer, "verify")
        left = self._wait_for_green(scene.primary)
        activation.restore(scene.primary)
        scene.update(scene.primary_name, {**self._serving, "database.replicate_backups": None})
        applied = promotion.apply_now(scene, scene.primary)
        return Seen(f"{report.url}; database: {applied}; firing: {', '.join(left) or 'none'}")

    def _clean_up(self) -> Seen:
        scene, name = self._scene, self._scene.standby_name
        phase = scene.standby.outputs.phase
        if phase == "fenced":
            failback_checks.require_primary_serves(scene)
            self._release(name)
            scene.update(
                name,
                {
                    "recovery.phase": "standby",
                    "recovery.release_data": None,
                    "database.generation": self.entry.standby_generation,
                    # It may have been restored from a backup.
                    "database.source": {"kind": "replica"},
                },
            )
        elif phase != "standby":
            raise Refused(
                f"{name} is {phase}: it may have invoices that {scene.primary_name} lacks.",
                where=scene.standby.where,
                wanted=f"{name} fenced, since the phase `fence`",
                do="compare both databases; docs/disaster-recovery.md, `Two ledgers`",
            )
        return Seen(f"{name} is {scene.standby.outputs.phase}")

    def abort(self) -> str:
        """Let the DR stack serve again; returns what was seen.

        Raises Refused once the primary's tasks may have written.
        """
        scene = self._scene
        if self.entry.tried("activate"):
            raise Refused(
                f"{scene.primary_name} may have written to its own database since `activate`.",
                where=scene.primary.where,
                wanted="a fail-back that did not begin the phase activate",
                do=f"go on: `{scene.resume}`; where {scene.primary_name} is lost again: "
                "docs/disaster-recovery.md, `Lost again while failing back`",
            )
        if scene.standby.outputs.phase == "fenced":
            scene.update(scene.standby_name, {"recovery.phase": "active"})
        if self.entry.tried("fence"):
            activation.deploy(scene, scene.standby)
            activation.restore(scene.standby)
        report = self._until_good(scene.standby, scene.smoke_as_customer, "smoke")
        if scene.primary.outputs.phase == "promoting":
            # Its database is no replica any more, so that the next fail-back makes another one.
            scene.update(scene.primary_name, {**self._serving, "recovery.phase": "fenced"})
        return f"{report.url} is served by {scene.standby_name}"

    def _wait(self, *, follows: bool, name: PhaseName) -> str:
        """Wait until the primary's database is a replica, or none any more, and available."""
        scene = self._scene
        deadline = scene.clock.now() + timedelta(seconds=BUDGETS[name].seconds)
        while True:
            found = ask.replica(scene.primary, scene.clock.now())
            if found.follows is follows and found.status == "available":
                return f"{found.identifier} {'follows' if follows else 'follows nothing'}"
            if scene.clock.now() > deadline:
                raise ArcaError(
                    f"The database {found.identifier} is {found.status} after "
                    f"{BUDGETS[name].seconds} s.",
                    where=scene.primary.where,
                    wanted="a replica that is available" if follows else "a database of its own",
                    do="look at its events: `aws rds describe-events --source-type db-instance "
                    f"--source-identifier {found.identifier} "
                    f"--region {scene.primary.outputs.region}`; then `{scene.resume}`",
                )
            scene.pause(scene.primary, LOOK_SECONDS)
