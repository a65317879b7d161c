"""Health checks of stand-in processes: real HTTP requests, each in a thread of its own.

A result counts at the next request to the emulator, so that a process that hangs delays nobody.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from queue import Empty, SimpleQueue
from threading import Thread

from arca.emulator.ecs.model import EcsTask
from arca.emulator.ecs.stand_ins import LOOPBACK, StandInProcess

HEALTH_CHECK_TIMEOUT_SECONDS = 5
"""The default of a target group (Elastic Load Balancing documentation, "Health checks")."""
EVERY_SECONDS = 0.5
LEAST_GRACE_SECONDS = 20.0
"""Real seconds in which a new process may fail its checks: it starts in real time."""
MOST_FAILED_CHECKS = 3
"""Checks in a row that fail before a healthy process counts as unhealthy."""


@dataclass(frozen=True)
class HealthCheck:
    """A health check of a task's process."""

    task: EcsTask
    process: StandInProcess
    path: str


class HealthChecker:
    """Runs health checks and keeps the results until they are read."""

    def __init__(self) -> None:
        self._results: SimpleQueue[tuple[HealthCheck, bool]] = SimpleQueue()

    def start(self, checks: Iterable[HealthCheck]) -> None:
        """Start checks; the threads do not keep the server from ending."""
        for check in checks:
            # Set before the thread starts, so that no other request starts the check again.
            check.process.checked_at, check.process.check_running = time.monotonic(), True
            Thread(target=self._run, args=(check,), daemon=True).start()

    def results(self) -> Iterator[tuple[HealthCheck, bool]]:
        """Yield the checks that ended since the last call, and whether each succeeded."""
        while True:
            try:
                check, healthy = self._results.get_nowait()
            except Empty:
                return
            check.process.check_running = False
            yield check, healthy

    def _run(self, check: HealthCheck) -> None:
        healthy = False
        try:
            healthy = _succeeds(check)
        finally:
            self._results.put((check, healthy))


def is_due(task: EcsTask) -> bool:
    """Return whether a task's process is due for a check; only one runs at a time."""
    process = task.process
    if process is None or process.port is None or process.check_running or not task.live:
        return False
    return process.checked_at is None or time.monotonic() - process.checked_at >= EVERY_SECONDS


def is_unhealthy(process: StandInProcess, *, was_healthy: bool, grace_seconds: float) -> bool:
    """Return whether a process has failed so many checks that its task must be replaced.

    A process that was never healthy has the service's grace period, and `LEAST_GRACE_SECONDS` at
    least.
    """
    if was_healthy:
        return process.failed_checks >= MOST_FAILED_CHECKS
    age = time.monotonic() - process.started_at
    return process.failed_checks > 0 and age >= max(LEAST_GRACE_SECONDS, grace_seconds)


def _succeeds(check: HealthCheck) -> bool:
    connection = HTTPConnection(LOOPBACK, check.process.port, timeout=HEALTH_CHECK_TIMEOUT_SECONDS)
    try:
        connection.request("GET", check.path)
        return 200 <= connection.getresponse().status < 300
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
