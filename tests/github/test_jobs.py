"""Which jobs run after which others, for every way in which one of them may end."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.github.conditions import FINE, Status, holds
from tests.github.workflows import jobs_of

ALL = ("dev", "staging", "prod", "dr")
SKIPPED = "skipped"


def needed(job: Mapping[str, Any]) -> list[str]:
    """Return the names of the jobs that a job waits for."""
    found = job.get("needs", [])
    return [found] if isinstance(found, str) else list(found)


def results(
    workflow: str,
    *,
    ends: Mapping[str, str] | None = None,
    touched: tuple[str, ...] = (),
    github: Mapping[str, Any] | None = None,
    only: str = "",
) -> dict[str, str]:
    """Return every job's result as GitHub would: a condition that does not hold skips its job.

    Jobs that run end with success, but for those in `ends`. The job `touched` finds these stacks.
    """
    found: dict[str, str] = {}
    behind: dict[str, set[str]] = {}
    for name, job in jobs_of(workflow).items():
        behind[name] = set(needed(job)).union(*(behind[one] for one in needed(job)))
        # A status function looks at every job earlier in the chain.
        before = {found[one] for one in behind[name]}
        status: Status = {**FINE, "success": before <= {"success"}, "failure": "failure" in before}
        outputs = {"stacks": json.dumps(touched)} if found.get("touched") == "success" else {}
        needs = {one: {"result": found[one], "outputs": outputs} for one in needed(job)}
        contexts = {"needs": needs, "github": github or {}, "inputs": {"only": only}}
        runs = holds(job.get("if"), contexts, status)
        found[name] = (ends or {}).get(name, "success") if runs else SKIPPED
    return found


def ran(workflow: str, **given: Any) -> set[str]:
    """Return the jobs that are not skipped."""
    return {name for name, result in results(workflow, **given).items() if result != SKIPPED}


FIRST = ("tested", "touched")
BEFORE_PLAN = (*FIRST, "dev", "staging")
BEFORE_PROD = (*BEFORE_PLAN, "plan-of-prod")
BEFORE_DR = (*BEFORE_PROD, "prod", "plan-of-dr")
WHOLE = (*BEFORE_DR, "dr")


@pytest.mark.parametrize("end", ["failure", "cancelled"])
@pytest.mark.parametrize(
    ("touched", "stops", "wanted"),
    [
        (ALL, "tested", ("tested",)),
        (ALL, "touched", FIRST),
        (ALL, "staging", BEFORE_PLAN),
        (ALL, "plan-of-prod", BEFORE_PROD),
        (ALL, "prod", (*BEFORE_PROD, "prod")),
        (ALL, "plan-of-dr", BEFORE_DR),
        (ALL, "dr", WHOLE),
        (ALL, "dev", BEFORE_PLAN),
        (("prod", "dr"), "plan-of-prod", (*FIRST, "plan-of-prod")),
        (("prod", "dr"), "prod", (*FIRST, "plan-of-prod", "prod")),
        (("staging", "dr"), "staging", (*FIRST, "staging")),
        (("staging", "prod"), "staging", (*FIRST, "staging")),
        (("dev", "dr"), "dev", (*FIRST, "dev")),
        (("dev", "prod"), "dev", (*FIRST, "dev")),
    ],
)
def test_infrastructure_stops_at_the_first_failure(
    touched: tuple[str, ...], stops: str, wanted: tuple[str, ...], end: str
) -> None:
    """No job follows one that failed, was refused, was not approved or was cancelled."""
    assert ran("infra", touched=touched, ends={stops: end}) == set(wanted)


@pytest.mark.parametrize(
    ("touched", "wanted"),
    [
        (ALL, WHOLE),
        ((), FIRST),
        (("dev",), (*FIRST, "dev")),
        (("staging",), (*FIRST, "staging")),
        (("prod",), (*FIRST, "plan-of-prod", "prod")),
        (("dr",), (*FIRST, "plan-of-dr", "dr")),
        (("staging", "dr"), (*FIRST, "staging", "plan-of-dr", "dr")),
        (("prod", "dr"), (*FIRST, "plan-of-prod", "prod", "plan-of-dr", "dr")),
    ],
)
def test_infrastructure_brings_up_what_is_touched(
    touched: tuple[str, ...], wanted: tuple[str, ...]
) -> None:
    """A stack that no change touches does not stop the others."""
    assert ran("infra", touched=touched) == set(wanted)


def test_each_job_of_infrastructure_needs_the_jobs_before_it() -> None:
    """Without a need GitHub would start the job at once; dr comes after prod."""
    order = {name: needed(job) for name, job in jobs_of("infra").items()}
    assert order == {
        "tested": [],
        "touched": ["tested"],
        "dev": ["touched"],
        "staging": ["touched"],
        "plan-of-prod": ["touched", "dev", "staging"],
        "prod": ["touched", "plan-of-prod"],
        "plan-of-dr": ["touched", "dev", "staging", "plan-of-prod", "prod"],
        "dr": ["touched", "plan-of-dr"],
    }


@pytest.mark.parametrize("end", ["failure", "cancelled"])
def test_a_release_stops_at_the_first_failure(end: str) -> None:
    """The order is dev, staging, prod, dr, each only after the one before."""
    order = [*ALL]
    assert list(jobs_of("release")) == order
    for number, stops in enumerate(order):
        assert ran("release", ends={stops: end}) == set(order[: number + 1])


@pytest.mark.parametrize("end", ["success", "failure", "cancelled"])
def test_a_release_into_dr_alone(end: str) -> None:
    """It needs nothing of a region that is lost."""
    assert ran("release", only="dr", ends={"dev": end, "prod": end}) == {"dr"}


def test_drift_is_reported_however_the_check_ended() -> None:
    """A check that failed is a finding too."""
    for end in ("success", "failure", "cancelled"):
        assert ran("drift", ends={"check": end}) == {"check", "report"}


def of_pull_request(*, fork: bool = False, **event: Any) -> dict[str, Any]:
    """Return the context `github` of a pull request's event."""
    labels = [{"name": name} for name in event.pop("labels", [])]
    head = {"repo": {"full_name": "somebody/arca-infra" if fork else "acme/arca-infra"}}
    request = {"head": head, "labels": labels, "number": 7}
    return {"repository": "acme/arca-infra", "event": {"pull_request": request, **event}}


