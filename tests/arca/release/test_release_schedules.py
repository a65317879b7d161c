"""Whatever goes wrong, in whatever order: the verdict is what the emulated service runs."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from arca.errors import ArcaError
from arca.release.service import EcsDeployment
from arca.release.verdict import ReleaseOutcome, Verdict
from tests.arca.emulator.ecs.emulated_ecs import ALARMS, CLUSTER, SERVICE
from tests.arca.release.stage import URL, Stage

ASKED = os.environ.get("ARCA_SCHEDULES")
"""How many of each strategy, at random; without it the same ones in every run."""


EXAMPLES = int(ASKED or 50)
"""Of each of the four strategies: two hundred in all."""


FEW = 2
"""Of each, in `make test`."""


OFTEN = settings(
    deadline=None,
    derandomize=ASKED is None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


IMAGE = f"{URL}:2"


STAGES = st.sampled_from(
    (
        "RECONCILE_SERVICE",
        "PRE_SCALE_UP",
        "SCALE_UP",
        "TEST_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
        "BAKE_TIME",
        "CLEAN_UP",
    )
)


def fault(name: str, **details: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return a fault whose details are drawn."""
    return st.fixed_dictionaries({"fault": st.just(name), **details})


IMAGES = st.sampled_from((IMAGE, IMAGE, f"{URL}:1"))


FAULTS = st.lists(
    st.one_of(
        fault("image-missing", image=IMAGES),
        fault(
            "exits",
            image=IMAGES,
            code=st.integers(0, 255),
            of=st.sampled_from(("service", "run-task")),
        ),
        fault("unhealthy", image=IMAGES),
        fault("alarm-at", percent=st.floats(1, 100)),
        fault("hook-refuses", stage=STAGES),
        fault("throttle", calls=st.integers(1, 60)),
        fault("stall", stage=STAGES),
        fault("rollback-stalls"),
        fault("rollback-fails"),
    ),
    max_size=3,
)


MEDDLING = (
    "alarm",
    "stop",
    "abort",
    "promote",
    "scale",
    "replace",
    "same again",
    "kill a task",
    "turn the rule",
)


WHEN = st.lists(st.tuples(st.integers(0, 15), st.sampled_from(MEDDLING)), max_size=2)
"""What somebody else does when the release has looked so many times."""


LAST = st.sampled_from((None, "replace", "same again", "turn the rule"))
"""What somebody does between the deployment's end and the verdict."""


OPTIONS = st.fixed_dictionaries(
    {
        "hold": st.booleans(),
        "migrate": st.booleans(),
        "override": st.sampled_from(((), ("alarms",))),
    }
)


def meddle(stage: Stage, what: str, deployment: EcsDeployment) -> None:
    """Do something beside the release; what ECS refuses did not happen."""
    ecs, service = stage.client("ecs"), {"cluster": CLUSTER, "service": SERVICE}
    try:
        match what:
            case "alarm":
                stage.cloud.alarm("ALARM", ALARMS[1])
            case "stop" | "abort":
                kind = "ROLLBACK" if what == "stop" else "ABORT"
                ecs.stop_service_deployment(serviceDeploymentArn=deployment.arn, stopType=kind)
            case "promote":
                ecs.continue_service_deployment(
                    serviceDeploymentArn=deployment.arn, hookId=str(deployment.paused_hook)
                )
            case "scale":
                ecs.update_service(**service, desiredCount=3)
            case "replace":
                ecs.update_service(**service, taskDefinition=stage.cloud.register(f"{URL}:3"))
            case "same again":
                ecs.update_service(**service, forceNewDeployment=True)
            case "turn the rule":
                stage.turn_the_rule()
            case _:
                task = stage.cloud.tasks()[0]["taskArn"]
                ecs.stop_task(cluster=CLUSTER, task=task, reason="somebody")
    except (ClientError, IndexError):
        return


