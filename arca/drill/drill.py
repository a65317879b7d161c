"""The drill: prod and dr come up, a region is lost under load, and everything comes back.

It runs in an emulated cloud of its own, so that the one that is up stays as it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from arca.clock import Clock
from arca.drill import evidence
from arca.drill.customers import Customers
from arca.drill.ledgers import Ledgers
from arca.emulator import server_children
from arca.emulator import up as lifecycle
from arca.emulator.client import EmulatorClient
from arca.emulator.live import live, report
from arca.emulator.live.processes import mark
from arca.emulator.state import State
from arca.errors import ArcaError, Refused
from arca.history import Operation, nanoseconds
from arca.invoice import Invoice
from arca.recovery.budgets import RPO_SECONDS
from arca.recovery.databases import Databases, Row
from arca.recovery.failback import Failback
from arca.recovery.failover import Failover
from arca.recovery.journal import Journal
from arca.recovery.record import CleanedUp, Phase, phase
from arca.recovery.scene import Scene
from arca.recovery.set_check import SetCheck, check

PRIMARY, SECONDARY = "prod", "dr"
GENERATION = 2
BEFORE_SECONDS, AFTER_SECONDS = 8.0, 6.0
"""How long customers ask before the region is lost, and after it is served again."""
LOOK_SECONDS, LOSS_SECONDS = 0.05, 60.0
"""How often the loss is looked at, and how long it may take to kill all of a region."""


@dataclass
class Drilled:
    """What a drill has found."""

    declared: datetime
    failed: datetime
    phases: list[Phase] = field(default_factory=list[Phase])
    first_good_smoke: datetime | None = None
    alarms_green: datetime | None = None
    set_check: SetCheck | None = None
    databases: Databases | None = None
    replication_stopped: datetime | None = None
    refusal: str | None = None
    """What the failover said before a loss was accepted; empty where it did not ask."""
    schema_before: str = ""
    schema_after: str = ""
    after_failback: SetCheck | None = None
    cleaned_up: list[CleanedUp] = field(default_factory=list[CleanedUp])
    endpoint: str = ""


class Drill:
    """One drill. `scene` makes the scene of the two stacks once they are up.

    `planned_loss` are the seconds for which the replica is cut off before the region is lost, so
    that acknowledged invoices are lost with it; 0 for a drill that should lose nothing.
    """

    def __init__(
        self,
        state: State,
        *,
        port: int,
        customers_port: int,
        rate: float,
        operator: str,
        scene: Callable[[], Scene],
        say: Callable[[str], None],
        clock: Clock,
        planned_loss: float = 0,
    ) -> None:
        self._planned_loss = planned_loss
        self._state, self._port, self._customers_port = state, port, customers_port
        self._rate, self._operator, self._scene, self._say = rate, operator, scene, say
        self._clock = clock

    def run(self) -> Drilled:
        """Do it all; the emulated cloud is down when this returns, or raises."""
        try:
            return self._drill()
        finally:
            self._say("ending the emulated cloud")
            lifecycle.down(state=self._state)

    def _drill(self) -> Drilled:
        api_key = self._bring_up()
        scene = self._scene()
        ledgers = Ledgers(self._state, scene)
        region = scene.primary.outputs.region
        customers = Customers(self._state, api_key=api_key, rate=self._rate, clock=self._clock)
        try:
            customers.wait(seconds=BEFORE_SECONDS)
            before, stopped = ledgers.schema(PRIMARY), self._cut_off(ledgers)
            old, told_position = ledgers.database(PRIMARY), ledgers.position(PRIMARY)
            self._say(f"losing {region}")
            failed = self._lose(region)
            found = self._fail_over(scene, failed)
            customers.wait(seconds=AFTER_SECONDS, since_ns=nanoseconds(self._clock.now()))
        finally:
            customers.end()
        found.schema_before, found.schema_after = before, ledgers.schema(SECONDARY)
        found.endpoint = scene.standby.endpoint or ""
        found.replication_stopped = stopped
        rows = ledgers.rows(SECONDARY)
        operations = customers.history()
        self._say(f"reading what the lost database of {PRIMARY} has on its disk")
        found.databases = ledgers.compared(
            old, rows, operations, failed=failed, told_position=told_position
        )
        lost = [one.invoice for one in found.databases.lost]
        found.set_check = self._check(operations, rows, failed, lost)
        self._say(f"{region} comes back; failing back")
        EmulatorClient(self._state).lose([])
        self._fail_back(scene)
        found.after_failback = self._check(operations, ledgers.rows(PRIMARY), failed, lost)
        found.phases.append(self._clean_up(found))
        return found

    def _cut_off(self, ledgers: Ledgers) -> datetime | None:
        """Cut the replica off for the planned seconds; returns since when, None for no such plan.

        The customers go on, and what they are told is in the primary only.
        """
        if not self._planned_loss:
            return None
        self._say(f"cutting the replica of {SECONDARY} off, for {self._planned_loss:g} s")
        stopped = self._clock.now()
        ledgers.cut_off(SECONDARY)
        self._clock.sleep(self._planned_loss)
        return stopped

    def _lose(self, region: str) -> datetime:
        """Lose a region; returns when it surely acknowledged nothing more."""
        EmulatorClient(self._state).lose([region])
        deadline = self._clock.now() + timedelta(seconds=LOSS_SECONDS)
        while True:
            known = report.read(self._state)
            if known is not None and region in known.lost:
                return self._clock.now()
            if self._clock.now() > deadline:
                raise ArcaError(
                    f"{region} is not lost after {LOSS_SECONDS:.0f} s.",
                    where=str(report.path(self._state)),
                    wanted="that its servers are killed",
                    do="read live.log in the state directory, and repeat the drill",
                )
            self._clock.sleep(LOOK_SECONDS)

    def _bring_up(self) -> str:
        for stack in (PRIMARY, SECONDARY):
            self._say(f"bringing {stack} up")
            lifecycle.up(stack, port=self._port, state=self._state, watch=lambda _: None)
        self._say("bringing them to life")
        return live.bring(self._state, port=self._customers_port, say=self._say).api_key

    def _fail_over(self, scene: Scene, failed: datetime) -> Drilled:
        journal = Journal.begin(
            scene.standby, primary=PRIMARY, operator=self._operator, clock=self._clock
        )
        refusal = None
        with journal:
            journal.note(failed=failed)
            if self._planned_loss:
                refusal = self._ask(scene, journal)
            Failover(scene, journal).run()
            entry = journal.entry
            journal.end()
        return Drilled(
            entry.declared,
            failed,
            list(entry.phases),
            entry.first_good_smoke,
            entry.alarms_green,
            refusal=refusal,
        )

    def _ask(self, scene: Scene, journal: Journal) -> str:
        """Fail over as one who accepts no loss; returns the refusal, and accepts the RPO then.

        It is `--accept-data-loss 0`, and then the same with the RPO.
        """
        said = ""
        journal.note(accepted_loss_seconds=0.0)
        try:
            Failover(scene, journal).run(until="lag")
        except Refused as refused:
            said = refused.what
            self._say(f"refused: {said} The drill accepts {RPO_SECONDS} s")
        journal.note(accepted_loss_seconds=float(RPO_SECONDS))
        return said

    def _fail_back(self, scene: Scene) -> None:
        journal = Journal.begin(
            scene.standby,
            primary=PRIMARY,
            operator=self._operator,
            clock=self._clock,
            kind="failback",
        )
        with journal:
            Failback(scene, journal, generation=GENERATION).run(until="clean-up")
            journal.end()

    def _check(
        self,
        operations: Sequence[Operation],
        rows: Sequence[Row],
        failed: datetime,
        lost: Sequence[Invoice],
    ) -> SetCheck:
        live_report = report.read(self._state)
        agency = (
            evidence.authorized(live_report.agency) if live_report and live_report.agency else ()
        )
        return check(
            [*operations, *evidence.last_read(rows, self._clock.now())],
            failed_ns=nanoseconds(failed),
            authorized=agency,
            first_number=1,
            recovered=[one.invoice for one in rows if one.recovered],
            lost=lost,
        )

    def _clean_up(self, found: Drilled) -> Phase:
        """End the cloud, and look that nothing is left of it."""
        began = self._clock.now()
        known, record = report.read(self._state), self._state.read()
        lifecycle.down(state=self._state)
        home = Path(known.home) if known else None
        left = 0
        if record is not None:
            ((variable, value),) = mark(record).items()
            with server_children.marked(variable, value) as processes:
                left = len(processes)
        found.cleaned_up = [
            CleanedUp(
                what="processes of the emulated cloud",
                gone=not left,
                seen=f"{left} processes carry the server's mark",
            ),
            CleanedUp(
                what="data of the databases",
                gone=home is None or not home.exists(),
                seen=f"{home.name if home else 'no directory'} is looked up",
            ),
        ]
        return phase("clean-up", began, self._clock.now(), seen="the emulated cloud has ended")
