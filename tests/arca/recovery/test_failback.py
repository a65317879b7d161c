"""A fail-back's phases, in a world of two stacks: what is updated in which order, and what refuses.

tests/arca/drill/test_drill.py runs the same phases with real databases.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from arca.check import Check
from arca.errors import ArcaError, Refused
from arca.recovery import failback, failover
from arca.recovery.budgets import FAILBACK, TO_RTO, PhaseName
from arca.recovery.facts import Replica
from arca.recovery.failback import WHAT, Failback
from arca.recovery.journal_entry import Entry
from arca.recovery.scene import Scene
from arca.smoke.suite import SmokeReport
from arca.stack import Stack

if TYPE_CHECKING:
    from arca.recovery.journal import Journal

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
DR_DATABASE = "arn:aws:rds:us-east-1:000000000000:db:arca-dr"
REPLICA = {"kind": "replica", "source_arn": DR_DATABASE}
UPDATES: list[tuple[str, str | None, dict[str, Any]]] = [
    ("prod", "fenced", {}),
    ("prod", "fenced", {"recovery.release_data": True}),
    (
        "prod",
        "following",
        {
            "recovery.release_data": False,
            "database.generation": 2,
            "database.source": REPLICA,
        },
    ),
    ("dr", "fenced", {}),
    (
        "prod",
        "promoting",
        {
            "recovery.release_data": False,
            "database.generation": 2,
            "database.source": REPLICA,
        },
    ),
    (
        "prod",
        None,
        {
            "recovery.release_data": None,
            "database.generation": 2,
            "database.source": {"kind": "promoted"},
        },
    ),
    ("dr", "fenced", {"recovery.release_data": True}),
    ("dr", "standby", {"recovery.release_data": None, "database.generation": 2}),
]
"""The rows of ADR 0029, each with the phase that it sets."""


class Killed(BaseException):
    """Ends the process as SIGKILL does."""


class World:
    """Prod was fenced out by a failover, and dr serves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.phases = {"prod": "active", "dr": "active"}
        self.updates = list[tuple[str, str | None, dict[str, Any]]]()
        self.now, self.inverted, self.lag = BEGAN, True, [3.0, 0.0]
        self.entry = Entry(
            kind="failback",
            run="1",
            operator="ana",
            primary="prod",
            secondary="dr",
            declared=BEGAN,
            beat=BEGAN,
        )
        self.drained, self.deployed = list[str](), list[str]()
        self.killed_at: int | None = None
        monkeypatch.setattr(failback.ask, "replica", self._replica)
        monkeypatch.setattr(failback, "drained", self._drained)
        monkeypatch.setattr(failback.activation, "deploy", self._deploy)
        monkeypatch.setattr(failback.activation, "restore", self._restore)
        monkeypatch.setattr(failback.lever, "pulled", self._pulled)
        monkeypatch.setattr(failback, "client", self._client)
        monkeypatch.setattr(Failback, "_wait_for_green", self._green)

    def update_health_check(self, *, HealthCheckId: str, Inverted: bool) -> None:  # noqa: N803 - AWS's
        """Move the lever."""
        assert HealthCheckId == "lever"
        self.inverted = Inverted

    def find(self, name: str) -> Stack:
        """Return a stack in its present phase."""
        outputs = SimpleNamespace(
            phase=self.phases[name],
            database=SimpleNamespace(arn=DR_DATABASE),
            edge=SimpleNamespace(failover_lever_id="lever"),
        )
        return cast("Stack", SimpleNamespace(name=name, outputs=outputs, where=name, endpoint="x"))

    def update(self, stack: str, settings: Mapping[str, Any]) -> None:
        """Update a stack; the process may be killed right after it."""
        given = dict(settings)
        phase = given.pop("recovery.phase")
        self.updates.append((stack, phase, given))
        self.phases[stack] = phase or "active"
        if self.killed_at == len(self.updates):
            raise Killed

    def scene(self) -> Scene:
        """Return the scene of a new process."""
        good = SmokeReport("prod", "http://x", (Check("ready", "OK", ""),))
        clock = SimpleNamespace(now=lambda: self.now, sleep=self._sleep)
        return Scene(
            "prod",
            "dr",
            self.find,
            self.update,
            lambda _: good,
            lambda _: good,
            cast("Any", clock),
            lambda _: None,
            generation=2,
        )

    def run(self, until: PhaseName = "clean-up") -> bool:
        """Run, or go on, in a new process."""
        journal = cast("Journal", SimpleNamespace(entry=self.entry, note=self._note))
        self._journal = journal
        return Failback(self.scene(), journal, generation=2).run(until=until)

    def _note(self, **known: Any) -> None:
        self.entry = self.entry.model_copy(update=known)
        self._journal.entry = self.entry

    def _sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=max(seconds, 1))
        if len(self.lag) > 1:
            self.lag.pop(0)

    def _replica(self, _stack: Stack, _now: datetime) -> Replica:
        follows = self.phases["prod"] == "following"
        return Replica("arca-prod-2", "available", follows=follows, lag_seconds=self.lag[0])

    def _drained(self, _scene: Scene, stack: Stack) -> None:
        self.drained.append(stack.name)

    def _restore(self, _stack: Stack) -> None:
        pass

    def _pulled(self, _stack: Stack) -> bool:
        return self.inverted

    def _client(self, *_named: object, **_options: object) -> "World":
        return self

    def _green(self, _stack: Stack) -> list[str]:
        return []

    def _deploy(self, _scene: Scene, stack: Stack) -> str:
        self.deployed.append(stack.name)
        return "deployed"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world after a failover."""
    return World(monkeypatch)


def test_each_row_is_one_update(world: World) -> None:
    """In ADR 0029's order; writers end before the lag is judged, and the lever goes back."""
    assert world.run()
    assert world.updates == UPDATES
    assert world.drained == ["prod", "dr"]
    assert world.deployed == ["prod"]
    assert not world.inverted
    assert world.phases == {"prod": "active", "dr": "standby"}
    assert [one.name for one in world.entry.phases] == list(WHAT)


