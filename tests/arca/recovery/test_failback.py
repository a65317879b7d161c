"""A fail-back's phases: what is updated in which order, killed anywhere, and given back.

tests/arca/drill/test_drill.py runs the same phases with real databases.
"""

from datetime import datetime, timedelta

import pytest

from arca.errors import ArcaError, Refused
from arca.recovery import ask, failover
from arca.recovery.budgets import FAILBACK, TO_RTO, PhaseName
from arca.recovery.facts import Replica
from arca.recovery.failback import WHAT
from arca.stack import Stack
from tests.arca.recovery.world import BEGAN, SERVES, UPDATES, Killed, Update, World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world after a failover."""
    return World(monkeypatch)


def ended_well(world: World) -> None:
    """Check that prod serves and dr stands by."""
    assert world.phases == {"prod": "active", "dr": "standby"}
    assert world.tasks == {"prod": 2, "dr": 0}
    assert not world.inverted


def test_each_row_is_one_update(world: World) -> None:
    """In ADR 0029's order; writers end before the lag is judged, and the lever goes back."""
    assert world.run()
    assert world.updates == UPDATES
    assert (world.deployed, world.applied) == (["prod"], ["prod"])
    ended_well(world)
    assert [one.name for one in world.entry.phases] == list(WHAT)


def test_every_phase_can_be_named() -> None:
    """The options of the commands have the phases, in their order."""
    assert list(WHAT) == list(FAILBACK)
    assert list(failover.WHAT) == list(TO_RTO)


@pytest.mark.parametrize(
    ("phase", "updates", "phases"),
    [
        # The old database can be compared: nothing of it is released.
        ("compare", 1, {"prod": "fenced", "dr": "active"}),
        ("rebuild", 3, {"prod": "following", "dr": "active"}),
        # Dr keeps its database until prod has proved itself.
        ("verify", 7, {"prod": "active", "dr": "fenced"}),
    ],
)
def test_it_stops_where_it_is_told(
    world: World, phase: PhaseName, updates: int, phases: dict[str, str]
) -> None:
    """Each update that cannot be undone has a phase before it that can be stopped after."""
    assert not world.run(phase)
    assert world.updates == UPDATES[:updates]
    assert world.phases == phases
    assert world.run()
    assert world.updates == UPDATES


@pytest.mark.parametrize("moment", ["killed_at", "killed_before"])
@pytest.mark.parametrize("number", range(1, len(UPDATES) + 1))
def test_killed_in_any_update(world: World, number: int, moment: str) -> None:
    """A second process ends it, and gives no stack another way than the table's.

    Before its end an update has changed the stack's file, and no export.
    """
    setattr(world, moment, number)
    with pytest.raises(Killed):
        world.run()
    setattr(world, moment, None)
    assert world.run()
    ended_well(world)
    order = [UPDATES.index(one) for one in world.updates]
    assert order == sorted(order), "no update of before comes again after a later one"
    assert set(order) == set(range(len(UPDATES)))


def test_an_idle_replica_proves_that_it_has_everything(world: World) -> None:
    """Without writers the lag is never 0; RDS's next own transaction ends the wait."""
    assert not world.run("catch-up")
    waited = world.now - (world.entry.failed or world.now)
    assert timedelta(minutes=1) < waited < timedelta(minutes=7)


def test_an_operator_whose_clock_is_behind(world: World) -> None:
    """What RDS measured before the end of the last writer proves nothing, whatever it is here."""
    world.clock.behind = timedelta(minutes=4)
    world.entry = world.entry.model_copy(update={"declared": BEGAN - timedelta(minutes=4)})
    ended = list[datetime]()
    world.after_update = lambda _update: ended.append(world.now)
    assert not world.run("fence")
    assert world.entry.failed is not None
    assert world.entry.failed >= ended[-1]


