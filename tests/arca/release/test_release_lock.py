"""The lock during a release: a second operator, a long step, a user without a name."""

import getpass
from datetime import timedelta
from typing import NoReturn

import pytest

from arca.errors import Refused
from arca.release.journal import Journal
from arca.release.service import EcsDeployment
from arca.release.verdict import Verdict
from tests.arca.release.stage import Arca, Stage, printed_json


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
    Journal.begin(stage.stack, what="deploy", image="i", clock=stage.clock)
    result = arca("deploy", "2", "--json")
    said = printed_json(result)["error"]
    assert (said["exit_code"], isinstance(result.exception, Refused)) == (6, True)
    assert "Somebody else releases to prod" in said["what"]
    assert arca("deploy", "2").stdout == ""
