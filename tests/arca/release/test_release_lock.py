"""The lock during a release: a second operator, a long step, a user without a name."""

import getpass
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from botocore.exceptions import EndpointConnectionError

from arca.errors import Refused
from arca.release import held_lock
from arca.release.held_lock import UnreadableJournal
from arca.release.journal import Journal
from arca.release.service import EcsDeployment
from arca.release.steps import LockLost
from arca.release.verdict import Verdict
from tests.arca.release.failing import Killed, press_after
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
    assert shown.endswith(
        "UTC: `arca deploy --resume --stack prod` goes on with it, and `arca stop --stack prod` "
        "gives it up"
    )
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


def test_a_run_without_the_lock_asks_ecs_for_nothing(stage: Stage) -> None:
    """During an outage the lock was freed and another release went live: this one stops."""
    cut = {"network": False}

    def lose(call: str) -> None:
        if call == "ecs.update_service":
            cut["network"] = True
        if cut["network"]:
            raise EndpointConnectionError(endpoint_url="https://aws")

    def back(line: str) -> None:
        if "trying again" in line and cut["network"]:
            cut["network"] = False
            stage.before = lambda _call: None
            held_lock.delete(stage.stack)

    stage.before = lose
    logger = logging.getLogger("arca.release.outage")
    handler = Lines(back)
    logger.addHandler(handler)
    try:
        with pytest.raises(LockLost):
            stage.release(migrate=False).deploy("2")
    finally:
        logger.removeHandler(handler)
    assert stage.serves() == ({"api:1"}, {"api:1"})
    assert len(stage.service().deployments()) == 1


class Lines(logging.Handler):
    """Passes each line of a logger on."""

    def __init__(self, to: Callable[[str], None]) -> None:
        super().__init__()
        self._to = to

    def emit(self, record: logging.LogRecord) -> None:
        """Pass the line on."""
        self._to(record.getMessage())


def test_a_second_rollback_does_not_undo_the_first(stage: Stage, arca: Arca) -> None:
    """Stopping a rollback under way would bring the bad release back: it is refused."""
    arca("deploy", "2")
    stage.cloud.fault("stall", stage="SCALE_UP")
    seconds: list[Any] = []

    def second(call: str) -> None:
        held = stage.journal
        if call == "ecs.describe_service_deployments" and held and held["step"] == "following":
            stage.after = lambda _call: None
            seconds.append(arca("rollback"))
            stage.cloud.control("DELETE", "/arca/faults")

    stage.after = second
    assert printed_json(arca("rollback", "--json", "--timeout", "30m"))["verdict"] != "rolled back"
    assert isinstance(seconds[0].exception, Refused)
    assert "A rollback to api:1 is under way" in str(seconds[0].exception)


def test_ctrl_c_in_the_first_write_leaves_no_lock(stage: Stage, arca: Arca) -> None:
    """The reply to the first write never came: the lock is given back at once."""
    press_after(stage, "ssm.put_parameter")
    with pytest.raises(KeyboardInterrupt):
        stage.release().deploy("2")
    assert stage.journal is None
    assert printed_json(arca("deploy", "2", "--json"))["verdict"] == "live"


def test_whoever_lost_the_lock_leaves_its_heirs_migration(stage: Stage, tmp_path: Path) -> None:
    """The run that took over follows the same task, which must not be stopped under it."""
    command = ["sh", "-c", f"until [ -e {tmp_path}/go ]; do sleep 0.05; done", "sh"]
    stage.cloud.control("PUT", "/arca/images", {"image": f"{URL}:2", "command": command})

    def freed(call: str) -> None:
        if call == "ecs.run_task":
            held_lock.delete(stage.stack)

    stage.after = freed
    with pytest.raises(LockLost):
        stage.release(timeout=timedelta(days=2)).deploy("2")
    (tmp_path / "go").touch()
    assert "ecs.stop_task" not in stage.calls


def test_a_deployment_that_began_during_the_migrations(stage: Stage) -> None:
    """The gate was open minutes ago; what somebody began since is not replaced."""
    stage.push("3")

    def begin(call: str) -> None:
        if call == "ecs.run_task":
            stage.after = lambda _call: None
            stage.cloud.deploy(f"{URL}:3")

    stage.after = begin
    outcome = stage.release().deploy("2")
    assert (outcome.verdict, outcome.exit_code) == (Verdict.FAILED, 1)
    assert f"({URL}:3) was begun meanwhile" in outcome.reason
    assert stage.calls.count("ecs.update_service") == 0
    assert stage.journal is None
