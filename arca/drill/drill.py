"""The drill: prod and dr come up, a region is lost under load, and everything comes back.

It runs in an emulated cloud of its own, so that the one that is up stays as it is.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from arca.clock import Clock
from arca.drill import evidence
from arca.emulator import server_children
from arca.emulator import up as lifecycle
from arca.emulator.aws_clients import session
from arca.emulator.client import EmulatorClient
from arca.emulator.live import live, report
from arca.emulator.live.processes import mark
from arca.emulator.state import State
from arca.errors import ArcaError
from arca.recovery import history
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
LONGEST_TRAFFIC = 1800.0
LAST_ANSWERS_SECONDS = 90.0
"""More than a customer waits for all repetitions of a request."""


@dataclass
class Drilled:
    """What a drill has found."""

    declared: datetime
    failed: datetime
    phases: list[Phase] = field(default_factory=list[Phase])
    first_good_smoke: datetime | None = None
    alarms_green: datetime | None = None
    set_check: SetCheck | None = None
    schema_before: str = ""
    schema_after: str = ""
    after_failback: SetCheck | None = None
    cleaned_up: list[CleanedUp] = field(default_factory=list[CleanedUp])
    endpoint: str = ""


class Drill:
    """One drill. `scene` makes the scene of the two stacks once they are up."""

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
    ) -> None:
        self._state, self._port, self._customers_port = state, port, customers_port
        self._rate, self._operator, self._scene, self._say = rate, operator, scene, say
        self._clock = clock
        self._history = state.directory / "history.jsonl"

    def run(self) -> Drilled:
        """Do it all; the emulated cloud is down when this returns, or raises."""
        try:
            return self._drill()
        finally:
            self._say("ending the emulated cloud")
            lifecycle.down(state=self._state)

    def _drill(self) -> Drilled:
        self._history.unlink(missing_ok=True)
        api_key = self._bring_up()
        scene = self._scene()
        region = scene.primary.outputs.region
        traffic = self._traffic(api_key)
        try:
            self._clock.sleep(BEFORE_SECONDS)
            before = self._schema(scene, PRIMARY)
            self._say(f"losing {region}")
            EmulatorClient(self._state).lose([region])
            failed = self._clock.now()
            found = self._fail_over(scene, failed)
            self._clock.sleep(AFTER_SECONDS)
        finally:
            _end(traffic)
        found.schema_before = before
        found.endpoint = scene.standby.endpoint or ""
        found.schema_after = self._schema(scene, SECONDARY)
        found.set_check = self._check(scene, SECONDARY, failed)
        self._say(f"{region} comes back; failing back")
        EmulatorClient(self._state).lose([])
        self._fail_back(scene)
        found.after_failback = self._check(scene, PRIMARY, failed)
        found.phases.append(self._clean_up(found))
        return found

    def _bring_up(self) -> str:
        for stack in (PRIMARY, SECONDARY):
            self._say(f"bringing {stack} up")
            lifecycle.up(stack, port=self._port, state=self._state, watch=lambda _: None)
        self._say("bringing them to life")
        return live.bring(self._state, port=self._customers_port, say=self._say).api_key

    def _traffic(self, api_key: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 - our own command
            [
                *(sys.executable, "-m", "arca", "local", "traffic"),
                *("--rate", str(self._rate), "--seconds", str(LONGEST_TRAFFIC)),
                *("--history", str(self._history)),
            ],
            env={
                **os.environ,
                "ARCA_API_KEY": api_key,
                "ARCA_STATE_DIR": str(self._state.directory),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _fail_over(self, scene: Scene, failed: datetime) -> Drilled:
        journal = Journal.begin(
            scene.standby, primary=PRIMARY, operator=self._operator, clock=self._clock
        )
        with journal:
            journal.note(failed=failed)
            Failover(scene, journal).run()
            entry = journal.entry
            journal.end()
        return Drilled(
            entry.declared,
            failed,
            list(entry.phases),
            entry.first_good_smoke,
            entry.alarms_green,
        )

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

    def _check(self, scene: Scene, stack: str, failed: datetime) -> SetCheck:
        port, secret, name = self._database(scene, stack)
        operations = [
            *history.read(self._history),
            *evidence.last_read(port, secret, name, self._clock.now()),
        ]
        live_report = report.read(self._state)
        agency = (
            evidence.authorized(live_report.agency) if live_report and live_report.agency else ()
        )
        return check(
            operations,
            failed_ns=int(failed.timestamp() * 1_000_000) * 1000,
            authorized=agency,
            first_number=1,
        )

    def _schema(self, scene: Scene, stack: str) -> str:
        return evidence.schema_hash(*self._database(scene, stack))

    def _database(self, scene: Scene, stack: str) -> tuple[int, Mapping[str, str], str]:
        """Return a database's port, its user and its name."""
        outputs = scene.find(stack).outputs
        known = report.read(self._state)
        ports = {one.instance: one.port for one in (known.databases if known else ())}
        found = (
            session()
            .client(
                "secretsmanager",
                region_name=outputs.region,
                endpoint_url=scene.find(stack).endpoint,
            )
            .get_secret_value(SecretId=outputs.secret_arns["database-app"])
        )
        if outputs.database.arn not in ports:
            raise ArcaError(
                f"The database of {stack} does not run.",
                where=str(outputs.database.arn),
                wanted=f"one of {', '.join(ports)}",
                do="read live.log in the state directory",
            )
        return (
            ports[outputs.database.arn],
            json.loads(found["SecretString"]),
            outputs.database.name,
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


def _end(traffic: "subprocess.Popen[bytes]") -> None:
    """Let the customers ask no more, and wait for their last answers."""
    traffic.send_signal(signal.SIGINT)
    try:
        traffic.wait(timeout=LAST_ANSWERS_SECONDS)
    except subprocess.TimeoutExpired:
        traffic.kill()
        traffic.wait()
