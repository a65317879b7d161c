"""The health of stand-ins, asked for real."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from localcloud.controller.model import Task
from localcloud.controller.processes import LOOPBACK, Process

TIMEOUT_SECONDS = 2
EVERY_SECONDS = 0.5
GRACE_SECONDS = 5.0
"""Real ones: a process starts in real time, whatever a simulated minute is."""
MOST_MISSES = 3
"""Checks in a row that a process may fail once it was healthy."""


@dataclass(frozen=True)
class Question:
    """A task's health check."""

    task: Task
    process: Process
    path: str


def due(task: Task) -> bool:
    """Whether a task's process wants asking again."""
    process = task.process
    if process is None or process.port is None or not task.live:
        return False
    return process.asked is None or time.monotonic() - process.asked >= EVERY_SECONDS


def ask(questions: Sequence[Question]) -> list[tuple[Question, bool]]:
    """Ask all at once; takes two seconds at most, and holds nobody's lock."""
    if not questions:
        return []
    with ThreadPoolExecutor(max_workers=min(8, len(questions))) as pool:
        return list(zip(questions, pool.map(_answers, questions), strict=True))


def dead(process: Process, *, was_healthy: bool) -> bool:
    """Whether a process has failed so often that it counts as unhealthy."""
    if was_healthy:
        return process.misses >= MOST_MISSES
    return process.misses > 0 and time.monotonic() - process.since >= GRACE_SECONDS


def _answers(question: Question) -> bool:
    question.process.asked = time.monotonic()
    connection = HTTPConnection(LOOPBACK, question.process.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", question.path)
        return 200 <= connection.getresponse().status < 300
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
