"""A failover, phase by phase: guided, journaled and resumable.

Each phase looks first and does what is missing, so that it may be done again. The journal has each
begin and each end with its moment. Only the healthy region is needed; the primary's is asked to
fence it, and may be silent.
"""

from collections.abc import Mapping

from arca import lever
from arca.errors import Refused
from arca.recovery import activation, fence, promotion, switch
from arca.recovery.budgets import PhaseName
from arca.recovery.journal import Journal
from arca.recovery.run import Run, Seen
from arca.recovery.scene import Scene

WHAT: Mapping[PhaseName, str] = {
    "declare": "write the journal: the RTO begins",
    "fence": "stop the primary's writers, if its region answers",
    "lag": "read how far the replica is behind, which is what may be lost",
    "promote": "detach the database; it takes writes",
    "activate": "update to `active`, and deploy tasks that know of the cache and the database",
    "smoke": "test the new primary beside the customers' DNS",
    "switch": "pull the lever, and see the customers' name move",
    "verify": "fence a primary that came back, see the alarms green, restore the settings",
}
"""What each phase does, for a person."""


class Failover(Run):
    """A failover that this process does; `run` goes on from where the journal is."""

    def __init__(self, scene: Scene, journal: Journal) -> None:
        super().__init__(
            scene,
            journal,
            WHAT,
            {
                "declare": lambda: Seen(f"by {self.entry.operator}"),
                "fence": self._fence,
                "lag": self._lag,
                "promote": lambda: Seen(promotion.promote(scene)),
                "activate": lambda: Seen(activation.activate(scene)),
                "smoke": self._smoke,
                "switch": self._switch,
                "verify": self._verify,
            },
        )

    def run(self, *, until: PhaseName = "verify") -> bool:
        """Do the phases that are left; raises Refused for a split brain too."""
        promotion.require_one_writer(self._scene, promoted=self._tried("promote"))
        return super().run(until=until)

    def _fence(self) -> Seen:
        fenced = self._try_fence()
        # Of a region that is lost nobody knows when it stopped; it was before this.
        self._journal.note(failed=self.entry.failed or self._now())
        if fenced:
            return Seen(f"{self._scene.primary_name} is fenced and runs no task")
        if self.entry.without_fence:
            return Seen(
                f"{self._scene.primary_name} is not fenced, as the operator wants", "SKIPPED"
            )
        return Seen(f"the region of {self._scene.primary_name} does not answer", "SKIPPED")

    def _try_fence(self) -> bool:
        """Fence the primary; False where it cannot, or is not to, be fenced."""
        return not self.entry.without_fence and fence.fence(self._scene)

    def _lag(self) -> Seen:
        return Seen(promotion.require_lag(self._scene, self.entry.accepted_loss_seconds))

    def _smoke(self) -> Seen:
        report = self._until_good(self._scene.standby, self._scene.smoke, "smoke")
        if self.entry.first_good_smoke is None:
            self._journal.note(first_good_smoke=self._now())
        return Seen(f"{len(report.checks)} checks of {report.url or self._scene.standby_name}")

    def _switch(self) -> Seen:
        # First the lever, which keeps the customers from a primary that came back.
        switch.pull(self._scene)
        if self.entry.skipped("fence") and self._try_fence():
            self._scene.say(f"{self._scene.primary_name} came back, and is fenced")
        return Seen(switch.wait(self._scene))

    def _verify(self) -> Seen:
        scene = self._scene
        report = self._until_good(scene.standby, scene.smoke_as_customer, "verify")
        firing = self._wait_for_green(scene.standby)
        activation.restore(scene.standby)
        applied = promotion.apply_now(scene)
        if self.entry.skipped("fence"):
            told = (
                f"{scene.primary_name} came back, and is fenced"
                if self._try_fence()
                else f"{scene.primary_name} is NOT fenced: fence it when its region answers"
            )
        else:
            told = f"{scene.primary_name} is fenced"
        told = f"{report.url}; {told}; database: {applied}"
        return Seen(f"{told}; firing: {', '.join(firing)}" if firing else told)


def require_secondary(scene: Scene) -> None:
    """Raise Refused where the stacks are not a primary and its secondary."""
    primary, standby = scene.primary.outputs, scene.standby.outputs
    if (primary.role, standby.role) != ("primary", "secondary"):
        raise Refused(
            f"{scene.standby_name} does not stand by for {scene.primary_name}.",
            where=f"--stack and --{'from' if scene.back else 'to'}",
            wanted="a primary, and the secondary that follows it",
            do="for example `arca dr "
            + (
                "failback --stack prod --from dr`"
                if scene.back
                else "failover --stack prod --to dr`"
            ),
        )


def require_standby(scene: Scene) -> None:
    """Raise Refused for a DR stack that a fail-back has fenced: its database follows nothing."""
    if scene.standby.outputs.phase == "fenced":
        raise Refused(
            f"{scene.standby_name} is fenced: it has failed back, and follows nothing.",
            where=scene.standby.where,
            wanted="a standby",
            do="docs/disaster-recovery.md, `dr is fenced`: only its own database has what was "
            "written until the fence; look whether it is needed before anything is deleted",
        )


def serves_already(scene: Scene) -> bool:
    """Return whether there is nothing to fail over: the standby is active, and has the customers.

    A standby that is active without them is one that a failover by hand has left.
    """
    return scene.standby.outputs.phase == "active" and lever.pulled(scene.primary)
