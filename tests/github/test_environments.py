"""The pipeline as one table: which job works on which stack, in which environment, and when.

One role trusts each environment, so the environment decides what its job may do.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from arca.ci.environments import wanted_rules
from components.delivery import trust
from tests import ROOT
from tests.github.conditions import filled
from tests.github.workflows import (
    ACTIONS,
    WORKFLOWS,
    called_workflow,
    jobs,
    jobs_of,
    loaded,
    triggers,
)
from tests.stacks import STACKS, graph, settings_of

TOUCHED = "${{ fromJSON(needs.touched.outputs.stacks) }}"
CLOUDFLARE_TOKEN = "CLOUDFLARE_API_TOKEN"  # noqa: S105 - a variable's name
CALLS_CLOUDFLARE = re.compile(r"\bpulumi (?:preview|up|destroy)\b")
RUN_MAIN_ONLY = ("drift", "infra", "review-sweep")
"""Workflows that run main's code, and never a pull request's."""

TABLE = {
    # workflow, job, stack: the purpose, which ends the environment's name, and further inputs
    ("preview", "preview", "touched"): "preview",
    ("infra", "dev", "dev"): "infra",
    ("infra", "staging", "staging"): "infra",
    ("infra", "plan-of-prod", "prod"): "look",
    ("infra", "prod", "prod"): "infra",
    ("infra", "plan-of-dr", "dr"): "look",
    ("infra", "dr", "dr"): "infra",
    ("drift", "check", "dev"): "look drift",
    ("drift", "check", "staging"): "look drift",
    ("drift", "check", "prod"): "look drift",
    ("drift", "check", "dr"): "look drift",
    ("release", "dev", "dev"): "release",
    ("release", "staging", "staging"): "release",
    ("release", "prod", "prod"): "release",
    ("release", "dr", "dr"): "release",
    ("review", "up", "dev"): "review",
    ("review-sweep", "find", "dev"): "sweep",
    ("review-sweep", "destroy", "dev"): "sweep",
}

TRIGGERS: Mapping[str, Any] = {
    "ci": {"push": {"branches": ["main"]}, "pull_request": None},
    "drift": {"schedule": [{"cron": "23 9 * * 1-5"}], "workflow_dispatch": None},
    "infra": {"push": {"branches": ["main"]}, "workflow_dispatch": None},
    "preview": {"pull_request": None},
    "review": {"pull_request": {"types": ["labeled", "unlabeled", "synchronize", "closed"]}},
    "review-sweep": {"schedule": [{"cron": "47 * * * *"}], "workflow_dispatch": None},
}
"""Every other workflow starts only when another one calls it."""


def logins() -> Iterator[tuple[str, str, str, str]]:
    """Yield every job that logs in: workflow, job, stack, and environment with further inputs."""
    for workflow, name, job in jobs():
        called = called_workflow(job)
        if called:
            listed: Any = job.get("strategy", {}).get("matrix", {}).get("stack", [None])
            for stack in ["touched"] if listed == TOUCHED else listed:
                given = {
                    key: filled(text, {"matrix": {"stack": stack}, "inputs": {}, "needs": {}})
                    if isinstance(text, str)
                    else text
                    for key, text in job["with"].items()
                }
                (inner,) = jobs_of(called).values()
                environment = filled(inner["environment"], {"inputs": given})
                extra = [key for key in ("drift",) if given.get(key) is True]
                yield workflow, name, given["stack"], " ".join([environment, *extra])
        elif "environment" in job and "workflow_call" not in triggers(workflow):
            environment = str(job["environment"])
            yield workflow, name, environment.partition("-")[0], environment


def used_environments() -> set[str]:
    """Return every environment that some job runs in; a touched stack can be any stack."""
    used = {environment.split()[0] for _, _, _, environment in logins()} - {"touched-preview"}
    return used | {f"{stack}-preview" for stack in STACKS}


def trusted_environments() -> dict[str, str]:
    """Return every environment that some stack's role trusts, and the environment's repository."""
    found: dict[str, str] = {}
    for stack in STACKS:
        for role in graph(stack).of("aws:iam/role:Role"):
            if role.component == "delivery":
                (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
                claims = statement["Condition"]["StringEquals"]
                subject = claims["token.actions.githubusercontent.com:sub"]
                _, repository, _, name = subject.split(":")
                assert name == f"{stack}-{role.name.removeprefix('delivery-')}"
                found[name] = repository
    return found


def test_every_job_works_where_the_table_says() -> None:
    """Each job has that stack and that environment, and no other job logs in."""
    found = {
        (workflow, name, stack): environment for workflow, name, stack, environment in logins()
    }
    assert found == {key: f"{key[2]}-{purpose}" for key, purpose in TABLE.items()}


def test_every_workflow_starts_when_the_table_says() -> None:
    """That covers a label that goes, a pull request that closes and an hour that is over."""
    for path in WORKFLOWS:
        found = triggers(path.stem)
        if "workflow_call" in found:
            assert set(found) == {"workflow_call"}
        else:
            assert found == TRIGGERS[path.stem], path.stem


def test_each_environment_has_one_role_and_one_line_in_the_documentation() -> None:
    """No job lacks a role, no role lacks a job, and docs/pipeline.md says who guards each."""
    used = used_environments()
    assert used == set(trusted_environments())
    assert len(used) == 18
    page = (ROOT / "docs" / "pipeline.md").read_text(encoding="utf-8")
    table = page.partition("| environment | repository |")[2].partition("\n\n")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines()[2:]]
    documented = {
        name: where.strip() for names, where in rows for name in re.findall(r"`([a-z-]+)`", names)
    }
    assert documented == {
        name: "application" if name.endswith("-release") else "infra" for name in used
    }


def test_each_role_is_an_export_of_its_stack() -> None:
    """The operator copies the roles' ARNs from there into the environments."""
    exported = {
        f"{stack}-{purpose}"
        for stack in STACKS
        for purpose, arn in graph(stack).outputs["delivery"].items()
        if arn
    }
    assert exported == used_environments()


