"""A failover, phase by phase: guided, journaled and resumable.

Each phase looks first and does what is missing, so that it may be done again. The journal has each
begin and each end with its moment. Only the healthy region is needed; the primary's is asked to
fence it, and may be silent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from arca import lever
from arca.clients import client, explained
from arca.errors import ArcaError, Refused
from arca.recovery import activation, fence, promotion, switch
from arca.recovery.budgets import BUDGETS, TO_RTO, PhaseName
from arca.recovery.journal import SEEN_LENGTH, Journal
from arca.recovery.journal_entry import Entry
from arca.recovery.record import Outcome, phase
from arca.recovery.scene import Scene
from arca.smoke.suite import SmokeReport

PHASES: tuple[PhaseName, ...] = TO_RTO
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
MOST_ALARMS = 100
"""Names in one call (Amazon CloudWatch API Reference, DescribeAlarms)."""


@dataclass(frozen=True)
class Seen:
    """How a phase ended."""

    seen: str
    outcome: Outcome = "OK"


class Failover:
    """A failover that this process does; `run` goes on from where the journal is."""

    def __init__(self, scene: Scene, journal: Journal) -> None:
        self._scene, self._journal = scene, journal
        self._steps: Mapping[PhaseName, Callable[[], Seen]] = {
            "declare": lambda: Seen(f"by {self.entry.operator}"),
            "fence": self._fence,
            "lag": self._lag,
            "promote": lambda: Seen(promotion.promote(scene)),
            "activate": lambda: Seen(activation.activate(scene)),
            "smoke": self._smoke,
            "switch": self._switch,
            "verify": self._verify,
        }

    @property
    def entry(self) -> Entry:
        """The journal's content."""
        return self._journal.entry

    def run(self, *, until: PhaseName = "verify") -> bool:
        """Do the phases that are left; returns whether all are done.

        Raises ArcaError where a phase fails; its failure is in the journal, and `run` may be called
        again. Raises Refused for a split brain, and for a lag above what may be lost.
        """
        promotion.require_one_writer(self._scene, promoted=self._tried("promote"))
        for name in PHASES:
            if not self.entry.done(name):
                self._do(name)
            if name == until:
                break
        return all(map(self.entry.done, PHASES))

    def _do(self, name: PhaseName) -> None:
        began = self._now()
        self._scene.say(f"{name}: {WHAT[name]}")
        self._journal.note(begun=(name, began))
        try:
            found = self._steps[name]()
        except ArcaError as error:
            try:
                self._end(name, began, Seen(error.what, "FAILED"))
            except Refused:
                raise
            except ArcaError as unwritten:
                self._scene.say(f"the journal does not know of the failure: {unwritten.what}")
            raise
        self._end(name, began, found)

    def _end(self, name: PhaseName, began: datetime, found: Seen) -> None:
        ended = phase(
            name,
            began,
            self._now(),
            outcome=found.outcome,
            seen=found.seen[:SEEN_LENGTH],
        )
        self._journal.note(phases=(*self.entry.phases, ended), begun=None)
        took = f"{ended.seconds:.0f} s of {BUDGETS[name].seconds} s"
        self._scene.say(f"{name}: {found.outcome}, {took}: {found.seen}")

    def _now(self) -> datetime:
        """Return the time, never before the journal's: another operator's clock may be ahead."""
        known = (self.entry.declared, *(one.ended for one in self.entry.phases))
        return max(self._scene.clock.now(), *known)

    def _tried(self, name: PhaseName) -> bool:
        return any(one.name == name for one in self.entry.phases)

    def _fence(self) -> Seen:
        fenced = fence.fence(self._scene)
        # Of a region that is lost nobody knows when it stopped; it was before this.
        self._journal.note(failed=self.entry.failed or self._now())
        if fenced:
            return Seen(f"{self._scene.primary_name} is fenced and runs no task")
        return Seen(f"the region of {self._scene.primary_name} does not answer", "SKIPPED")

    def _lag(self) -> Seen:
        return Seen(promotion.require_lag(self._scene, self.entry.accepted_loss_seconds))

    def _smoke(self) -> Seen:
        report = self._until_good(self._scene.smoke, "smoke")
        if self.entry.first_good_smoke is None:
            self._journal.note(first_good_smoke=self._now())
        return Seen(f"{len(report.checks)} checks of {report.url or self._scene.standby_name}")

    def _switch(self) -> Seen:
        # First the lever, which keeps the customers from a primary that came back.
        switch.pull(self._scene)
        if self.entry.skipped("fence") and fence.fence(self._scene):
            self._scene.say(f"{self._scene.primary_name} came back, and is fenced")
        return Seen(switch.wait(self._scene))

    def _verify(self) -> Seen:
        scene = self._scene
        report = self._until_good(scene.smoke_as_customer, "verify")
        firing = self._wait_for_green()
        activation.restore(scene)
        applied = promotion.apply_now(scene)
        if self.entry.skipped("fence"):
            told = (
                f"{scene.primary_name} came back, and is fenced"
                if fence.fence(scene)
                else f"{scene.primary_name} is NOT fenced: its region does not answer"
            )
        else:
            told = f"{scene.primary_name} is fenced"
        told = f"{report.url}; {told}; database: {applied}"
        return Seen(f"{told}; firing: {', '.join(firing)}" if firing else told)

    def _until_good(self, ask: Callable[..., SmokeReport], name: PhaseName) -> SmokeReport:
        """Repeat a test until it is good; raises ArcaError after the phase's budget."""
        scene, began = self._scene, self._scene.clock.now()
        while True:
            report = ask(scene.standby)
            if report.verdict == "OK":
                return report
            if (scene.clock.now() - began).total_seconds() > BUDGETS[name].seconds:
                wrong = "; ".join(f"{one.name}: {one.detail}" for one in report.failed)
                raise ArcaError(
                    f"The smoke tests of {scene.standby_name} fail: {wrong or report.verdict}",
                    where=report.url or scene.standby.where,
                    wanted="good answers",
                    do=f"`arca why --stack {scene.standby_name}`; mend it, then `{scene.resume}`",
                )
            scene.clock.sleep(2.0)

    def _wait_for_green(self) -> list[str]:
        """Return the alarms that still fire after the phase's budget."""
        scene, began = self._scene, self._scene.clock.now()
        while firing := _firing(scene):
            if (scene.clock.now() - began).total_seconds() > BUDGETS["verify"].seconds:
                return firing
            scene.clock.sleep(5.0)
        self._journal.note(alarms_green=self._now())
        return []


