"""A recovery that this process does, phase by phase: what a failover and a fail-back share.

Each phase looks first and does what is missing, so that it may be done again. The journal has each
begin and each end with its moment.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from arca.errors import ArcaError, Refused
from arca.recovery import alarms
from arca.recovery.budgets import BUDGETS, PhaseName
from arca.recovery.journal import SEEN_LENGTH, Journal
from arca.recovery.journal_entry import Entry
from arca.recovery.record import Outcome, phase
from arca.recovery.scene import Scene
from arca.smoke.suite import SmokeReport
from arca.stack import Stack


@dataclass(frozen=True)
class Seen:
    """How a phase ended."""

    seen: str
    outcome: Outcome = "OK"


class Run:
    """Does the phases that are left. `what` says of each what it does, in their order."""

    def __init__(
        self,
        scene: Scene,
        journal: Journal,
        what: Mapping[PhaseName, str],
        steps: Mapping[PhaseName, Callable[[], Seen]],
    ) -> None:
        self._scene, self._journal, self._what, self._steps = scene, journal, what, steps

    @property
    def entry(self) -> Entry:
        """The journal's content."""
        return self._journal.entry

    def run(self, *, until: PhaseName) -> bool:
        """Do the phases up to one that are left; returns whether all are done.

        Raises ArcaError where a phase fails; its failure is in the journal, and `run` may be called
        again. Raises Refused where a phase refuses.
        """
        for name in self._what:
            if not self.entry.done(name):
                self._do(name)
            if name == until:
                break
        return all(map(self.entry.done, self._what))

    def _do(self, name: PhaseName) -> None:
        # A person was asked before the journal was written, and the RTO counts that.
        first = name == "declare" and not self.entry.phases
        began = self.entry.declared if first else self._now()
        self._scene.say(f"{name}: {self._what[name]}")
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

    def _until_good(
        self, stack: Stack, ask: Callable[[Stack], SmokeReport], name: PhaseName
    ) -> SmokeReport:
        """Repeat a test until it is good; raises ArcaError after the phase's budget."""
        scene, began = self._scene, self._scene.clock.now()
        while True:
            report = ask(stack)
            if report.verdict == "OK":
                return report
            if (scene.clock.now() - began).total_seconds() > BUDGETS[name].seconds:
                wrong = "; ".join(f"{one.name}: {one.detail}" for one in report.failed)
                raise ArcaError(
                    f"The smoke tests of {stack.name} fail: {wrong or report.verdict}",
                    where=report.url or stack.where,
                    wanted="good answers",
                    do=f"`arca why --stack {stack.name}`; mend it, then `{scene.resume}`",
                )
            scene.clock.sleep(2.0)

    def _wait_for_green(self, stack: Stack) -> list[str]:
        """Return the alarms that are not green after the phase's budget, and why.

        The operator is told which alarms nobody waits for.
        """
        scene, began = self._scene, self._scene.clock.now()
        while (found := alarms.look(stack)).red:
            if (scene.clock.now() - began).total_seconds() > BUDGETS["verify"].seconds:
                return list(found.red)
            scene.clock.sleep(5.0)
        self._journal.note(alarms_green=self._now())
        if found.slow:
            scene.say(f"alarms that say nothing within an hour: {', '.join(found.slow)}")
        return []
