"""A deployment of somebody else takes the place of the release's own."""

from collections.abc import Callable

import pytest

from arca.release.service import EcsDeployment, short
from arca.release.verdict import Verdict
from tests.arca.emulator.ecs.emulated_ecs import CLUSTER, SERVICE
from tests.arca.release.stage import URL, Arca, Stage, printed_json


def at_ten_percent(do: Callable[[], None]) -> Callable[[EcsDeployment], None]:
    """Return a watcher that does something once, when a tenth of the traffic has moved."""
    left = [do]

    def watch(deployment: EcsDeployment) -> None:
        if left and deployment.target.production_percent == 10:
            left.pop()()

    return watch


def force(stage: Stage) -> None:
    """Force a new deployment, as somebody does in the console."""
    stage.client("ecs").update_service(cluster=CLUSTER, service=SERVICE, forceNewDeployment=True)


def test_a_successor_of_the_same_revision_is_followed(stage: Stage) -> None:
    """Somebody forces a deployment of what is being released: the release follows it."""
    outcome = stage.release(watch=at_ten_percent(lambda: force(stage))).deploy("2")
    assert outcome.verdict is Verdict.LIVE
    newest, replaced, _ = stage.service().deployments()
    assert outcome.deployment == newest.arn
    assert replaced.status == "STOPPED"
    said = f"{short(replaced.arn)} was replaced by {short(newest.arn)} of the same revision"
    assert said in stage.said
    assert stage.serves() == ({"api:2"}, {"api:2"})
    assert stage.journal is None


@pytest.mark.parametrize("looks", [1, 3])
def test_a_successor_of_another_revision_is_named(stage: Stage, arca: Arca, looks: int) -> None:
    """Whenever it comes: exit code 5, its image, and the offer to follow it, which is kept."""
    stage.push("3")
    seen: list[EcsDeployment] = []

    def watch(deployment: EcsDeployment) -> None:
        seen.append(deployment)
        if len(seen) == looks:
            stage.cloud.deploy(f"{URL}:3")

    outcome = stage.release(watch=watch).deploy("2")
    assert outcome.verdict is Verdict.UNKNOWN
    newest = stage.service().deployments(most=1)[0]
    assert f"{short(newest.arn)} of api:3 ({URL}:3) has taken its place: it is " in outcome.reason
    assert outcome.reason.endswith("`arca deploy --resume` follows the successor")
    planned = printed_json(arca("deploy", "--resume", "--dry-run", "--json"))
    assert (planned["what"], planned["id"]) == ("follow", short(newest.arn))
    found = printed_json(arca("deploy", "--resume", "--json"))
    assert (found["verdict"], found["image"]) == ("live", f"{URL}:3")
    assert "ecs.continue_service_deployment" in stage.calls
    assert stage.serves() == ({"api:3"}, {"api:3"})
    assert stage.journal is None


@pytest.mark.parametrize(
    ("image", "verdict"),
    [(f"{URL}:3", Verdict.ANOTHER_SERVES), (f"{URL}:1", Verdict.ROLLED_BACK)],
)
def test_a_successor_that_has_ended(stage: Stage, image: str, verdict: Verdict) -> None:
    """Where the successor has ended too, the verdict is what serves then."""
    stage.push("3")

    def replace() -> None:
        definition = "api:1" if image == f"{URL}:1" else stage.cloud.register(image)
        ecs = stage.client("ecs")
        ecs.update_service(cluster=CLUSTER, service=SERVICE, taskDefinition=definition)
        found = stage.cloud.until(lambda one: one.get("lifecycleHookDetails"))
        stage.client("ecs").continue_service_deployment(
            serviceDeploymentArn=found["serviceDeploymentArn"],
            hookId=found["lifecycleHookDetails"][0]["hookId"],
        )
        stage.cloud.until(lambda one: one["status"] == "SUCCESSFUL")

    outcome = stage.release(watch=at_ten_percent(replace)).deploy("2")
    assert outcome.verdict is verdict
    assert "has taken its place" in outcome.reason
    assert stage.journal is None
