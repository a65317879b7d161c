"""GitHub's environments: every job that logs in is in one, and one role trusts each."""

import json
from typing import Any

from tests import ROOT
from tests.github.workflows import jobs, jobs_of, loaded
from tests.stacks import STACKS, graph

OWN = ("drift", "infra", "review-sweep")
"""Workflows that run what main says, and no pull request's."""


def environments() -> set[str]:
    """Every environment that some job runs in, called workflows with their callers' inputs."""
    found = set[str]()
    for _, _, job in jobs():
        called = str(job.get("uses", "")).removeprefix("$/.github/workflows/")
        if job.get("uses"):
            given: dict[str, Any] = job["with"]
            listed: Any = job.get("strategy", {}).get("matrix", {}).get("stack")
            names: list[str] = [given["stack"]]
            if given["stack"] == "${{ matrix.stack }}":
                # A list that a job computes can name every stack.
                names = [*(listed if isinstance(listed, list) else STACKS)]
            inner = jobs_of(called.removesuffix(".yml"))
            for own in inner.values():
                for name in names:
                    text = own["environment"].replace("${{ inputs.stack }}", name)
                    found.add(text.replace("${{ inputs.purpose }}", str(given.get("purpose"))))
        elif "inputs." not in str(job.get("environment", "")):
            found |= {job["environment"]} if "environment" in job else set()
    return found


def trusted() -> dict[str, str]:
    """Every environment that some stack's role trusts, and the repository it is in."""
    found: dict[str, str] = {}
    for stack in STACKS:
        for role in graph(stack).of("aws:iam/role:Role"):
            if role.component == "delivery":
                statement = json.loads(role.inputs["assumeRolePolicy"])["Statement"][0]
                claims = statement["Condition"]["StringEquals"]
                _, repository, _, name = claims["token.actions.githubusercontent.com:sub"].split(
                    ":"
                )
                found[name] = repository
    return found


def test_environments_and_roles_are_the_same() -> None:
    """No job without a role, no role that no job uses."""
    assert environments() == set(trusted())
    assert len(environments()) == 18


def test_only_a_job_in_an_environment_can_log_in() -> None:
    """Whoever asks for a token is in an environment, or calls a workflow whose job is."""
    for workflow, name, job in jobs():
        if "id-token" in job["permissions"]:
            assert "environment" in job or "uses" in job, (workflow, name)


def test_whatever_runs_by_itself_waits_for_nobody() -> None:
    """The look at drift, prod's plan and the end of a review stack: in environments of main's own.

    A pull request can enter `-preview` and `dev-review`, whose reviewers would be asked every day.
    """
    for name in ("drift", "review-sweep"):
        assert set(loaded(ROOT / f".github/workflows/{name}.yml")["on"]) == {
            "schedule",
            "workflow_dispatch",
        }
    assert jobs_of("drift")["look"]["with"]["purpose"] == "look"
    assert jobs_of("infra")["plan-of-prod"]["with"]["purpose"] == "look"
    assert jobs_of("review-sweep")["sweep"]["environment"] == "dev-sweep"
    for workflow, name, job in jobs():
        own = str(job.get("environment", "")).endswith("-sweep") or (
            job.get("with", {}).get("purpose") == "look"
        )
        assert not own or workflow in OWN, (workflow, name)


def test_a_release_belongs_to_the_applications_repository() -> None:
    """Everything else to this one."""
    for name, repository in trusted().items():
        wanted = "your-org/arca-api" if name.endswith("-release") else "your-org/arca-infra"
        assert repository == wanted
