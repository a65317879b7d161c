"""`arca rollback`: to the release of before, and where that is refused."""

import json

import pytest

from tests.ops.release.stage import URL, Stage
from tests.ops.release.test_commands import Arca, arca, stage, told

__all__ = ["arca", "stage"]


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
