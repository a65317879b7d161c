"""The verdict follows from what runs, whatever ECS says."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arca.release.service import DEPLOYMENT_UNDER_WAY, EcsDeployment, EcsRevision
from arca.release.verdict import VERDICT_EXIT_CODES, Serving, Verdict, judge
from tests.arca.release.failing import denied
from tests.arca.release.stage import URL, Stage

NEW, OLD = "family:2", "family:1"


ENDED = ("SUCCESSFUL", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED", "STOPPED")


DEPLOYMENT = EcsDeployment(
    arn="arn:x/1",
    status="SUCCESSFUL",
    reason="",
    stage="CLEAN_UP",
    created=datetime(2026, 11, 24, tzinfo=UTC),
    finished=None,
    target=EcsRevision("arn:r/2", 3, 3, 0, 100.0, 100.0),
    sources=(),
    triggered_alarms=(),
    paused_hook=None,
)


def only(name: str) -> Serving:
    """Return the evidence that one task definition serves, and it alone runs."""
    return Serving(frozenset([name]), frozenset([name]))


BOTH = Serving(frozenset([NEW, OLD]), frozenset([NEW, OLD]))


@pytest.mark.parametrize(
    ("status", "found", "wanted"),
    [
        ("SUCCESSFUL", only(NEW), Verdict.LIVE),
        ("SUCCESSFUL", only(OLD), Verdict.UNKNOWN),
        ("SUCCESSFUL", BOTH, Verdict.UNKNOWN),
        ("SUCCESSFUL", Serving(frozenset([NEW]), frozenset([NEW, OLD])), Verdict.UNKNOWN),
        ("ROLLBACK_SUCCESSFUL", only(OLD), Verdict.ROLLED_BACK),
        ("ROLLBACK_SUCCESSFUL", only(NEW), Verdict.UNKNOWN),
        ("ROLLBACK_FAILED", only(OLD), Verdict.ROLLBACK_FAILED),
        ("STOPPED", only(OLD), Verdict.FAILED),
        ("STOPPED", only(NEW), Verdict.UNKNOWN),
        ("STOPPED", BOTH, Verdict.UNKNOWN),
        ("IN_PROGRESS", only(NEW), Verdict.UNKNOWN),
    ],
)
def test_words_and_facts(status: str, found: Serving, wanted: Verdict) -> None:
    """A rollback is never success, and a status without its evidence is unknown."""
    verdict, reason = judge(replace(DEPLOYMENT, status=status), found, target=NEW, source=OLD)
    assert verdict is wanted
    assert status in reason


NAMES = st.frozensets(st.sampled_from([NEW, OLD, "family:3"]))


@given(st.sampled_from([*ENDED, *DEPLOYMENT_UNDER_WAY]), NAMES, NAMES)
def test_a_verdict_never_says_more_than_what_runs(
    status: str, traffic: frozenset[str], running: frozenset[str]
) -> None:
    """LIVE needs the target alone to run, ROLLED_BACK and FAILED the source alone."""
    one = replace(DEPLOYMENT, status=status)
    verdict, _ = judge(one, Serving(traffic, running), target=NEW, source=OLD)
    if verdict is Verdict.LIVE:
        assert traffic == running == {NEW}
    if verdict in (Verdict.ROLLED_BACK, Verdict.FAILED):
        assert traffic == running == {OLD}


def test_every_verdict_has_an_exit_code_of_its_own() -> None:
    """Each verdict has an exit code of its own, and none has click's 2."""
    assert set(VERDICT_EXIT_CODES) == set(Verdict)
    assert len(set(VERDICT_EXIT_CODES.values())) == len(VERDICT_EXIT_CODES)
    assert 2 not in VERDICT_EXIT_CODES.values()


def test_traffic_that_goes_elsewhere(stage: Stage) -> None:
    """SUCCESSFUL is unknown where the rule sends customers to no task."""

    def turn(deployment: EcsDeployment) -> None:
        if not deployment.under_way:
            stage.turn_the_rule()

    outcome = stage.release(watch=turn).deploy("2")
    assert (outcome.verdict, outcome.runs) == (Verdict.UNKNOWN, None)
    assert "ECS says SUCCESSFUL, and nothing serves" in outcome.reason
    assert stage.journal is not None


def test_a_target_that_is_no_task(stage: Stage) -> None:
    """A target that is no task of the service makes the verdict unknown, and is named."""

    def add(deployment: EcsDeployment) -> None:
        if not deployment.under_way:
            serving = (stage.cloud.blue, stage.cloud.green)[stage.cloud.weights()[1] > 0]
            stage.client("elbv2").register_targets(
                TargetGroupArn=serving, Targets=[{"Id": "10.0.0.250", "Port": 8080}]
            )

    outcome = stage.release(watch=add).deploy("2")
    assert outcome.verdict is Verdict.UNKNOWN
    assert "10.0.0.250 and api:2 serve," in outcome.reason


def test_evidence_that_cannot_be_read(stage: Stage) -> None:
    """Log lines that cannot be read do not change the verdict."""
    stage.cloud.fault("exits", image=f"{URL}:2", code=3)

    def close(deployment: EcsDeployment) -> None:
        if not deployment.under_way:
            denied(stage, "logs.get_log_events")

    outcome = stage.release(watch=close, migrate=False).deploy("2")
    assert outcome.verdict is Verdict.ROLLED_BACK
    assert "api exited with 3" in outcome.stop_reasons[0]
    assert outcome.log_lines == ()
    assert stage.journal is None
