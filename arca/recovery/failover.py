"""A failover, phase by phase: guided, journaled and resumable.

Each phase looks first and does what is missing, so that it may be done again. The journal has each
begin and each end with its moment. Only the healthy region is needed; the primary's is asked to
fence it, and may be silent.
"""

from collections.abc import Iterator, Mapping, Sequence

from arca import lever
from arca.errors import Refused
from arca.recovery import activation, alarms, ask, fence, promotion, switch
from arca.recovery.budgets import PhaseName
from arca.recovery.journal import Journal
from arca.recovery.run import Run, Seen
from arca.recovery.scene import Scene

WHAT: Mapping[PhaseName, str] = {
    "declare": "write the journal: the RTO begins",
    "fence": "stop the primary's writers; send its customers away if its region is lost",
    "lag": "wait until the replica has everything, or judge what is lost",
    "promote": "look again at the primary and the lag; detach the database",
    "activate": "update to `active`, and deploy tasks that know of the cache and the database",
    "smoke": "test the new primary beside the customers' DNS",
    "switch": "pull the lever, and see the customers' name move",
    "verify": "fence a primary that came back, see the alarms green, restore the settings",
}
"""What each phase does, for a person."""


class Failover(Run):
    """A failover that this process does; `run` goes on from where the journal is."""

    def __init__(self, scene: Scene, journal: Journal) -> None:
        self._fenced = False
        """What `_secure` saw last."""
        super().__init__(
            scene,
            journal,
            WHAT,
            {
                "declare": lambda: Seen(f"by {self.entry.operator}"),
                "fence": self._fence,
                "lag": lambda: Seen(self._require_lag()),
                "promote": self._promote,
                "activate": lambda: Seen(activation.activate(scene)),
                "smoke": self._smoke,
                "switch": self._switch,
                "verify": self._verify,
            },
        )

    def run(self, *, until: PhaseName = "verify") -> bool:
        """Do the phases that are left; raises Refused for a split brain too."""
        promotion.require_one_writer(self._scene, promoted=self.entry.promotion_began)
        return super().run(until=until)

    def _secure(self) -> str:
        """Keep the primary from writing what would be lost; returns how, in words.

        The journal has when its last writer ended. Of a region that is lost nobody knows it; it
        was before this, unless the operator says when.
        """
        found = fence.secure(self._scene, without_fence=self.entry.without_fence)
        self._fenced = found.fenced
        if self.entry.failed is None or (found.since is not None and self._follows()):
            self._journal.note(failed=self.entry.failed_at or found.since or self._now())
        return found.seen

    def _follows(self) -> bool:
        return ask.replica(self._scene.standby, self._scene.clock.now()).follows

    def _fence(self) -> Seen:
        told = self._secure()
        return Seen(told, "OK" if self._fenced else "SKIPPED")

    def _require_lag(self) -> str:
        """Look again at the primary, and judge what is lost."""
        told = self._secure()
        self._scene.say(told)
        return promotion.require_lag(
            self._scene,
            self.entry.accepted_loss_seconds,
            ended=self.entry.failed or self._now(),
            fenced=self._fenced,
        )

    def _promote(self) -> Seen:
        # Hours may have gone by since `lag`, and a person may have given the primary back.
        before = self._require_lag()
        self._journal.note(promotion_began=True)
        return Seen(f"{promotion.promote(self._scene)}. {before}")

    def _smoke(self) -> Seen:
        report = self._until_good(self._scene.standby, self._scene.smoke, "smoke")
        if self.entry.first_good_smoke is None:
            self._journal.note(first_good_smoke=self._now())
        return Seen(f"{len(report.checks)} checks of {report.url or self._scene.standby_name}")

    def _switch(self) -> Seen:
        # First the lever, which keeps the customers from a primary that came back.
        switch.pull(self._scene)
        self._scene.say(self._secure())
        seen = switch.wait(self._scene, fenced=self._fenced)
        if self.entry.served is None:
            self._journal.note(served=self._now())
        return Seen(seen)

    def _verify(self) -> Seen:
        scene = self._scene
        told = self._secure()
        if not self._fenced:
            told = f"{scene.primary_name} is NOT fenced: fence it when its region answers"
        elif self.entry.skipped("fence"):
            told = f"{scene.primary_name} came back, and is fenced"
        served = switch.wait(scene, fenced=self._fenced)
        red = self._wait_for_green(scene.standby)
        slow = alarms.look(scene.standby).slow
        activation.restore(scene.standby)
        applied = promotion.apply_now(scene)
        return Seen("; ".join((told, served, *_named(red, slow), f"database: {applied}")))

    def abort(self) -> str:
        """Give the primary back what this failover took; returns what was seen.

        Raises Refused once the promotion was begun: there may be two ledgers then.
        """
        scene = self._scene
        if self.entry.promotion_began or not self._follows():
            raise Refused(
                f"The database of {scene.standby_name} was promoted, or may have been.",
                where=scene.standby.where,
                wanted="a failover before `promote`",
                do=f"go on with `{scene.resume}`",
            )
        if scene.primary.outputs.phase == "fenced":
            scene.update(scene.primary_name, {"recovery.phase": "active"})
        switch.push(scene)
        return f"{scene.primary_name} is {scene.primary.outputs.phase}, and has the customers"


def _named(red: Sequence[str], slow: Sequence[str]) -> Iterator[str]:
    """Yield what the alarms say, for the record."""
    yield f"alarms: {', '.join(red) or 'green'}"
    if slow:
        yield f"not waited for: {', '.join(slow)}"


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
