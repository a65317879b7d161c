"""`arca status`: what serves, what is under way, who releases."""

from typing import Any

import pytest

from arca.release.deployment import who_answers
from arca.release.journal import Journal
from arca.release.journal_entry import MIGRATION
from arca.release.service import EcsDeployment
from tests.arca.emulator.ecs.emulated_ecs import ALARMS
from tests.arca.release.stage import URL, Arca, Stage, printed_json


def test_status_and_history(stage: Stage, arca: Arca) -> None:
    """After a failed release both commands print what serves, why tasks failed, and the alarms."""
    stage.cloud.fault("image-missing", image=f"{URL}:2")
    arca("deploy", "2", "--skip-migrations")
    found = printed_json(arca("status", "--json"))
    assert (found["image"], found["revision"]) == (f"{URL}:1", "api:1")
    assert (found["running"], found["desired"], found["release"]) == (2, 2, None)
    assert found["deployment"]["status"] == "ROLLBACK_SUCCESSFUL"
    assert "CannotPullContainerError" in found["stop_reasons"][0]
    assert found["alarms"] == dict.fromkeys(ALARMS, "OK") or set(found["alarms"]) == {*ALARMS}
    person = arca("status").stdout
    assert "runs        api:1" in person
    assert "stopped     api: CannotPullContainerError" in person
    past = printed_json(arca("history", "--json"))["deployments"]
    assert [(one["status"], one["image"]) for one in past] == [
        ("ROLLBACK_SUCCESSFUL", f"{URL}:2"),
        ("SUCCESSFUL", f"{URL}:1"),
    ]
    assert "ROLLBACK" in arca("history", "--last", "1").stdout


def test_status_while_somebody_releases(stage: Stage, arca: Arca) -> None:
    """The status names who releases what, and the revisions that serve."""
    seen: list[Any] = []
    release = stage.release(
        watch=lambda _found: seen.append(printed_json(arca("status", "--json")))
    )
    release.deploy("2")
    assert all(f"deploy of {URL}:2 by" in one["release"] for one in seen)
    assert {"api:1", "api:1 and api:2", "api:2"} >= {one["revision"] for one in seen}


@pytest.mark.parametrize("hold", [False, True])
def test_a_pause_says_who_acts(stage: Stage, arca: Arca, *, hold: bool) -> None:
    """A living release answers the pause by itself, unless somebody asked it to hold."""
    seen: list[str | None] = []

    def watch(_found: EcsDeployment) -> None:
        latest = printed_json(arca("status", "--json"))["deployment"]
        assert (latest["pause"] is not None) == latest["paused"]
        seen.append(latest["pause"])

    stage.release(watch=watch, hold=hold, migrate=False).deploy("2")
    said = {text for text in seen if text is not None}
    assert len(said) == 1
    assert said.pop().startswith(
        "paused until a person answers: `arca promote"
        if hold
        else "paused: `arca` runs the smoke tests and goes on by itself"
    )


def test_a_migration_answers_no_pause(stage: Stage) -> None:
    """The lock of a migration says nothing about the deployment that waits."""
    held = Journal.begin(stage.stack, what=MIGRATION, image="x", clock=stage.clock)
    assert who_answers(stage.stack, held.entry) == who_answers(stage.stack, None)


def test_status_on_the_way(stage: Stage, arca: Arca) -> None:
    """At the pause the status names the old release and its image."""
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    found = printed_json(arca("status", "--json"))
    assert (found["revision"], found["image"]) == ("api:1", f"{URL}:1")
    asks = (
        "paused until a person answers: `arca promote --stack prod` moves production traffic, "
        "`arca stop --stack prod` rolls back"
    )
    assert found["deployment"]["pause"] == asks
    assert f"            {asks}\n" in arca("status").stdout
    assert stage.serves()[0] == {"api:1"}


def test_an_image_that_nobody_pushed(stage: Stage, arca: Arca) -> None:
    """The emulated account's own registry must hold it, as on AWS."""
    stage.cloud.deploy(f"{URL}:404")
    stage.cloud.advance(1)
    found = printed_json(arca("status", "--json"))
    assert f"CannotPullContainerError: pull image manifest: {URL}:404" in found["stop_reasons"][0]