def test_every_phase_can_be_named() -> None:
    """The options of the commands have the phases, in their order."""
    assert list(WHAT) == list(FAILBACK)
    assert list(failover.WHAT) == list(TO_RTO)


def test_it_stops_where_it_is_told(world: World) -> None:
    """Dr keeps its database until prod has proved itself."""
    assert not world.run("verify")
    assert world.phases == {"prod": "active", "dr": "fenced"}
    assert world.run()
    assert world.updates == UPDATES


@pytest.mark.parametrize("number", range(1, len(UPDATES) + 1))
def test_killed_after_any_update(world: World, number: int) -> None:
    """A second process ends it, and gives no stack another way than the table's."""
    world.killed_at = number
    with pytest.raises(Killed):
        world.run()
    world.killed_at = None
    assert world.run()
    assert world.phases == {"prod": "active", "dr": "standby"}
    assert not world.inverted
    order = [UPDATES.index(one) for one in world.updates]
    assert order == sorted(order), "no update of before comes again after a later one"
    assert set(order) == set(range(len(UPDATES)))


def test_nothing_may_be_lost(world: World) -> None:
    """A lag that does not end refuses; the promotion does not begin."""
    world.lag = [2.0]
    with pytest.raises(Refused, match="nothing may be lost"):
        world.run()
    assert world.phases == {"prod": "following", "dr": "fenced"}
    world.lag = [0.0]
    assert world.run()


def test_a_replica_that_never_comes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dr goes on serving, and the error says what to look at."""

    def creating(_stack: Stack, _now: datetime) -> Replica:
        return Replica("arca-prod-2", "creating", follows=True, lag_seconds=None)

    monkeypatch.setattr(failback.ask, "replica", creating)
    with pytest.raises(ArcaError, match="is creating after 14400 s"):
        world.run()
    assert world.phases["dr"] == "active"
