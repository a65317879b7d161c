"""The lock during a release: a second operator, a long step, a user without a name."""

import getpass
from datetime import timedelta
from typing import NoReturn

import pytest

from arca.errors import Refused
from arca.release import held_lock
from arca.release.held_lock import UnreadableJournal
from arca.release.journal import Journal
from arca.release.service import EcsDeployment
from arca.release.steps import LockLost
from arca.release.verdict import Verdict
from tests.arca.release.failing import Killed
from tests.arca.release.stage import JOURNAL, URL, Arca, Stage, printed_json


def test_the_second_operator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second operator is refused with the holder's name at any moment of the release."""
    stage = Stage(monkeypatch)
    stage.push("2")
    stage.push("3")
    refusals: list[str] = []

    def second(_deployment: EcsDeployment) -> None:
        for attempt in (lambda: stage.release().deploy("3"), stage.release().resume):
            with pytest.raises(Refused) as refused:
                attempt()
            assert refused.value.exit_code == 6
            refusals.append(str(refused.value))

    outcome = stage.release(watch=second).deploy("2")
    assert outcome.verdict is Verdict.LIVE
    assert stage.serves() == ({"api:2"}, {"api:2"})
    assert len(refusals) >= 8
    assert all("deploy of" in text and "api:2, step following" in text for text in refusals)
    assert stage.calls.count("ecs.update_service") == 1


def test_a_release_that_waits_long_is_not_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal gets heartbeats during every long wait."""
    stage = Stage(monkeypatch)
    stage.push("2")
    silences: list[timedelta] = []

    def look(call: str) -> None:
        held = stage.journal
        if held is not None and call in ("ecs.describe_tasks", "ecs.describe_service_deployments"):
            from datetime import datetime

            silences.append(stage.clock.now() - datetime.fromisoformat(held["beat"]))

    stage.before = look
    stage.release().deploy("2")
    # One sleep of a command is three simulated minutes here.
    assert max(silences) <= timedelta(minutes=3)


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("no name")])
def test_a_user_without_a_name(
    stage: Stage, arca: Arca, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process whose user has no name, as in a container, can hold the lock."""

    def getuser() -> NoReturn:
        raise error

    monkeypatch.setattr(getpass, "getuser", getuser)
    seen: list[str] = []
    stage.release(watch=lambda _found: seen.append(stage.journal["owner"])).deploy("2")  # type: ignore[index]
    assert seen[0].startswith("uid ")
    assert arca("status").exit_code == 0


def test_a_refusal_is_json_too(stage: Stage, arca: Arca) -> None:
    """With --json a refusal names the lock's holder on stdout."""
    held = Journal.begin(stage.stack, what="deploy", image="i", clock=stage.clock)
    result = arca("deploy", "2", "--json")
    said = printed_json(result)["error"]
    assert (said["exit_code"], isinstance(result.exception, Refused)) == (6, True)
    assert "Somebody else releases to prod" in said["what"]
    assert arca("deploy", "2").stdout == ""
    held.end()


def damage(stage: Stage) -> None:
    """Leave a journal that this version cannot read."""
    stage.client("ssm").put_parameter(Name=JOURNAL, Value='{"version": 9}', Type="String")


def test_an_unreadable_journal_disables_nothing(stage: Stage, arca: Arca) -> None:
    """`status` shows it, `stop` frees it after three minutes, and `rollback` at once."""
    arca("deploy", "2")
    damage(stage)
    shown = printed_json(arca("status", "--json"))
    assert shown["release"].startswith("unknown: This version cannot read the release's journal.")
    assert shown["revision"] == "api:2"
    stage.cloud.advance(3)
    assert isinstance(arca("stop").exception, UnreadableJournal)
    stage.cloud.advance(0.1)
    assert printed_json(arca("stop", "--json"))["journal_closed"] is True
    assert stage.client("ssm").get_parameters(Names=[JOURNAL])["Parameters"] == []
    damage(stage)
    assert printed_json(arca("rollback", "--json"))["verdict"] == "live"
    assert stage.serves() == ({"api:1"}, {"api:1"})


def test_a_rollback_takes_the_lock_of_a_dead_release(stage: Stage, arca: Arca) -> None:
    """Nobody waits for a dead lock in an outage; `status` says before that its holder is dead."""
    arca("deploy", "2")
    Journal.begin(stage.stack, what="deploy", image=f"{URL}:3", clock=stage.clock)
    stage.abandon()
    shown = printed_json(arca("status", "--json"))["release"]
    assert "step preflight; dead since " in shown
    assert shown.endswith("UTC: `arca stop --stack prod` frees it")
    assert printed_json(arca("rollback", "--json"))["verdict"] == "live"
    assert stage.serves() == ({"api:1"}, {"api:1"})
    assert stage.journal is None


def test_a_rollback_leaves_the_lock_of_a_living_release(stage: Stage, arca: Arca) -> None:
    """The lock of a process that lives is refused as always."""
    arca("deploy", "2")
    held = Journal.begin(stage.stack, what="deploy", image=f"{URL}:3", clock=stage.clock)
    result = arca("rollback")
    assert isinstance(result.exception, Refused)
    found = held_lock.read(stage.stack)
    assert found is not None
    assert found.entry == held.entry
    held.end()
    assert stage.serves()[0] == {"api:2"}


def test_a_release_that_lost_its_lock_is_no_refusal(stage: Stage, arca: Arca) -> None:
    """Exit code 6 means that nothing was done, and here a deployment goes on: it is 5."""

    def free(deployment: EcsDeployment) -> None:
        if deployment.stage == "PRODUCTION_TRAFFIC_SHIFT":
            held_lock.delete(stage.stack)

    with pytest.raises(LockLost, match="was freed by somebody else") as lost:
        stage.release(watch=free).deploy("2")
    assert lost.value.exit_code == 5
    assert printed_json(arca("deploy", "--resume", "--json"))["verdict"] == "live"
    assert stage.serves() == ({"api:2"}, {"api:2"})


def test_a_stop_leaves_the_lock_of_a_living_release(
    stage: Stage, arca: Arca, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The release that is stopped by another operator ends with its own verdict."""
    # It writes no heartbeat while the other command runs, in the same process here.
    monkeypatch.setattr(held_lock, "SILENCE_LIMIT", timedelta(days=1))
    stops: list[int] = []

    def stop(deployment: EcsDeployment) -> None:
        if deployment.stage == "PRODUCTION_TRAFFIC_SHIFT" and not stops:
            stops.append(arca("stop", "--yes").exit_code)
            assert stage.journal is not None

    outcome = stage.release(watch=stop).deploy("2")
    assert stops == [3]
    assert outcome.verdict is Verdict.ROLLED_BACK
    assert stage.journal is None


@pytest.mark.parametrize("label", ["ecs.update_service", "ecs.list_service_deployments"])
def test_a_stop_frees_the_lock_of_a_release_that_was_killed(
    stage: Stage, arca: Arca, label: str
) -> None:
    """Also where it was killed before it had noted its deployment."""
    asked: list[str] = []

    def kill(call: str) -> None:
        asked.append(call)
        if call == label and "ecs.update_service" in asked:
            raise Killed

    stage.after = kill
    with pytest.raises(Killed):
        stage.release().deploy("2")
    stage.after = lambda _call: None
    stage.abandon()
    stage.cloud.advance(1)
    assert arca("stop", "--yes").exit_code == 3
    assert stage.journal is None
