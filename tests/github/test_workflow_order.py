"""Which jobs run after which, for every way in which one of them may end.

The conditions are evaluated, not read: a job's result is what GitHub would make of it.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.github.test_workflow_expressions import FINE, Status, holds
from tests.github.workflows import jobs_of

ALL = ("dev", "staging", "prod", "dr")
SKIPPED = "skipped"


def needed(job: Mapping[str, Any]) -> list[str]:
    """The jobs that a job waits for."""
    found = job.get("needs", [])
    return [found] if isinstance(found, str) else list(found)


def results(
    workflow: str,
    *,
    ends: Mapping[str, str] | None = None,
    touched: tuple[str, ...] = (),
    github: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Every job's result, where those that `ends` names end so and all others well.

    A call's own inputs decide nothing here, and `touched` says what the job of that name found.
    """
    found: dict[str, str] = {}
    behind: dict[str, set[str]] = {}
    for name, job in jobs_of(workflow).items():
        behind[name] = set(needed(job)).union(*(behind[one] for one in needed(job)))
        # A status function asks about every job that came before in the chain.
        before = {found[one] for one in behind[name]}
        status: Status = {**FINE, "success": before <= {"success"}, "failure": "failure" in before}
        outputs = {"stacks": json.dumps(touched)} if found.get("touched") == "success" else {}
        needs = {one: {"result": found[one], "outputs": outputs} for one in needed(job)}
        runs = holds(job.get("if"), {"needs": needs, "github": github or {}}, status)
        found[name] = (ends or {}).get(name, "success") if runs else SKIPPED
    return found


def ran(workflow: str, **given: Any) -> set[str]:
    """The jobs that are not skipped."""
    return {name for name, result in results(workflow, **given).items() if result != SKIPPED}


WHOLE = ("touched", "dev", "staging", "plan-of-prod", "prod", "dr")
BEFORE_PROD = ("touched", "dev", "staging", "plan-of-prod")
BEFORE_PLAN = ("touched", "dev", "staging")


@pytest.mark.parametrize("end", ["failure", "cancelled"])
@pytest.mark.parametrize(
    ("touched", "stops", "wanted"),
    [
        (ALL, "touched", ("touched",)),
        (ALL, "staging", BEFORE_PLAN),
        (ALL, "plan-of-prod", BEFORE_PROD),
        (ALL, "prod", (*BEFORE_PROD, "prod")),
        (ALL, "dr", WHOLE),
        # Dev is nobody's way to prod: staging is.
        (ALL, "dev", WHOLE),
        (("prod", "dr"), "plan-of-prod", ("touched", "plan-of-prod")),
        (("prod", "dr"), "prod", ("touched", "plan-of-prod", "prod")),
        (("staging", "dr"), "staging", ("touched", "staging")),
        (("staging", "prod"), "staging", ("touched", "staging")),
    ],
)
def test_infrastructure_stops_where_it_breaks(
    touched: tuple[str, ...], stops: str, wanted: tuple[str, ...], end: str
) -> None:
    """Nothing follows what failed, was refused, was not approved or was cut off."""
    assert ran("infra", touched=touched, ends={stops: end}) == set(wanted)


@pytest.mark.parametrize(
    ("touched", "wanted"),
    [
        (ALL, WHOLE),
        ((), ("touched",)),
        (("dev",), ("touched", "dev")),
        (("staging",), ("touched", "staging")),
        (("prod",), ("touched", "plan-of-prod", "prod")),
        (("dr",), ("touched", "dr")),
        (("staging", "dr"), ("touched", "staging", "dr")),
        (("prod", "dr"), ("touched", "plan-of-prod", "prod", "dr")),
    ],
)
def test_infrastructure_brings_up_what_is_touched(
    touched: tuple[str, ...], wanted: tuple[str, ...]
) -> None:
    """A stack that nothing touched stops no other."""
    assert ran("infra", touched=touched) == set(wanted)


def test_infrastructure_waits() -> None:
    """Whoever comes later has all that it must come after among its needs."""
    order = {name: needed(job) for name, job in jobs_of("infra").items()}
    assert order == {
        "touched": [],
        "dev": ["touched"],
        "staging": ["touched"],
        "plan-of-prod": ["touched", "staging"],
        "prod": ["touched", "plan-of-prod"],
        "dr": ["touched", "staging", "plan-of-prod", "prod"],
    }


@pytest.mark.parametrize("end", ["failure", "cancelled"])
def test_a_release_stops_where_it_breaks(end: str) -> None:
    """dev, staging, prod, dr; each only after the one before."""
    order = [*ALL]
    assert list(jobs_of("release")) == order
    for number, stops in enumerate(order):
        assert ran("release", ends={stops: end}) == set(order[: number + 1])


def test_drift_is_said_however_the_look_ended() -> None:
    """A look that failed is a finding."""
    for end in ("success", "failure", "cancelled"):
        assert ran("drift", ends={"look": end}) == {"look", "say"}


def of_pull_request(*, fork: bool = False, **event: Any) -> dict[str, Any]:
    """What GitHub tells of a pull request."""
    labels = [{"name": name} for name in event.pop("labels", [])]
    head = {"repo": {"full_name": "somebody/arca-infra" if fork else "acme/arca-infra"}}
    request = {"head": head, "labels": labels, "number": 7}
    return {"repository": "acme/arca-infra", "event": {"pull_request": request, **event}}


@pytest.mark.parametrize(
    ("touched", "ends", "fork", "wanted"),
    [
        (ALL, {}, False, {"touched", "preview", "comment"}),
        (ALL, {"preview": "failure"}, False, {"touched", "preview", "comment"}),
        # The comment of before is made to say so.
        ((), {}, False, {"touched", "comment"}),
        (ALL, {"touched": "failure"}, False, {"touched"}),
        (ALL, {}, True, {"touched", "emulated"}),
        ((), {}, True, {"touched", "emulated"}),
    ],
)
def test_who_sees_a_preview(
    touched: tuple[str, ...], ends: Mapping[str, str], *, fork: bool, wanted: set[str]
) -> None:
    """Our own branches in a comment, a fork in the emulated cloud."""
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
    """Each event that the workflow listens to, and no fork's."""
    assert ran("review", github=of_pull_request(**event)) == wanted
    assert ran("review", github=of_pull_request(**event, fork=True)) == set()
