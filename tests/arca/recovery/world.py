"""Two stacks after a failover, and what a fail-back does to them.

The databases are numbers: which one follows, and when the last transaction arrived. Time passes
when somebody sleeps.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from arca.check import Check
from arca.clock import Clock
from arca.recovery import activation, ask, fence, promotion, switch
from arca.recovery.budgets import PhaseName
from arca.recovery.facts import Replica
from arca.recovery.failback import Failback
from arca.recovery.journal_entry import Entry
from arca.recovery.scene import Scene
from arca.smoke.suite import SmokeReport
from arca.stack import Stack

if TYPE_CHECKING:
    from arca.recovery.journal import Journal

BEGAN = datetime(2026, 3, 1, 12, 1, 30, tzinfo=UTC)
HEARTBEAT = timedelta(minutes=5)
"""RDS's own transaction, without which an idle database has none."""
MINUTE = timedelta(minutes=1)
DR_DATABASE = "arn:aws:rds:us-east-1:000000000000:db:arca-dr"
REPLICA = {"kind": "replica", "source_arn": DR_DATABASE}
FOLLOWS = {
    "recovery.release_data": False,
    "database.generation": 2,
    "database.source": REPLICA,
}
SERVES = {
    "recovery.release_data": None,
    "database.generation": 2,
    "database.source": {"kind": "promoted"},
}
Update = tuple[str, str | None, dict[str, Any]]
UPDATES: list[Update] = [
    ("prod", "fenced", {}),
    ("prod", "fenced", {"recovery.release_data": True}),
    ("prod", "following", FOLLOWS),
    ("dr", "fenced", {}),
    ("prod", "promoting", FOLLOWS),
    ("prod", None, {**SERVES, "database.replicate_backups": False}),
    ("prod", None, {**SERVES, "database.replicate_backups": None}),
    ("dr", "fenced", {"recovery.release_data": True}),
    (
        "dr",
        "standby",
        {
            "recovery.release_data": None,
            "database.generation": 4,
            "database.source": {"kind": "replica"},
        },
    ),
]
"""The rows of ADR 0029, each with the phase that it sets; dr is at its third database."""


class Killed(BaseException):
    """Ends the process as SIGKILL does."""


class WorldClock(Clock):
    """The operator's clock; each sleep takes a second or more."""

    def __init__(self, world: "World") -> None:
        self._world, self.behind = world, timedelta(0)

    def now(self) -> datetime:
        """Return the world's time, as this machine has it."""
        return self._world.now - self.behind

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._world.now += timedelta(seconds=max(seconds, 1))


