"""A fail-back, phase by phase: the primary follows the DR stack, and is promoted again (ADR 0029).

RDS has no pg_rewind, so the primary gets a fresh replica under the next `database.generation`, and
the old database goes, with a final snapshot. Customers notice the phases from `fence` to `switch`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from arca import lever
from arca.clients import client, explained
from arca.errors import ArcaError, Refused
from arca.recovery import activation, ask
from arca.recovery.budgets import BUDGETS, PhaseName
from arca.recovery.fence import drained
from arca.recovery.journal import Journal
from arca.recovery.run import Run, Seen
from arca.recovery.scene import Scene, require_pair

LOOK_SECONDS = 5.0
WHAT: Mapping[PhaseName, str] = {
    "declare": "write the journal",
    "rebuild": "fence the primary, delete its old database and follow the DR stack's",
    "fence": "end the DR stack's writers; customers get 503 from here",
    "lag": "wait until the replica has everything",
    "promote": "detach the primary's database; it takes writes",
    "activate": "update the primary to serve, and deploy its tasks",
    "smoke": "test the primary beside the customers' DNS",
    "switch": "push the lever back, and see the customers' name move",
    "verify": "test as a customer, and see the alarms green",
    "clean-up": "make the DR stack a standby again",
}
"""What each phase does, for a person."""


class Failback(Run):
    """A fail-back that this process does.

    `generation` is the number of the primary's next database, and of the standby's after it. The
    scene's primary is the stack that serves again in the end.
    """

    def __init__(self, scene: Scene, journal: Journal, *, generation: int) -> None:
        self._generation = generation
        super().__init__(
            scene,
            journal,
            WHAT,
            {
                "declare": lambda: Seen(f"by {journal.entry.operator}"),
                "rebuild": self._rebuild,
                "fence": self._fence,
                "lag": self._lag,
                "promote": self._promote,
                "activate": self._activate,
                "smoke": self._smoke,
                "switch": self._switch,
                "verify": self._verify,
                "clean-up": self._clean_up,
            },
        )

    @property
    def _follows(self) -> dict[str, Any]:
        source = self._scene.standby.outputs.database.arn
        return {
            "recovery.release_data": False,
            "database.generation": self._generation,
            "database.source": {"kind": "replica", "source_arn": source},
        }

    def _rebuild(self) -> Seen:
        scene, name = self._scene, self._scene.primary_name
        phase = scene.primary.outputs.phase
        if phase == "active":
            scene.update(name, {"recovery.phase": "fenced"})
            drained(scene, scene.primary)
        if phase in ("active", "fenced"):
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
        scene = self._scene
        if scene.standby.outputs.phase == "active":
            scene.update(scene.standby_name, {"recovery.phase": "fenced"})
        drained(scene, scene.standby)
        self._journal.note(failed=self.entry.failed or scene.clock.now())
        return Seen(f"{scene.standby_name} is fenced and runs no task")

    def _lag(self) -> Seen:
        """Wait for a lag of 0: a planned move loses nothing."""
        scene, began = self._scene, self._scene.clock.now()
        while True:
            replica = ask.replica(scene.primary, scene.clock.now())
            if not replica.follows:
                return Seen(f"{replica.identifier} is promoted already")
            if replica.lag_seconds == 0:
                return Seen("lag 0 s, after the last writer ended")
            if (scene.clock.now() - began).total_seconds() > BUDGETS["lag"].seconds:
                told = "unknown" if replica.lag_seconds is None else f"{replica.lag_seconds:,.1f} s"
                raise Refused(
                    f"The lag of {replica.identifier} is {told}, and nothing may be lost.",
                    where=scene.primary.where,
                    wanted="a replica that has everything",
                    do=f"wait and resume; or go back: `phase: active` for {scene.standby_name}",
                )
            scene.pause(scene.primary, LOOK_SECONDS)

    def _promote(self) -> Seen:
        scene = self._scene
        if scene.primary.outputs.phase == "following":
            scene.update(scene.primary_name, {"recovery.phase": "promoting", **self._follows})
        return Seen(self._wait(follows=False, name="promote"))

    def _activate(self) -> Seen:
        scene = self._scene
        if scene.primary.outputs.phase != "active":
            scene.update(scene.primary_name, self.serving(self._generation))
        return Seen(activation.deploy(scene, scene.primary))

    @staticmethod
    def serving(generation: int) -> dict[str, Any]:
        """Return the settings of a primary that serves on its promoted database."""
        return {
            "recovery.phase": None,
            "recovery.release_data": None,
            "database.generation": generation,
            "database.source": {"kind": "promoted"},
        }

    def _smoke(self) -> Seen:
        report = self._until_good(self._scene.primary, self._scene.smoke, "smoke")
        self._journal.note(first_good_smoke=self._scene.clock.now())
        return Seen(f"{len(report.checks)} checks of {report.url or self._scene.primary_name}")

    def _switch(self) -> Seen:
        scene, primary = self._scene, self._scene.primary
        identifier = primary.outputs.edge.failover_lever_id
        if identifier is not None and lever.pulled(primary):
            with explained(primary, "The lever cannot be pushed back"):
                client(primary, "route53", region=lever.REGION).update_health_check(
                    HealthCheckId=identifier, Inverted=False
                )
        report = self._until_good(primary, scene.smoke_as_customer, "switch")
        return Seen(f"{report.url} is served")

    def _verify(self) -> Seen:
        scene = self._scene
        report = self._until_good(scene.primary, scene.smoke_as_customer, "verify")
        left = self._wait_for_green(scene.primary)
        activation.restore(scene.primary)
        return Seen(f"{report.url}; firing: {', '.join(left) or 'none'}")

    def _clean_up(self) -> Seen:
        scene, name = self._scene, self._scene.standby_name
        if scene.standby.outputs.phase == "fenced":
            self._release(name)
            scene.update(
                name,
                {
                    "recovery.phase": "standby",
                    "recovery.release_data": None,
                    "database.generation": self._generation,
                },
            )
        return Seen(f"{name} is {scene.standby.outputs.phase}")

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
                    do="look at its events (`aws rds describe-events`), and resume",
                )
            scene.pause(scene.primary, LOOK_SECONDS)


def require_serving(scene: Scene, *, again: bool) -> None:
    """Raise Refused where it would delete a database that no active DR stack has replaced.

    A fail-back that is done `again` has fenced the DR stack, or made it a standby.
    """
    require_pair(scene, do="for example `arca dr failback --stack prod --from dr --generation 2`")
    phase, back = scene.standby.outputs.phase, scene.primary.outputs.phase
    if again or phase == "active" or back in ("following", "promoting"):
        return
    raise Refused(
        f"{scene.standby_name} does not serve: it is {phase}, and {scene.primary_name} is {back}.",
        where=scene.standby.where,
        wanted=f"an active {scene.standby_name}, whose database {scene.primary_name} follows",
        do=f"nothing, where {scene.primary_name} serves; a fail-back that was interrupted goes on "
        f"with `{scene.resume}`",
    )