def _firing(scene: Scene) -> list[str]:
    """Return the standby's alarms that fire."""
    standby = scene.standby
    names = sorted(standby.outputs.observability.alarm_names.values())
    found: list[str] = []
    for start in range(0, len(names), MOST_ALARMS):
        with explained(standby, "The alarms cannot be read"):
            some = client(standby, "cloudwatch").describe_alarms(
                AlarmNames=names[start : start + MOST_ALARMS],
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            )
        listed = [*some["MetricAlarms"], *some.get("CompositeAlarms", [])]
        found += [one["AlarmName"] for one in listed if one["StateValue"] == "ALARM"]
    return found


def require_secondary(scene: Scene) -> None:
    """Raise Refused where the stacks are not a primary and the standby that follows it."""
    primary, standby = scene.primary.outputs, scene.standby.outputs
    if (primary.role, standby.role) != ("primary", "secondary"):
        raise Refused(
            f"{scene.standby_name} does not stand by for {scene.primary_name}.",
            where="--stack and --to",
            wanted="a primary, and the secondary that follows it",
            do="for example `arca dr failover --stack prod --to dr`",
        )
    if standby.phase == "fenced":
        raise Refused(
            f"{scene.standby_name} is fenced: it has failed back, and follows nothing.",
            where=scene.standby.where,
            wanted="a standby",
            do=f"recreate it with `recovery.phase: standby` in Pulumi.{scene.standby_name}.yaml",
        )


def serves_already(scene: Scene) -> bool:
    """Return whether there is nothing to fail over: the standby is active, and has the customers.

    A standby that is active without them is one that a failover by hand has left.
    """
    return scene.standby.outputs.phase == "active" and lever.pulled(scene.primary)
