"""The commit that may be brought up: main's tip, tested, asked of a double of GitHub's API."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from arca.ci import commit as commits
from arca.ci.github import GitHub, GitHubUnavailable
from arca.clock import Clock
from arca.errors import ArcaError, Refused
from tests.arca.ci.github_api import (
    COMMIT,
    OTHER,
    REPOSITORY,
    TOKEN,
    Answer,
    path,
    ref,
    runs,
    serve,
)

MAIN = path("git", "ref", "heads", "main")
RUNS = path("actions", "workflows", "ci.yml", "runs")
BROKEN = Answer({"message": "no"}, 502)


class Steps(Clock):
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 10, 12, tzinfo=UTC)
        self.began = self._now

    def now(self) -> datetime:
        """Return the moment that sleeping has reached."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self._now += timedelta(seconds=seconds)


def wait(listed: Sequence[Any], *, tips: Sequence[Any] = (ref(COMMIT),)) -> tuple[int, list[str]]:
    """Wait for the tests; returns the seconds that it took, and what was said."""
    answers = {
        name: [one if isinstance(one, Answer) else Answer(one) for one in contents]
        for name, contents in ((MAIN, tips), (RUNS, listed))
    }
    clock, said = Steps(), list[str]()
    with serve(answers) as api:
        commits.require_tests(
            GitHub(REPOSITORY, TOKEN, api.url),
            COMMIT,
            "ci.yml",
            timeout=timedelta(minutes=100),
            clock=clock,
            say=said.append,
        )
        query = f"?branch=main&event=push&head_sha={COMMIT}&per_page=10"
        assert {one for one in api.asked if one.startswith(RUNS)} == {RUNS + query}
    return int((clock.now() - clock.began).total_seconds()), said


def test_the_tip_of_main_passes() -> None:
    """A run of main's newest commit goes on."""
    with serve({MAIN: [Answer(ref(COMMIT))]}) as api:
        commits.require_tip(GitHub(REPOSITORY, TOKEN, api.url), COMMIT)


def test_an_old_commit_is_refused() -> None:
    """So a run that is started again applies nothing."""
    with serve({MAIN: [Answer(ref(OTHER))]}) as api, pytest.raises(Refused) as raised:
        commits.require_tip(GitHub(REPOSITORY, TOKEN, api.url), COMMIT)
    assert raised.value.what == f"{COMMIT[:12]} is not the tip of main, which is {OTHER[:12]}."


def test_tests_that_passed_let_the_run_go_on() -> None:
    """No time passes."""
    assert wait([runs("success")]) == (0, [])


def test_tests_that_run_are_waited_for() -> None:
    """Each state is said once; a bad minute of GitHub's changes nothing."""
    states = [runs(), runs(None), BROKEN, runs(None), runs("success")]
    said = [f"ci.yml on {COMMIT[:12]}: {state}" for state in ("not started yet", "in_progress")]
    assert wait(states) == (120, said)


@pytest.mark.parametrize("end", ["failure", "cancelled", "timed_out", "skipped", "stale"])
def test_tests_that_failed_stop_the_run(end: str) -> None:
    """Anything but success does."""
    with pytest.raises(Refused, match=f"ci.yml ended with {end}") as raised:
        wait([runs(None), runs(end)])
    assert raised.value.where.startswith("https://github.com/acme/arca-infra/actions/runs/")


def test_the_newest_run_counts() -> None:
    """It was started after the one that failed, or the one that passed."""
    assert wait([runs("success", "failure")]) == (0, [])
    with pytest.raises(Refused):
        wait([runs("failure", "success")])


def test_a_run_of_another_commit_never_counts() -> None:
    """Even where GitHub's filter let it through."""
    with pytest.raises(ArcaError, match="last seen: not started yet"):
        wait([runs("success", commit=OTHER)])


def test_waiting_ends() -> None:
    """After the timeout, with what was last seen."""
    with pytest.raises(ArcaError, match=r"did not end on .* last seen: in_progress") as raised:
        wait([runs(None)])
    assert raised.value.exit_code == 1
    assert raised.value.wanted == "success within 100 minutes"


def test_a_newer_commit_ends_the_wait() -> None:
    """Its run brings this change up too."""
    with pytest.raises(Refused, match="is not the tip"):
        wait([runs(None)], tips=[ref(COMMIT), ref(OTHER)])


def test_an_api_that_stays_away_is_no_pass() -> None:
    """It is asked ten times in a row."""
    with pytest.raises(GitHubUnavailable):
        wait([BROKEN])
    assert wait([*[BROKEN] * 9, runs("success")]) == (270, [])


def test_a_missing_permission_is_an_error_at_once() -> None:
    """Waiting would not help."""
    with pytest.raises(ArcaError, match="403"):
        wait([Answer({"message": "Resource not accessible by integration"}, 403), runs("success")])