def test_nothing_may_be_lost(world: World) -> None:
    """A replica that receives nothing more refuses, though its last value was 0."""

    def cut(update: Update) -> None:
        if update[:2] == ("dr", "fenced"):
            world.cut_since = world.now - timedelta(seconds=1)

    world.after_update = cut
    with pytest.raises(Refused, match="nothing may be lost") as refusal:
        world.run()
    assert "arca dr failback --stack prod --from dr --abort" in refusal.value.do
    assert world.phases == {"prod": "following", "dr": "fenced"}
    world.cut_since, world.after_update = None, lambda _update: None
    assert world.run()


@pytest.mark.parametrize("done", ["fence", "catch-up"])
def test_writers_that_came_back_are_stopped_again(world: World, done: PhaseName) -> None:
    """A person let dr serve in between: what it wrote then arrives before the promotion."""
    assert not world.run(done)
    world.phases["dr"], world.tasks["dr"] = "active", 2
    world.now += timedelta(hours=8)
    wrote = world.now
    assert not world.run("promote")
    assert world.tasks["dr"] == 0
    assert world.entry.failed is not None
    assert world.entry.failed >= wrote
    assert [one[:2] for one in world.updates].count(("dr", "fenced")) == 2


@pytest.mark.parametrize(
    ("done", "refused"), [("promote", "activate"), ("activate", "smoke"), ("smoke", "switch")]
)
def test_two_ledgers_are_refused(world: World, done: PhaseName, refused: PhaseName) -> None:
    """Dr serves again after prod's promotion: nobody is moved away from it."""
    assert not world.run(done)
    world.phases["dr"], world.tasks["dr"] = "active", 2
    before = len(world.updates)
    with pytest.raises(Refused, match="two ledgers"):
        world.run(refused)
    assert len(world.updates) == before
    assert world.inverted


def test_a_replica_that_somebody_else_promoted(world: World) -> None:
    """Nothing proves what it has, so it is not activated."""
    assert not world.run("rebuild")
    world.promoted = True
    with pytest.raises(Refused, match="has not promoted it"):
        world.run()
    assert world.phases["prod"] == "following"


def test_a_replica_that_never_comes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dr goes on serving, and the error says what to look at."""
    seen = ask.replica

    def creating(stack: Stack, now: datetime) -> Replica:
        found = seen(stack, now)
        if stack.name == "dr":
            return found
        return Replica("arca-prod-2", "creating", follows=True, lag_seconds=None)

    monkeypatch.setattr(ask, "replica", creating)
    with pytest.raises(ArcaError, match="is creating after 14400 s") as failure:
        world.run()
    assert world.phases["dr"] == "active"
    assert "`arca dr failback --stack prod --from dr --resume`" in failure.value.do


@pytest.mark.parametrize("done", ["declare", "compare", "rebuild", "fence", "catch-up", "promote"])
def test_dr_serves_again(world: World, done: PhaseName) -> None:
    """Until prod's tasks may write, one call gives the customers back, and another one goes on."""
    assert not world.run(done)
    fenced = world.phases["dr"] == "fenced"
    assert "served by dr" in world.failback().abort()
    assert (world.phases["dr"], world.tasks["dr"], world.inverted) == ("active", 2, True)
    # A stack that was not fenced gets no deployment.
    assert world.deployed == (["dr"] if fenced else [])
    promoted = done == "promote"
    if promoted:
        assert world.updates[-1] == ("prod", "fenced", SERVES)
    world.entry = world.entry.model_copy(
        update={"phases": (), "begun": None, "generation": None, "standby_generation": None}
    )
    assert world.run()
    ended_well(world)
    # Only a database that is no replica any more needs another number.
    assert world.generations["prod"] == (3 if promoted else 2)


@pytest.mark.parametrize("done", ["activate", "switch", "verify"])
def test_what_prod_may_have_written_is_kept(world: World, done: PhaseName) -> None:
    """From `activate` on a person decides between two ledgers."""
    assert not world.run(done)
    before = len(world.updates)
    with pytest.raises(Refused, match="may have written"):
        world.failback().abort()
    assert len(world.updates) == before
