"""The process of the living cloud, seen from the command that starts it and waits for it."""

import sys
import time
from collections.abc import Callable
from typing import Any

from arca.emulator import server, server_children
from arca.emulator.live import container, processes, report
from arca.emulator.live.processes import Daemon
from arca.emulator.live.report import LiveReport
from arca.emulator.state import CloudRecord, State
from arca.errors import ArcaError

LONGEST_SECONDS = 120
"""For what begins or ends within seconds on a machine that has nothing else to do."""
PATIENCE_SECONDS = 40
"""For a problem that each look finds again; some pass by themselves."""


class Background:
    """The process that runs what stands behind the addresses of a cloud."""

    def __init__(self, state: State, record: CloudRecord) -> None:
        self._state, self._record = state, record

    def start(self, port: int) -> None:
        """Start it, unless it runs; wait until all is there.

        Raises ArcaError where the customers' port is taken, or something does not start.
        """
        known = report.read(self._state)
        if known is None or not server.alive(known):
            if known is not None:
                # It was killed: what it had started goes on, and holds the ports.
                server_children.end_marked(processes.HOME_VARIABLE, known.home)
            server.refuse_taken(
                port, what="the customers", other=f"`arca local live --port {port + 1}`"
            )
            log = self._state.directory / report.LOG
            log.unlink(missing_ok=True)
            daemon = Daemon(
                [sys.executable, "-m", "arca.emulator.live", "--port", str(port)],
                log=log,
                environment={
                    **container.environment(processes.own_environment()),
                    **processes.mark(self._record),
                    "ARCA_STATE_DIR": str(self._state.directory.resolve()),
                },
            )

            def begun() -> bool:
                found = report.read(self._state)
                return found is not None and found.pid == daemon.pid

            daemon.wait_for(begun, "The process of the living cloud", "its report")
        self.settled()

    def settled(self) -> LiveReport:
        """Wait until a look that began from now on has found nothing missing."""
        looks = self.report().looks

        def done() -> LiveReport | None:
            found = self.report()
            if found.customers is None or found.problem is not None:
                return None
            # The look that is under way may have begun before what we wait for.
            return found if found.looks >= looks + 2 else None

        found = self.wait(done, "the living cloud")
        assert isinstance(found, LiveReport)
        return found

    def report(self) -> LiveReport:
        """Return its report; raises ArcaError where it has ended."""
        found = report.read(self._state)
        if found is None or not server.alive(found):
            raise ArcaError(
                "The process of the living cloud has ended.",
                where=str(self._state.directory / report.LOG),
                wanted="that it runs until `make down`",
                do="read that log, and run `arca local live` again",
            )
        return found

    def wait(self, found: Callable[[], Any], what: str) -> Any:
        """Wait for an answer that counts as true; raises ArcaError where there is none in time."""
        began = sound = time.monotonic()
        while (now := time.monotonic()) - began < LONGEST_SECONDS:
            if answer := found():
                return answer
            if self.report().problem is None:
                sound = now
            elif now - sound > PATIENCE_SECONDS:
                break
            self._state.clock.sleep(0.1)
        problem = self.report().problem
        raise ArcaError(
            f"This is not there after {now - began:.0f} s: {what}"
            + (f" ({problem})" if problem else ""),
            where=str(self._state.directory / report.LOG),
            wanted="that it starts",
            do="read that log and `arca local status`; run this again to go on",
        )
