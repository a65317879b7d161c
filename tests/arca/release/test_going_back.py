"""What a rollback is judged by, what `arca stop` leaves, and what Ctrl-C says."""

from datetime import timedelta
from typing import Any

import pytest
from click.testing import Result

from arca.release import history
from arca.release.service import EcsDeployment
from arca.release.steps import Interrupted
from tests.arca.release.stage import URL, Arca, Stage
from tests.arca.release.test_commands import told
from tests.arca.release.test_rollback import applied


def interrupted(stage: Stage, arca: Arca) -> Result:
    """Press Ctrl-C while the new release takes a part of the traffic."""
    pressed: list[Any] = []

    def press(call: str) -> None:
        shares = stage.cloud.weights() if call == "ecs.describe_service_deployments" else (0, 0)
        if min(shares) and not pressed:
            pressed.append(call)
            raise KeyboardInterrupt

    stage.before = press
    result = arca("deploy", "2", "--skip-migrations")
    stage.before = lambda _call: None
    assert pressed
    return result


def test_ctrl_c_has_an_exit_code_of_its_own(stage: Stage, arca: Arca) -> None:
    """Neither a success nor a failure: it goes on, and who follows it is told how."""
    result = interrupted(stage, arca)
    assert result.exit_code == 130
    assert "arca deploy --resume --stack prod" in result.stderr
    assert stage.cloud.deployment()["status"] == "IN_PROGRESS"


def test_stop_closes_the_journal_of_what_it_stopped(stage: Stage, arca: Arca) -> None:
    """Whoever was interrupted does not come back to it: the next release may begin."""
    interrupted(stage, arca)
    assert stage.journal is not None
    assert arca("stop", "--yes").exit_code == 3
    assert stage.journal is None
    stage.push("3")
    assert arca("deploy", "3", "--skip-migrations").exit_code == 0


def test_a_dry_rollback_names_what_it_would_stop(stage: Stage, arca: Arca) -> None:
    """A deployment under way is stopped; where it leads is what ran before it."""
    arca("deploy", "2", "--skip-migrations")
    stage.cloud.deploy(stage.push("3"))
    stage.cloud.until(lambda found: found.get("lifecycleHookDetails"))
    under_way = stage.cloud.deployment()["serviceDeploymentArn"].rpartition("/")[2]
    plan = told(arca("rollback", "--dry-run", "--json"))
    assert (plan["stops"], plan["to"], plan["image"]) == (under_way, "api:2", f"{URL}:2")
    assert f"Would stop {under_way} and go back to api:2" in arca("rollback", "--dry-run").stdout
    assert stage.cloud.deployment()["status"] == "IN_PROGRESS"


def released(stage: Stage, arca: Arca) -> EcsDeployment:
    """Release 2, some time after the stack came up; the deployment of it."""
    stage.cloud.advance(60)
    assert arca("deploy", "2", "--skip-migrations").exit_code == 0
    return stage.service().deployments(most=1)[0]


def test_a_release_is_replaced_when_the_next_one_begins(stage: Stage, arca: Arca) -> None:
    """Not when that one ends: between the two it shares the traffic already."""
    latest = released(stage, arca)
    assert latest.finished is not None
    assert latest.finished > latest.created
    now, before = history.read(stage.service(), most=5)
    assert (now.replaced, before.replaced) == (None, latest.created)


@pytest.mark.parametrize(
    ("minutes", "code"), [(-30, 0), (1, 6)], ids=["before it was replaced", "while it was"]
)
def test_the_moment_of_a_contract_counts(stage: Stage, arca: Arca, minutes: int, code: int) -> None:
    """One from before the release was replaced was there while it served, and hurts nobody."""
    moment = released(stage, arca).created + timedelta(minutes=minutes)
    line = applied("0007", "contract", moment.isoformat())
    command = ["sh", "-c", f"echo '{line}'"]
    stage.cloud.control("PUT", "/arca/images", {"image": f"{URL}:2", "command": command})
    result = arca("rollback", "--json")
    assert result.exit_code == code, result.output
    assert stage.serves()[0] == ({"api:2"} if code else {"api:1"})


def test_ctrl_c_of_a_release_is_told_from_others(stage: Stage) -> None:
    """Its own exception: that something goes on must not be lost on the way."""

    def press(_deployment: EcsDeployment) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        stage.release(watch=press, migrate=False).deploy("2")
