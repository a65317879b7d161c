"""A drill's customers: a process that asks for invoices and writes down what it was told."""

import os
import signal
import subprocess
import sys

from arca import history
from arca.clock import Clock
from arca.emulator.state import State
from arca.history import Operation

LONGEST_SECONDS = 1800.0
LAST_ANSWERS_SECONDS = 90.0
"""More than a customer waits for all repetitions of a request."""
LOOK_SECONDS = 0.5
SOME_INVOICES, LONGEST_WAIT_SECONDS = 12, 90.0
"""How many invoices are enough to go on, and how long to wait for them."""


class Customers:
    """Customers of the emulated cloud of a state directory, from now until `end`."""

    def __init__(self, state: State, *, api_key: str, rate: float, clock: Clock) -> None:
        self._file, self._clock = state.directory / "history.jsonl", clock
        self._file.unlink(missing_ok=True)
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [
                *(sys.executable, "-m", "arca", "local", "traffic"),
                *("--rate", str(rate), "--seconds", str(LONGEST_SECONDS)),
                *("--history", str(self._file)),
            ],
            env={
                **os.environ,
                "ARCA_API_KEY": api_key,
                "ARCA_STATE_DIR": str(state.directory),
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def history(self) -> tuple[Operation, ...]:
        """Return what they asked for and were told so far."""
        return history.read(self._file)

    def wait(self, *, seconds: float, since_ns: int = 0) -> None:
        """Let them ask for some seconds, and longer until they were told of some invoices.

        On a slow machine the first ones take a while. It does not wait for ever: the record says
        how many there were.
        """
        waited = seconds
        self._clock.sleep(seconds)
        while waited < LONGEST_WAIT_SECONDS and self._told(since_ns) < SOME_INVOICES:
            self._clock.sleep(LOOK_SECONDS)
            waited += LOOK_SECONDS

    def end(self) -> None:
        """Let them ask no more, and wait for their last answers."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(timeout=LAST_ANSWERS_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _told(self, since_ns: int) -> int:
        if not self._file.exists():
            return 0
        return sum(one.type == "ok" and one.time_ns >= since_ns for one in self.history())
