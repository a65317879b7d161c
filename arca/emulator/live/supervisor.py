"""The process of the living cloud: it looks at the emulated APIs and does what AWS would.

Databases, caches, copies of documents, the tax agency's double and the front belong to it. It looks
several times a second and writes what it found to live.json. A look that fails says why there, and
the next one tries again.
"""

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any
from urllib.request import Request, urlopen

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from psycopg import Error as PostgresError

from arca.emulator import server_children
from arca.emulator.aws_clients import UNCHECKED_CONFIG, session
from arca.emulator.client import EmulatorClient
from arca.emulator.live import container, processes, report
from arca.emulator.live.caches import Caches, token_reader
from arca.emulator.live.databases import Databases, owner_reader
from arca.emulator.live.documents import Documents
from arca.emulator.live.processes import LOOPBACK, Daemon, Ports
from arca.emulator.live.report import LiveDatabase, LiveReport
from arca.emulator.state import CloudRecord, State
from arca.errors import ArcaError

LOOK_SECONDS = 0.3
DRAIN_SECONDS = 0.6
"""From a target's deregistration to SIGTERM: the front reads the targets several times in it."""
TIMEOUTS = Config(connect_timeout=2, read_timeout=10)
LOG = logging.getLogger(__name__)


class Supervisor:
    """Runs what stands behind the addresses of the stacks that are up."""

    def __init__(self, state: State, record: CloudRecord, *, port: int) -> None:
        self._state, self._record = state, record
        self._emulator = EmulatorClient(state)
        self.home = _home(state)
        ports = Ports(self.home / "ports.json")
        marks = {**processes.mark(record), processes.HOME_VARIABLE: str(self.home)}
        self._environment = container.environment({**processes.own_environment(), **marks})
        self._client = _clients(record.endpoint)
        self.databases = Databases(
            self.home,
            marks,
            ports,
            self._client,
            owner_reader(self._client, lambda: self.exports),
        )
        self.caches = Caches(
            self.home,
            marks,
            ports,
            self._client,
            token_reader(self._client, lambda: self.exports),
        )
        self._documents = Documents(self._client)
        self.exports: list[Mapping[str, Any]] = []
        self._looks, self._lost = 0, frozenset[str]()
        self._told: frozenset[str] | None = None
        """The lost regions that the front knows of."""
        self._agency_port, self._port = ports.of("agency"), port
        self._helpers: dict[str, Daemon] = {}

    def run(self, stop: Event) -> None:
        """Look until `stop` is set; all that was started has ended when this returns."""
        try:
            self._front_file.unlink(missing_ok=True)
            self._write(None)
            while not stop.is_set():
                problem = None
                try:
                    self._look()
                    self._looks += 1
                except (
                    ArcaError,
                    BotoCoreError,
                    ClientError,
                    LookupError,
                    OSError,
                    PostgresError,
                ) as error:
                    problem = str(error).splitlines()[0]
                    LOG.warning("%s", problem)
                self._write(problem)
                stop.wait(LOOK_SECONDS)
        finally:
            self.databases.stop()
            self.caches.stop()
            for one in self._helpers.values():
                one.kill()
            report.remove(self._state)

    @property
    def agency(self) -> str:
        """The URL of the tax agency's double."""
        return f"http://{LOOPBACK}:{self._agency_port}"

    def _keep_helpers(self) -> None:
        """Start the helpers that do not run; raises ArcaError for one that does not start."""
        if not self._runs("agency"):
            agency = self._start(
                *("agency", "--port", str(self._agency_port), "--state", "agency.json")
            )
            agency.wait_for_port(self._agency_port, "The double of the tax agency")
        if not self._runs("arca.emulator.front"):
            self._front_file.unlink(missing_ok=True)
            self._told = None
            front = self._start(
                *("arca.emulator.front", "--endpoint", self._record.endpoint),
                *("--exports", str(self._state.directory / "exports")),
                *("--ready", str(self._front_file), "--port", str(self._port)),
            )
            front.wait_for(self._front_file.exists, "The front", "its ready file")

    def _runs(self, module: str) -> bool:
        return module in self._helpers and self._helpers[module].running

    def _start(self, module: str, *words: str) -> Daemon:
        self._helpers[module] = Daemon(
            [sys.executable, "-m", module, *words],
            log=self.home / f"{module}.log",
            environment=self._environment,
            directory=self.home,
        )
        return self._helpers[module]

    @property
    def _front_file(self) -> Path:
        return self._state.directory / report.FRONT_FILE

    def _look(self) -> None:
        self._keep_helpers()
        record = self._state.read()
        stacks = record.stacks if record else {}
        self.exports = [self._state.exports(stack) for stack in stacks]
        lost = self._emulator.lost_regions()
        regions = sorted({str(one["region"]) for one in self.exports})
        self.databases.reconcile(regions, lost)
        self.caches.reconcile(regions, lost)
        self._documents.reconcile(self.exports, lost)
        self.databases.measure(lost)
        front = self._front()
        if front is not None and lost != self._told:
            _put(f"{front['control']}/front/regions", {"dead": sorted(lost)})
            self._told = lost
        self._lost = lost
        self._emulator.set_places(self.places(), drain_seconds=DRAIN_SECONDS)

    def places(self) -> dict[str, str]:
        """Return what stands behind the addresses that RDS tells and the stacks export."""
        found = {
            name: f"{LOOPBACK}:{one.server.port}"
            for one in self.databases.instances.values()
            for name in one.restored_as or ()
        }
        ports = {
            (one.region, one.identifier): one.server.port
            for one in self.databases.instances.values()
        }
        for one in self.exports:
            database, region = one["database"], one["region"]
            port = ports.get((region, database["identifier"]))
            if port is not None:
                for address in (database["address"], database["host"]):
                    found[f"{address}:{database['port']}"] = f"{LOOPBACK}:{port}"
            group = one.get("cache")
            served = group and self.caches.groups.get((region, group["replication_group_id"]))
            if group and served:
                found[f"{group['address']}:{group['port']}"] = f"{LOOPBACK}:{served.port}"
        front = self._front()
        if front is not None:
            found |= self._listeners(front)
        return found

    def _listeners(self, front: Mapping[str, Any]) -> dict[str, str]:
        """Return the listeners by each of a region's names."""
        found: dict[str, str] = {}
        names = {
            one["region"]: (
                one["edge"]["regional_origin_name"],
                one["service"]["load_balancer_dns_name"],
            )
            for one in self.exports
        }
        for balancer in front["balancers"]:
            for port, url in balancer["listeners"].items():
                for name in (balancer["dns_name"], *names.get(balancer["region"], ())):
                    found[f"{name}:{port}"] = url.removeprefix("http://")
        return found

    def _front(self) -> dict[str, Any] | None:
        try:
            return json.loads(self._front_file.read_bytes())
        except (FileNotFoundError, ValueError):
            return None

    def _write(self, problem: str | None) -> None:
        front = self._front()
        made = LiveReport(
            pid=os.getpid(),
            born=server_children.start_ticks(os.getpid()) or 0,
            home=str(self.home),
            looks=self._looks,
            problem=problem,
            customers=front["customers"] if front else None,
            agency=self.agency,
            lost=tuple(sorted(self._lost)),
            databases=tuple(
                LiveDatabase(
                    instance=one.arn,
                    name=one.server.name,
                    region=one.region,
                    port=one.server.port,
                    running=one.server.running,
                    standby=one.source is not None,
                )
                for one in self.databases.instances.values()
            ),
            caches={
                f"{one.region}/{one.identifier}": one.port for one in self.caches.groups.values()
            },
            places=self.places() if front else {},
        )
        file = report.path(self._state)
        temporary = file.with_suffix(".new")
        temporary.touch(mode=0o600)
        temporary.write_text(made.model_dump_json(indent=1), encoding="utf-8")
        temporary.replace(file)


def _home(state: State) -> Path:
    """Return a directory for the data: that of a process that was killed, or else a new one."""
    known = report.read(state)
    return Path(known.home) if known and Path(known.home).is_dir() else processes.home()


def _clients(endpoint: str) -> Any:
    made, config = session(), UNCHECKED_CONFIG.merge(TIMEOUTS)

    @cache
    def client(service: str, region: str) -> Any:
        return made.client(service, region_name=region, endpoint_url=endpoint, config=config)

    return client


def _put(url: str, content: Mapping[str, Any]) -> None:
    body = json.dumps(content).encode()
    with urlopen(Request(url, body, method="PUT"), timeout=5) as answer:  # noqa: S310 - loopback
        answer.read()


def main() -> None:
    """Run until SIGTERM: `python -m arca.emulator.live --port N`."""
    import argparse  # noqa: PLC0415 - only the process needs it

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="the customers' port; 0 for any")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    logging.Formatter.converter = time.gmtime
    state, stop = State(), Event()
    record = state.read()
    if record is None:
        parser.exit(1, "no emulated cloud is up\n")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    Supervisor(state, record, port=given.port).run(stop)
