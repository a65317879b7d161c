"""The verdict: by what runs, whatever ECS says."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arca.release.service import DEPLOYMENT_UNDER_WAY, EcsDeployment, EcsRevision
from arca.release.verdict import VERDICT_EXIT_CODES, Serving, Verdict, judge

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
    """One task definition serves, and it alone runs."""
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
    """A rollback is never success, and success without its facts is unknown."""
    verdict, reason = judge(replace(DEPLOYMENT, status=status), found, target=NEW, source=OLD)
    assert verdict is wanted
    assert status in reason


NAMES = st.frozensets(st.sampled_from([NEW, OLD, "family:3"]))


@given(st.sampled_from([*ENDED, *DEPLOYMENT_UNDER_WAY]), NAMES, NAMES)
def test_a_verdict_never_says_more_than_what_runs(
    status: str, traffic: frozenset[str], running: frozenset[str]
) -> None:
    """Exit code 0 only where the target alone runs; 3 and 1 only where the old one alone does."""
    one = replace(DEPLOYMENT, status=status)
    verdict, _ = judge(one, Serving(traffic, running), target=NEW, source=OLD)
    if verdict is Verdict.LIVE:
        assert traffic == running == {NEW}
    if verdict in (Verdict.ROLLED_BACK, Verdict.FAILED):
        assert traffic == running == {OLD}


def test_every_verdict_has_an_exit_code_of_its_own() -> None:
    """2 is click's."""
    assert set(VERDICT_EXIT_CODES) == set(Verdict)
    assert len(set(VERDICT_EXIT_CODES.values())) == len(VERDICT_EXIT_CODES)
    assert 2 not in VERDICT_EXIT_CODES.values()