def truthful(stage: Stage, outcome: ReleaseOutcome) -> None:
    """Compare a verdict with the load balancer, the tasks, and ECS's status."""
    traffic, tasks = stage.serves()
    status = stage.cloud.deployment(outcome.deployment)["status"] if outcome.deployment else ""
    note(f"{outcome.verdict}: {outcome.reason}; {traffic=} {tasks=} {status=}")
    target = str(outcome.task_definition).rpartition("/")[2]
    if outcome.runs is not None:
        assert traffic == {outcome.runs.rpartition("/")[2]}
    match outcome.verdict:
        case Verdict.LIVE:
            assert traffic == tasks == {target}
            assert status == "SUCCESSFUL"
        case Verdict.ROLLED_BACK:
            # An adopted successor goes back to what it found, which may be the release's own.
            assert traffic == tasks
            assert traffic == {"api:1"} or (traffic, target) == ({"api:2"}, "api:3")
            assert status == "ROLLBACK_SUCCESSFUL"
        case Verdict.FAILED | Verdict.REFUSED:
            assert traffic == {"api:1"}
            assert status in ("", "STOPPED")
        case Verdict.ROLLBACK_FAILED:
            assert status == "ROLLBACK_FAILED"
        case _:
            assert (status, traffic, tasks) not in (
                ("SUCCESSFUL", {target}, {target}),
                ("ROLLBACK_SUCCESSFUL", {"api:1"}, {"api:1"}),
            )


def end(stage: Stage, go: Callable[[], ReleaseOutcome]) -> ReleaseOutcome | None:
    """Check how a release ended; None where AWS could not be asked."""
    try:
        outcome = go()
    except ArcaError as error:
        unthrottle(stage)
        note(f"error {error.exit_code}: {error}")
        if error.exit_code != 5:
            assert stage.serves()[0] == {"api:1"}
            assert stage.journal is None
        return None
    unthrottle(stage)
    truthful(stage, outcome)
    return outcome


def unthrottle(stage: Stage) -> None:
    """End the throttling so that the test can look, and keep the other faults."""
    _, asked = stage.cloud.control("GET", "/arca/faults")
    left = [one for one in asked["faults"] if one["fault"] != "throttle"]
    if left != asked["faults"]:
        stage.cloud.control("PUT", "/arca/faults", left)


SCHEDULE = given(faults=FAULTS, when=WHEN, last=LAST, options=OPTIONS)


STRATEGIES = pytest.mark.parametrize("strategy", ["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"])


@STRATEGIES
@SCHEDULE
@settings(OFTEN, max_examples=FEW)
def test_no_verdict_differs_from_what_runs(strategy: str, **schedule: Any) -> None:
    """No verdict differs from what runs, whatever fails and whoever meddles."""
    holds(strategy, **schedule)


@pytest.mark.slow
@STRATEGIES
@SCHEDULE
@settings(OFTEN, max_examples=EXAMPLES)
def test_none_of_two_hundred_verdicts_differs(strategy: str, **schedule: Any) -> None:
    """No verdict differs in two hundred schedules."""
    holds(strategy, **schedule)


def holds(
    strategy: str,
    *,
    faults: list[dict[str, Any]],
    when: list[tuple[int, str]],
    last: str | None,
    options: dict[str, Any],
) -> None:
    """Run one schedule: a release with faults, then its resumption without them."""
    with pytest.MonkeyPatch.context() as patch:
        stage = Stage(patch, strategy=strategy)
        stage.push("2")
        stage.push("3")
        stage.cloud.control("PUT", "/arca/faults", faults)
        looks = 0
        at_the_end = [last] if last is not None else []

        def watch(deployment: EcsDeployment) -> None:
            nonlocal looks
            for moment, what in when:
                if moment == looks:
                    meddle(stage, what, deployment)
            looks += 1
            if at_the_end and not deployment.under_way:
                meddle(stage, at_the_end.pop(), deployment)
                stage.cloud.advance(4)

        release = stage.release(watch=watch, reason="r", timeout=timedelta(minutes=60), **options)
        outcome = end(stage, lambda: release.deploy("2"))
        if stage.journal is None:
            return
        assert outcome is None or outcome.verdict is Verdict.UNKNOWN
        stage.cloud.control("DELETE", "/arca/faults")
        stage.cloud.alarm("OK", ALARMS[0])
        stage.abandon()
        end(stage, lambda: stage.release(timeout=timedelta(minutes=60)).resume())
