"""`arca rollback`: to the release of before, and where that is refused."""

import json

import pytest
from click.testing import Result

from arca.errors import Refused
from tests.arca.release.stage import URL, Arca, Stage
from tests.arca.release.test_commands import told


def test_rollback_to_the_release_of_before(stage: Stage, arca: Arca) -> None:
    """Dry first; then it is deployed again, and serves."""
    arca("deploy", "2")
    plan = told(arca("rollback", "--dry-run", "--json"))
    assert (plan["stops"], plan["to"], plan["image"]) == (None, "api:1", f"{URL}:1")
    assert stage.serves()[0] == {"api:2"}
    result = arca("rollback", "--json")
    assert (result.exit_code, told(result)["verdict"]) == (0, "live")
    assert stage.serves() == ({"api:1"}, {"api:1"})
    assert stage.journal is None


def test_rollback_where_there_is_nothing_to_go_back_to(arca: Arca) -> None:
    """One clear error."""
    result = arca("rollback")
    assert result.exit_code == 1
    assert "There is nothing to roll back to" in str(result.exception)


def refused(result: Result) -> str:
    """What is said where nothing was done, with exit code 6."""
    assert isinstance(result.exception, Refused), result.output
    return str(result.exception)


def test_rollback_twice_is_not_once_too_far(stage: Stage, arca: Arca) -> None:
    """The second would bring back what the first took away; by its name it may come."""
    arca("deploy", "2")
    assert arca("rollback").exit_code == 0
    for words in (("rollback", "--dry-run"), ("rollback",)):
        assert "already: the latest deployment was a rollback" in refused(arca(*words))
    assert stage.serves()[0] == {"api:1"}
    assert told(arca("rollback", "--to", "api:2", "--json"))["verdict"] == "live"
    assert stage.serves() == ({"api:2"}, {"api:2"})


def test_rollback_after_one_that_came_by_itself(stage: Stage, arca: Arca) -> None:
    """What was live before serves already."""
    arca("deploy", "2")
    stage.cloud.fault("exits", image=stage.push("3"), code=1)
    assert arca("deploy", "3").exit_code == 3
    text = refused(arca("rollback"))
    assert "was rolled back by ECS" in text
    assert "of arca-test-api:3" in text
    assert stage.serves()[0] == {"api:2"}


def test_rollback_after_one_that_failed(stage: Stage, arca: Arca) -> None:
    """To what the failed deployment came from, and not to the release before that."""
    arca("deploy", "2")
    stage.push("3")
    stage.cloud.fault("alarm-at", percent=10)
    stage.cloud.fault("rollback-fails")
    assert arca("deploy", "3").exit_code == 4
    stage.cloud.control("DELETE", "/arca/faults")
    plan = told(arca("rollback", "--dry-run", "--json"))
    assert (plan["stops"], plan["to"]) == (None, "api:2")
    result = arca("rollback", "--json")
    assert (result.exit_code, told(result)["verdict"]) == (0, "live"), result.output
    assert stage.serves() == ({"api:2"}, {"api:2"})


def test_a_revision_that_was_never_live(stage: Stage, arca: Arca) -> None:
    """Those that were are named."""
    stage.cloud.fault("exits", image=f"{URL}:2", code=1)
    arca("deploy", "2")
    text = str(arca("rollback", "--to", "api:2").exception)
    assert "'api:2' is not a release that was live" in text
    assert "wanted: one of api:1 (arca-test-api:1)" in text


def test_a_named_revision_while_a_deployment_is_under_way(stage: Stage, arca: Arca) -> None:
    """Stopping leads to what ran before, which need not be it."""
    stage.cloud.deploy(f"{URL}:2")
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    for words in (("rollback", "--to", "api:1", "--dry-run"), ("rollback", "--to", "api:1")):
        assert "stop it first: `arca stop" in refused(arca(*words))
    assert stage.cloud.deployment()["status"] == "IN_PROGRESS"


def applied(revision: str, phase: str, moment: str) -> str:
    """What the migration task prints of what was applied."""
    one = {"revision": revision, "phase": phase, "release": "2", "applied_at": moment,
           "seconds": 1.0}  # fmt: skip # one line of the log
    return json.dumps({"event": "migration.history", "applied": [one]})


def test_rollback_where_the_history_cannot_be_read(stage: Stage, arca: Arca) -> None:
    """Nobody knows what was dropped: refused."""
    arca("deploy", "2")
    command = ["sh", "-c", 'echo \'{"event": "migration.history", "applied": [{}]}\'']
    stage.cloud.control("PUT", "/arca/images", {"image": f"{URL}:2", "command": command})
    result = arca("rollback", "--json")
    assert result.exit_code == 6
    assert "the applied migrations are unknown" in told(result)["reason"]


@pytest.mark.parametrize(("phase", "code"), [("contract", 6), ("expand", 0)])
def test_rollback_after_a_contract(stage: Stage, arca: Arca, phase: str, code: int) -> None:
    """Refused, with what to do, unless a person answers for it."""
    arca("deploy", "2")
    line = applied("0007", phase, stage.clock.now().isoformat())
    command = ["sh", "-c", f"echo '{line}'"]
    stage.cloud.control("PUT", "/arca/images", {"image": f"{URL}:2", "command": command})
    result = arca("rollback", "--json")
    assert result.exit_code == code, result.output
    if code == 6:
        assert "0007" in told(result)["reason"]
        assert stage.serves()[0] == {"api:2"}
        result = arca("rollback", "--contract-ran", "--reason", "tried in staging", "--json")
        assert result.exit_code == 0
    assert stage.serves()[0] == {"api:1"}
