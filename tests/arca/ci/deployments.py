"""A stand-in for `arca status` and `arca promote`, and the clock of who calls them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from arca.ci import deployment
from arca.ci.deployment import CommandFailed
from arca.clock import Clock
from arca.errors import ExitCode

RELEASE = "deploy of api:2 by somebody, step following"
FAILS = "FAILS"
NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
CALL_SECONDS = 10
"""What each call takes on this clock."""


class Commands(Clock):
    """The commands with the statuses that ECS goes through from one call to the next.

    Each status is one call's answer, and the last one repeats. `<status>:release` is a status while
    a release is under way, and `FAILS` or `FAILS:<words>` a call that fails.
    """

    def __init__(self, *statuses: str, began: bool = True, refuses: int = 0) -> None:
        self._left = list(statuses)
        self._id = "new" if began else "old"
        self._refuses = refuses
        self._now = NOW
        self.promoted = 0
        self.calls = 0
        self.said: list[str] = []

    def __call__(self, command: str, stack: str) -> Mapping[str, Any]:
        """Answer as the command does with --json; raises CommandFailed as `run_arca` does."""
        assert stack == "prod"
        self.calls += 1
        self._now += timedelta(seconds=CALL_SECONDS)
        if command == "promote":
            self._refuses -= 1
            if self._refuses >= 0:
                raise CommandFailed("No deployment is paused.")
            self.promoted += 1
            return {"promoted": self._id}
        answer = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        if answer.startswith(FAILS):
            raise CommandFailed(answer.partition(":")[2] or "AWS does not answer")
        status, _, release = answer.partition(":")
        paused = status == "PAUSED"
        return {
            "deployment": {
                "id": self._id,
                "status": "IN_PROGRESS" if paused else status,
                "reason": "",
                "paused": paused,
                "created": NOW.isoformat(),
            },
            "release": RELEASE if release else None,
        }

    def now(self) -> datetime:
        """Return the current time of this clock."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move this clock."""
        self._now += timedelta(seconds=seconds)

    @property
    def passed(self) -> timedelta:
        """The time since the first call."""
        return self._now - NOW

    def follow(self, after: str = "old") -> ExitCode:
        """Follow prod's deployment; what it prints is in `said`."""
        return deployment.follow(self, "prod", after, clock=self, say=self.said.append)

    def latest(self) -> str:
        """Return the reference to prod's newest deployment."""
        return deployment.latest(self, "prod", clock=self)
