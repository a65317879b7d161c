"""What was deployed when."""

import pytest

from arca.release import history
from arca.release.verdict import Verdict
from tests.arca.emulator.ecs.emulated_ecs import CLUSTER, SERVICE, ended
from tests.arca.release.stage import Arca, Stage, released


def test_a_release_is_replaced_when_the_next_one_begins(stage: Stage, arca: Arca) -> None:
    """A release counts as replaced from the beginning of the next deployment, not from its end."""
    latest = released(stage, arca)
    assert latest.finished is not None
    assert latest.finished > latest.created
    now, before = history.read_history(stage.service(), most=5)
    assert (now.replaced, before.replaced) == (None, latest.created)


def test_a_release_of_long_ago_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The release before the present one is found behind pages of repeated deployments."""
    stage = Stage(monkeypatch, strategy="ROLLING")
    stage.push("2")
    assert stage.release(migrate=False).deploy("2").verdict is Verdict.LIVE
    for _ in range(21):
        stage.client("ecs").update_service(
            cluster=CLUSTER, service=SERVICE, forceNewDeployment=True
        )
        stage.cloud.until(ended, minutes=200, step=5)
    service = stage.service()
    assert len(service.deployments()) == 20
    assert len(service.deployments(most=1000)) == 23
    assert history.previous_release(service).tag.endswith(":1")
    assert history.named_release(service, "1").tag.endswith(":1")


def test_all_tasks_are_read(stage: Stage) -> None:
    """A service of more tasks than one call describes is read whole."""
    stage.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, desiredCount=104)
    stage.cloud.advance(60)
    assert len(stage.service().tasks()) == 104