@pytest.mark.parametrize(
    ("touched", "ends", "fork", "wanted"),
    [
        (ALL, {}, False, {"touched", "preview", "comment"}),
        (ALL, {"preview": "failure"}, False, {"touched", "preview", "comment"}),
        # An older comment is updated to say that no stack is touched.
        ((), {}, False, {"touched", "comment"}),
        (ALL, {"touched": "failure"}, False, {"touched"}),
        (ALL, {}, True, {"touched", "emulated"}),
        ((), {}, True, {"touched", "emulated"}),
    ],
)
def test_who_gets_a_preview(
    touched: tuple[str, ...], ends: Mapping[str, str], *, fork: bool, wanted: set[str]
) -> None:
    """Our own branches get a comment, and a fork gets a run in the emulated AWS."""
    github = of_pull_request(fork=fork)
    assert ran("preview", touched=touched, ends=ends, github=github) == wanted


REVIEW = "review-stack"
REVIEWS: list[tuple[dict[str, Any], set[str]]] = [
    ({"action": "labeled", "label": {"name": REVIEW}, "labels": [REVIEW]}, {"up"}),
    ({"action": "labeled", "label": {"name": "bug"}, "labels": [REVIEW, "bug"]}, set()),
    ({"action": "synchronize", "labels": ["bug", REVIEW]}, {"up"}),
    ({"action": "synchronize", "labels": ["bug"]}, set()),
    ({"action": "unlabeled", "label": {"name": REVIEW}}, {"down"}),
    ({"action": "unlabeled", "label": {"name": "bug"}, "labels": [REVIEW]}, set()),
    ({"action": "closed", "labels": [REVIEW]}, {"down"}),
    ({"action": "closed", "labels": []}, set()),
]


@pytest.mark.parametrize(("event", "wanted"), REVIEWS)
def test_when_a_review_stack_comes_and_goes(event: dict[str, Any], wanted: set[str]) -> None:
    """Each event of the workflow is covered; a fork gets no stack."""
    assert ran("review", github=of_pull_request(**event)) == wanted
    assert ran("review", github=of_pull_request(**event, fork=True)) == set()