class World:
    """Prod was left by a failover, and dr serves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.phases = {"prod": "active", "dr": "active"}
        self.generations = {"prod": 1, "dr": 3}
        self.tasks = {"prod": 2, "dr": 2}
        self.updates = list[Update]()
        self.now, self.inverted = BEGAN, True
        self.lever: str | None = "lever"
        self.cut_since: datetime | None = None
        """Since when nothing arrives at the replica."""
        self.status = {"prod": "available", "dr": "available"}
        self.dr_follows = False
        self.promoted = False
        """Whether somebody promoted prod's database beside the program."""
        self.good = True
        """Whether the smoke tests are."""
        self.entry = Entry(
            kind="failback",
            run="1",
            operator="ana",
            primary="prod",
            secondary="dr",
            declared=BEGAN,
            beat=BEGAN,
        )
        self.deployed, self.applied = list[str](), list[str]()
        self.killed_at: int | None = None
        self.killed_before: int | None = None
        self.after_update: Callable[[Update], None] = lambda _update: None
        self.clock = WorldClock(self)
        monkeypatch.setattr(ask, "replica", self._replica)
        monkeypatch.setattr(ask, "moment", self._moment)
        monkeypatch.setattr(fence, "running", self._running)
        monkeypatch.setattr(activation, "deploy", self._deploy)
        monkeypatch.setattr(activation, "restore", self._restore)
        monkeypatch.setattr(promotion, "apply_now", self._apply)
        monkeypatch.setattr(switch.lever, "pulled", self._pulled)
        monkeypatch.setattr(switch, "client", self._client)
        monkeypatch.setattr(Failback, "_wait_for_green", self._green)

    def update_health_check(self, *, HealthCheckId: str, Inverted: bool) -> None:  # noqa: N803 - AWS's
        """Move the lever."""
        assert HealthCheckId == self.lever
        self.inverted = Inverted

    def find(self, name: str) -> Stack:
        """Return a stack in its present phase."""
        counted = self.generations[name]
        identifier = f"arca-{name}" + (f"-{counted}" if counted > 1 else "")
        outputs = SimpleNamespace(
            stack=name,
            role="secondary" if name == "dr" else "primary",
            region="us-east-1" if name == "dr" else "sa-east-1",
            phase=self.phases[name],
            database=SimpleNamespace(arn=DR_DATABASE, identifier=identifier, generation=counted),
            edge=SimpleNamespace(failover_lever_id=self.lever),
            service=SimpleNamespace(cluster=f"arca-{name}"),
        )
        return cast("Stack", SimpleNamespace(name=name, outputs=outputs, where=name, endpoint="x"))

    def update(self, stack: str, settings: Mapping[str, Any]) -> None:
        """Update a stack; the process may be killed right after it."""
        given = dict(settings)
        phase = given.pop("recovery.phase")
        self.updates.append((stack, phase, given))
        if self.killed_before == len(self.updates):
            raise Killed
        self.phases[stack] = phase or "active"
        self.generations[stack] = given.get("database.generation", self.generations[stack])
        if phase is not None and phase != "active":
            self.tasks[stack] = 0
        self.after_update(self.updates[-1])
        if self.killed_at == len(self.updates):
            raise Killed

    def scene(self) -> Scene:
        """Return the scene of a new process."""
        return Scene(
            "prod",
            "dr",
            self.find,
            self.update,
            self._smoke,
            self._smoke,
            self.clock,
            lambda _: None,
            back=True,
        )

    def failback(self, generation: int | None = None) -> Failback:
        """Return a fail-back of a new process, which goes on from the journal."""
        journal = cast("Journal", SimpleNamespace(entry=self.entry, note=self._note))
        self._journal = journal
        return Failback(self.scene(), journal, generation=generation)

    def run(self, until: PhaseName = "clean-up") -> bool:
        """Run, or go on, in a new process."""
        return self.failback().run(until=until)

    def _note(self, **known: Any) -> None:
        self.entry = self.entry.model_copy(update=known)
        self._journal.entry = self.entry

    def _smoke(self, stack: Stack) -> SmokeReport:
        serves = self.good and self.phases[stack.name] == "active" and bool(self.tasks[stack.name])
        check = Check("ready", "OK" if serves else "FAILED", "no good answer")
        return SmokeReport(stack.name, "http://x", (check,))

    def _replica(self, stack: Stack, _now: datetime) -> Replica:
        name, identifier = stack.name, stack.outputs.database.identifier
        if name == "dr":
            return Replica(identifier, self.status["dr"], follows=self.dr_follows, lag_seconds=None)
        if self.phases["prod"] != "following" or self.promoted:
            return Replica(identifier, self.status["prod"], follows=False, lag_seconds=None)
        at = self.now.replace(second=0) - MINUTE
        lag = (at - self._last_transaction(at)).total_seconds()
        return Replica(identifier, self.status["prod"], follows=True, lag_seconds=lag, lag_at=at)

    def _last_transaction(self, at: datetime) -> datetime:
        """Return when the last transaction was committed that had arrived at a moment."""
        until = min(at, self.cut_since) if self.cut_since else at
        beat = BEGAN + HEARTBEAT * ((until - BEGAN) // HEARTBEAT)
        return until if self.tasks["dr"] else beat

    def _moment(self, _stack: Stack, here: datetime) -> datetime:
        assert here == self.now - self.clock.behind
        return self.now

    def _running(self, stack: Stack) -> int:
        return self.tasks[stack.name]

    def _restore(self, _stack: Stack) -> None:
        pass

    def _pulled(self, _stack: Stack) -> bool:
        return self.lever is not None and self.inverted

    def _client(self, *_named: object, **_options: object) -> "World":
        return self

    def _green(self, _stack: Stack) -> list[str]:
        return []

    def _deploy(self, _scene: Scene, stack: Stack) -> str:
        self.deployed.append(stack.name)
        self.tasks[stack.name] = 2
        return "deployed"

    def _apply(self, _scene: Scene, stack: Stack) -> str:
        self.applied.append(stack.name)
        return "MultiAZ applied at once"
