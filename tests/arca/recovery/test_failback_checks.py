"""What a fail-back refuses before it changes anything, and before it deletes a database."""

from collections.abc import Callable

import pytest

from arca.errors import Refused
from arca.recovery import failback_checks
from tests.arca.recovery.world import UPDATES, World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world after a failover."""
    return World(monkeypatch)


def failed_back(world: World) -> None:
    """Let the fail-back have ended before."""
    world.phases, world.inverted = {"prod": "active", "dr": "standby"}, False


def follows(world: World) -> None:
    """Let dr's database follow another one."""
    world.dr_follows = True


def missing(world: World) -> None:
    """Let dr's database be deleted."""
    world.status["dr"] = "missing"


def lever_back(world: World) -> None:
    """Let customers be sent to prod."""
    world.inverted = False


def no_lever(world: World) -> None:
    """Let nothing say where customers are sent."""
    world.lever = None


def sick(world: World) -> None:
    """Let customers get no good answer."""
    world.good = False


def promoting(world: World) -> None:
    """Let prod be half promoted, by no fail-back that anybody knows of."""
    world.phases["prod"] = "promoting"


CASES = [
    (failed_back, "dr is standby, and serves nobody"),
    (follows, "still follows another one"),
    (missing, "is missing"),
    (lever_back, "customers are sent to prod"),
    (no_lever, "prod has no lever"),
    (sick, "dr does not serve"),
]


@pytest.mark.parametrize(("wrong", "told"), [*CASES, (promoting, "prod is promoting")])
def test_prod_serves_or_may(world: World, wrong: Callable[[World], None], told: str) -> None:
    """A fail-back of a primary that serves would delete the only ledger."""
    wrong(world)
    with pytest.raises(Refused, match=told):
        failback_checks.require_dr_serves(world.scene())


@pytest.mark.parametrize(("wrong", "told"), CASES)
def test_no_database_is_deleted_then(
    world: World, wrong: Callable[[World], None], told: str
) -> None:
    """Days after `compare` it is looked at again, right before the old database is released."""
    assert not world.run("compare")
    wrong(world)
    world.phases["prod"] = "active" if wrong is no_lever else world.phases["prod"]
    with pytest.raises(Refused, match=told):
        world.run()
    assert world.updates == UPDATES[:1]


def test_a_fenced_primary_needs_no_lever(world: World) -> None:
    """Where a person changed the name, a fence says the same."""
    world.lever, world.phases["prod"] = None, "fenced"
    failback_checks.require_dr_serves(world.scene())


@pytest.mark.parametrize(("phase", "tasks"), [("active", 0), ("fenced", 1)])
def test_who_may_still_write_keeps_the_database(world: World, phase: str, tasks: int) -> None:
    """A database with a writer is not deleted."""
    world.phases["prod"], world.tasks["prod"] = phase, tasks
    with pytest.raises(Refused, match="may still write"):
        failback_checks.require_primary_is_fenced(world.scene())


def test_a_primary_that_came_back_to_serve_is_fenced_again(world: World) -> None:
    """Somebody let prod serve after `compare`."""
    assert not world.run("compare")
    world.phases["prod"], world.tasks["prod"] = "active", 2
    assert not world.run("rebuild")
    assert [one[1] for one in world.updates] == ["fenced", "fenced", "fenced", "following"]


@pytest.mark.parametrize(
    ("phase", "inverted", "good", "status", "told"),
    [
        ("fenced", False, True, "available", "prod is fenced, and serves nobody"),
        ("active", True, True, "available", "customers are sent to dr"),
        ("active", False, False, "available", "prod does not serve"),
        ("active", False, True, "missing", "arca-prod-2 is missing"),
    ],
)
def test_dr_keeps_its_data_until_prod_serves(
    world: World, phase: str, *, inverted: bool, good: bool, status: str, told: str
) -> None:
    """Clean-up deletes the only other database."""
    assert not world.run("verify")
    world.phases["prod"], world.inverted, world.good = phase, inverted, good
    world.status["prod"] = status
    with pytest.raises(Refused, match=told):
        world.run()
    assert world.phases["dr"] == "fenced"
    assert world.updates == UPDATES[:-2]


def test_dr_that_serves_again_is_not_cleaned_up(world: World) -> None:
    """A clean-up that does nothing is not done."""
    assert not world.run("verify")
    world.phases["dr"] = "active"
    with pytest.raises(Refused, match="dr is active: it may have invoices"):
        world.run()
    assert not world.entry.done("clean-up")


@pytest.mark.parametrize("given", [1, 3])
def test_another_generation_is_refused(world: World, given: int) -> None:
    """It would declare another database, and delete the one that follows."""
    with pytest.raises(Refused, match=f"generation 2, not {given}"):
        world.failback(given).run(until="verify")
    assert not world.run("rebuild")
    with pytest.raises(Refused, match=f"generation 2, not {given}"):
        world.failback(given).run(until="verify")
    assert world.updates == UPDATES[:3]
    assert not world.failback(2).run(until="verify")
