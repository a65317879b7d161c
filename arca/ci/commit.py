"""The one commit that the pipeline may bring up: the tip of main, with its tests passed.

A run that was started again applies its own old commit, so each job that changes a stack asks. A
run whose commit is no longer the tip ends: the run of the tip also brings up what it would have.

Sources: GitHub Docs, "REST API endpoints for Git references" (Get a reference) and "REST API
endpoints for workflow runs" (List workflow runs for a workflow).
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from arca.ci.github import GitHub, GitHubUnavailable
from arca.clock import Clock
from arca.errors import ArcaError, Refused

MAIN = "main"
POLL_SECONDS = 30
MAX_FAILURES = 10
"""So many calls in a row may fail: GitHub has bad minutes."""


def require_tip(github: GitHub, commit: str) -> None:
    """Raise Refused where the commit is not the tip of main."""
    tip = github.get("git", "ref", "heads", MAIN)["object"]["sha"]
    if tip != commit:
        raise Refused(
            f"{commit[:12]} is not the tip of {MAIN}, which is {tip[:12]}.",
            where=f"{github.repository}, branch {MAIN}",
            wanted="the newest commit: its run brings up every change that this one has",
            do=f"follow the newest run of infra.yml; to go back, revert on {MAIN}",
        )


def require_tests(
    github: GitHub,
    commit: str,
    workflow: str,
    *,
    timeout: timedelta,
    clock: Clock,
    say: Callable[[str], None],
) -> None:
    """Wait until a workflow has ended with success on a push of the commit to main.

    Raises Refused where it ended in any other way or the commit is no longer the tip, and ArcaError
    after the timeout.
    """
    deadline = clock.now() + timeout
    failures, last = 0, ""
    while True:
        try:
            require_tip(github, commit)
            run = _newest_run(github, commit, workflow)
        except GitHubUnavailable:
            failures += 1
            if failures == MAX_FAILURES:
                raise
        else:
            failures = 0
            state = _state(run)
            if run is not None and run["status"] == "completed":
                if run["conclusion"] == "success":
                    return
                raise Refused(
                    f"{workflow} ended with {run['conclusion']} on {commit[:12]}.",
                    where=run["html_url"],
                    wanted="success",
                    do="correct the cause on main, or run its failed jobs and then this run again",
                )
            if state != last:
                say(f"{workflow} on {commit[:12]}: {state}")
                last = state
        if clock.now() >= deadline:
            raise ArcaError(
                f"{workflow} did not end on {commit[:12]} in time; last seen: {last or 'nothing'}.",
                where=f"https://github.com/{github.repository}/actions/workflows/{workflow}",
                wanted=f"success within {timeout // timedelta(minutes=1)} minutes",
                do="see why it takes so long, and run this job again",
            )
        clock.sleep(POLL_SECONDS)


def _newest_run(github: GitHub, commit: str, workflow: str) -> dict[str, Any] | None:
    """Return the workflow's newest run for a push of this commit to main.

    A run of a pull request tests a merge with main, and not main.
    """
    listed = github.get(
        *("actions", "workflows", workflow, "runs"),
        branch=MAIN,
        event="push",
        head_sha=commit,
        per_page="10",
    )
    # The filter is GitHub's; a run of another commit must never count.
    ours = [one for one in listed["workflow_runs"] if one["head_sha"] == commit]
    return max(ours, key=lambda one: one["run_number"], default=None)


def _state(run: dict[str, Any] | None) -> str:
    return "not started yet" if run is None else str(run["status"])