def test_a_release_role_trusts_the_applications_repository() -> None:
    """Every other role trusts this one."""
    for name, repository in trusted_environments().items():
        ours = settings_of(name.partition("-")[0]).delivery
        released = name.endswith("-release")
        assert repository == (ours.application_repository if released else ours.infra_repository)


def test_only_a_job_in_an_environment_can_log_in() -> None:
    """A job that asks for a token is in an environment, or calls a workflow whose job is."""
    for workflow, name, job in jobs():
        if "id-token" in job["permissions"]:
            assert "environment" in job or "uses" in job, (workflow, name)


def test_environments_without_reviewers_are_closed_to_pull_requests() -> None:
    """Scheduled work, prod's plan and the end of a review stack wait for no reviewer.

    A pull request can enter `-preview` and `dev-review`, whose reviewers would be asked every day.
    """
    for workflow, name, _, environment in logins():
        if environment.split()[0].endswith(("-look", "-sweep")):
            assert workflow in RUN_MAIN_ONLY, (workflow, name)
    for workflow in RUN_MAIN_ONLY:
        assert not any("pull_request" in event for event in triggers(workflow))


def test_a_called_workflow_gets_the_inputs_that_it_declares() -> None:
    """No input is missing or unknown, and a release is the same in every stack."""
    for workflow, name, job in jobs():
        called = called_workflow(job)
        if called:
            declared: Mapping[str, Any] = triggers(called)["workflow_call"]["inputs"]
            required = {key for key, one in declared.items() if one.get("required")}
            assert required <= set(job["with"]) <= set(declared), (workflow, name)
    for job in jobs_of("release").values():
        assert {job["with"][key] for key in ("image", "digest", "version")} == {
            "${{ inputs.image }}",
            "${{ inputs.digest }}",
            "${{ inputs.version }}",
        }


def test_only_steps_that_change_cloudflare_have_its_token() -> None:
    """The steps that run Pulumi's providers have it, and no other code of the same job."""
    seen = 0
    for workflow, name, job in jobs():
        assert CLOUDFLARE_TOKEN not in job.get("env", {}), (workflow, name)
        for step in job.get("steps", []):
            wanted = CALLS_CLOUDFLARE.search(step.get("run", "")) is not None
            given = step.get("env", {}).get(CLOUDFLARE_TOKEN)
            assert given == ("${{ secrets.CLOUDFLARE_API_TOKEN }}" if wanted else None), step
            seen += wanted
    assert seen == 5
    assert all(CLOUDFLARE_TOKEN not in str(loaded(path).get("env")) for path in WORKFLOWS)


def test_a_login_lasts_as_long_as_the_longest_job() -> None:
    """That the roles allow it, the tests of the component hold."""
    (prepare,) = (path for path in ACTIONS if path.parent.name == "prepare")
    given = loaded(prepare)["runs"]["steps"][-1]["with"]
    assert given["role-duration-seconds"] == "${{ inputs.seconds }}"
    asked = int(loaded(prepare)["inputs"]["seconds"]["default"])
    ends = [job["timeout-minutes"] * 60 for _, _, job in jobs() if "environment" in job]
    assert asked == max(ends)


def documented(begins: str) -> list[list[str]]:
    """Return the cells of a table of docs/pipeline.md, without its heads."""
    page = (ROOT / "docs" / "pipeline.md").read_text(encoding="utf-8")
    table = page.partition(begins)[2].partition("\n\n")[0]
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()[2:]]


def test_the_documented_rules_are_those_that_are_asserted() -> None:
    """An owner sets what the table says, and each job asks for it."""
    seen: set[str] = set()
    for names, _, branches, reviewers in documented("| environment | repository |"):
        for name in re.findall(r"`([a-z-]+)`", names):
            wanted = wanted_rules(name)
            limits = {
                "any": (False, False),
                "`main`": (True, False),
                "`main` and tags": (True, True),
            }
            assert limits[branches] == (wanted.main_only, wanted.tags), name
            assert wanted.reviewed == (not reviewers.startswith("none")), name
            seen.add(name)
    assert seen == used_environments()


def test_the_documented_trust_is_that_of_the_roles() -> None:
    """What starts the run, and the file that has its job."""
    starts = {"`main`": [trust.MAIN], "a pull request": [trust.PULL_REQUESTS]}
    seen: set[str] = set()
    for names, ref, file in documented("| role | started by (`ref`) |"):
        for purpose in re.findall(r"`([a-z]+)`", names):
            tagged = [trust.MAIN, trust.TAGS] if "tag" in ref else starts[ref]
            assert trust.REFS[purpose] == tagged, purpose
            assert trust.WORKFLOWS[purpose].partition("@")[0] == file.split("`")[1]
            assert ("@" in trust.WORKFLOWS[purpose]) == ("of this repository's `main`" in file)
            seen.add(purpose)
    assert seen == set(trust.REFS)
