"""The health of stand-ins, asked for real, by threads that nobody waits for.

What a process answers is taken in at the next look, so that one that hangs holds up nobody.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from queue import Empty, SimpleQueue
from threading import Thread

from arca.emulator.ecs.model import Task
from arca.emulator.ecs.processes import LOOPBACK, Process

TIMEOUT_SECONDS = 2
EVERY_SECONDS = 0.5
GRACE_SECONDS = 5.0
"""Real ones, at least: a process starts in real time, whatever a simulated minute is."""
MOST_MISSES = 3
"""Checks in a row that a process may fail once it was healthy."""


@dataclass(frozen=True)
class Question:
    """A task's health check."""

    task: Task
    process: Process
    path: str


class Asker:
    """Asks, and keeps what was answered until somebody looks."""

    def __init__(self) -> None:
        self._answers: SimpleQueue[tuple[Question, bool]] = SimpleQueue()

    def ask(self, questions: Iterable[Question]) -> None:
        """Ask these, each in a thread of its own; the server's end waits for none."""
        for question in questions:
            # Noted before the thread begins: whoever looks meanwhile does not ask as well.
            question.process.asked, question.process.asking = time.monotonic(), True
            Thread(target=self._ask, args=(question,), daemon=True).start()

    def heard(self) -> Iterator[tuple[Question, bool]]:
        """What was answered since the last time."""
        while True:
            try:
                question, well = self._answers.get_nowait()
            except Empty:
                return
            question.process.asking = False
            yield question, well

    def _ask(self, question: Question) -> None:
        well = False
        try:
            well = _well(question)
        finally:
            self._answers.put((question, well))


def due(task: Task) -> bool:
    """Whether a task's process wants asking again: one question at a time, and not too often."""
    process = task.process
    if process is None or process.port is None or process.asking or not task.live:
        return False
    return process.asked is None or time.monotonic() - process.asked >= EVERY_SECONDS


def dead(process: Process, *, was_healthy: bool, grace: float) -> bool:
    """Whether a process has failed so often that it counts as unhealthy.

    Grace is the service's own, in seconds; a process has `GRACE_SECONDS` in any case.
    """
    if was_healthy:
        return process.misses >= MOST_MISSES
    age = time.monotonic() - process.since
    return process.misses > 0 and age >= max(GRACE_SECONDS, grace)


def _well(question: Question) -> bool:
    connection = HTTPConnection(LOOPBACK, question.process.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", question.path)
        return 200 <= connection.getresponse().status < 300
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
