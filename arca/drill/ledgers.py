"""The databases of a drill's two stacks: their rows, their logs, and the network between them."""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from arca.drill import dead, evidence
from arca.emulator.aws_clients import session
from arca.emulator.live import processes, report
from arca.emulator.live.postgres import Postgres
from arca.emulator.live.report import LiveDatabase, LiveReport
from arca.emulator.state import State
from arca.errors import ArcaError
from arca.history import Operation, nanoseconds
from arca.recovery import databases
from arca.recovery.databases import Databases, Row
from arca.recovery.scene import Scene
from arca.stack import Stack


@dataclass(frozen=True)
class Ledgers:
    """What a drill reads of the databases in the emulated cloud."""

    state: State
    scene: Scene

    def rows(self, stack: str) -> tuple[Row, ...]:
        """Read all invoices with a CAE of a stack."""
        with self._opened(stack) as opened:
            return evidence.rows(opened)

    def schema(self, stack: str) -> str:
        """Return the hash of a stack's tables and columns."""
        with self._opened(stack) as opened:
            return evidence.schema_hash(opened)

    def position(self, stack: str) -> str:
        """Return where the log of a stack that takes writes is."""
        with self._opened(stack) as opened:
            return evidence.written(opened)

    def cut_off(self, stack: str) -> None:
        """Cut the network between a stack's replica and its primary."""
        found = self._database(self.scene.find(stack))
        home = Path(self._report().home)
        password = (home / found.name / "password").read_text(encoding="utf-8")
        Postgres(found.name, home, {}, found.port, password).cut_off()

    def compared(
        self,
        lost: LiveDatabase,
        promoted: Sequence[Row],
        history: Sequence[Operation],
        *,
        failed: datetime,
        told_position: str,
    ) -> Databases:
        """Compare what a lost primary has on its disk with the standby's promoted database."""
        record, home = self.state.read(), Path(self._report().home)
        assert record is not None
        marks = {**processes.mark(record), processes.HOME_VARIABLE: str(home)}
        standby = self.scene.standby_name
        with (
            self._opened(standby) as opened,
            dead.opened(home, lost.name, marks) as copy,
            # The roles and their passwords were replicated with the rest.
            self._opened(standby, port=copy.port) as old,
        ):
            return databases.compared(
                evidence.rows(old),
                promoted,
                history,
                failed_ns=nanoseconds(failed),
                told_position=told_position,
                ends=(evidence.replayed(old), evidence.replayed(opened)),
            )

    def database(self, stack: str) -> LiveDatabase:
        """Return where a stack's database runs, or ran."""
        return self._database(self.scene.find(stack))

    @contextmanager
    def _opened(self, name: str, *, port: int = 0) -> Generator[psycopg.Connection[Any]]:
        """Open a session as the application, with the stack's own secret."""
        stack = self.scene.find(name)
        secret = _secret(stack)
        with psycopg.connect(
            host=processes.LOOPBACK,
            port=port or self._database(stack).port,
            dbname=stack.outputs.database.name,
            user=secret["username"],
            password=secret["password"],
            connect_timeout=5,
        ) as opened:
            yield opened

    def _database(self, stack: Stack) -> LiveDatabase:
        known = {one.instance: one for one in self._report().databases}
        arn = str(stack.outputs.database.arn)
        if arn not in known:
            raise ArcaError(
                f"The database of {stack.name} does not run.",
                where=arn,
                wanted=f"one of {', '.join(known)}",
                do="read live.log in the state directory",
            )
        return known[arn]

    def _report(self) -> LiveReport:
        found = report.read(self.state)
        if found is None:
            raise ArcaError(
                "The emulated cloud does not live.",
                where=str(report.path(self.state)),
                wanted="the report of its process",
                do="read live.log in the state directory, and repeat the drill",
            )
        return found


def _secret(stack: Stack) -> Mapping[str, str]:
    found = (
        session()
        .client("secretsmanager", region_name=stack.outputs.region, endpoint_url=stack.endpoint)
        .get_secret_value(SecretId=stack.outputs.secret_arns["database-app"])
    )
    return json.loads(found["SecretString"])
