"""The whole pipeline as one table: which job works on which stack, as whom, and when."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests import ROOT
from tests.github.test_workflow_expressions import filled
from tests.github.workflows import ACTIONS, WORKFLOWS, jobs, jobs_of, loaded
from tests.stacks import STACKS, graph

TOUCHED = "${{ fromJSON(needs.touched.outputs.stacks) }}"
EDGE = "CLOUDFLARE_API_TOKEN"
CHANGES = re.compile(r"\bpulumi (?:preview|up|destroy)\b")

TABLE = {
    # workflow, job, stack: its environment is the stack's for this purpose, and what else it asks
    ("preview", "preview", "touched"): "preview",
    ("infra", "dev", "dev"): "infra",
    ("infra", "staging", "staging"): "infra",
    ("infra", "plan-of-prod", "prod"): "look",
    ("infra", "prod", "prod"): "infra",
    ("infra", "dr", "dr"): "infra",
    ("drift", "look", "dev"): "look drift",
    ("drift", "look", "staging"): "look drift",
    ("drift", "look", "prod"): "look drift",
    ("drift", "look", "dr"): "look drift",
    ("release", "dev", "dev"): "release",
    ("release", "staging", "staging"): "release",
    ("release", "prod", "prod"): "release",
    ("release", "dr", "dr"): "release follows",
    ("review", "up", "dev"): "review",
    ("review-sweep", "sweep", "dev"): "sweep",
}

TRIGGERS: Mapping[str, Any] = {
    "ci": {"push": {"branches": ["main"]}, "pull_request": None},
    "drift": {"schedule": [{"cron": "23 9 * * 1-5"}], "workflow_dispatch": None},
    "infra": {"push": {"branches": ["main"]}, "workflow_dispatch": None},
    "preview": {"pull_request": None},
    "review": {"pull_request": {"types": ["labeled", "unlabeled", "synchronize", "closed"]}},
    "review-sweep": {"schedule": [{"cron": "47 * * * *"}], "workflow_dispatch": None},
}
"""Whatever else there is waits for a call."""


def calls() -> Iterator[tuple[str, str, str, str]]:
    """Every job that logs in: its workflow, its name, a stack of its own, and its environment."""
    for workflow, name, job in jobs():
        called = str(job.get("uses", "")).rpartition("/")[2].removesuffix(".yml")
        if called:
            listed: Any = job.get("strategy", {}).get("matrix", {}).get("stack", [None])
            for stack in ["touched"] if listed == TOUCHED else listed:
                given = {
                    key: filled(value, {"matrix": {"stack": stack}, "inputs": {}, "needs": {}})
                    if isinstance(value, str)
                    else value
                    for key, value in job["with"].items()
                }
                (inner,) = jobs_of(called).values()
                environment = filled(inner["environment"], {"inputs": given})
                extra = [key for key in ("drift", "follows") if given.get(key) is True]
                yield workflow, name, given["stack"], " ".join([environment, *extra])
        elif "environment" in job and "workflow_call" not in loaded_on(workflow):
            environment = str(job["environment"])
            yield workflow, name, environment.partition("-")[0], environment


def loaded_on(workflow: str) -> Mapping[str, Any]:
    """What a workflow begins with."""
    (path,) = [path for path in WORKFLOWS if path.stem == workflow]
    return loaded(path)["on"]


def test_every_job_works_where_the_table_says() -> None:
    """On that stack, in that environment, and there is no other job that logs in."""
    found = {(workflow, name, stack): as_whom for workflow, name, stack, as_whom in calls()}
    assert found == {key: f"{key[2]}-{as_whom}" for key, as_whom in TABLE.items()}


def test_every_workflow_begins_where_the_table_says() -> None:
    """A label that goes, a pull request that closes, an hour that is over: all are heard."""
    for path in WORKFLOWS:
        begins = loaded_on(path.stem)
        if "workflow_call" in begins:
            assert set(begins) == {"workflow_call"}
        else:
            assert begins == TRIGGERS[path.stem], path.stem


def test_every_environment_has_its_role_and_its_guard() -> None:
    """One role a stack and purpose, one line of the documentation's table."""
    used = {as_whom.split()[0] for _, _, _, as_whom in calls()} - {"touched-preview"}
    used |= {f"{stack}-preview" for stack in STACKS}
    roles = {
        f"{stack}-{purpose}"
        for stack in STACKS
        for purpose, arn in graph(stack).outputs["delivery"].items()
        if arn
    }
    assert used == roles
    page = (ROOT / "docs" / "pipeline.md").read_text(encoding="utf-8")
    table = page.partition("| environment | repository |")[2].partition("\n\n")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines()[2:]]
    documented = {
        name: where.strip() for names, where in rows for name in re.findall(r"`([a-z-]+)`", names)
    }
    assert documented == {
        name: "application" if name.endswith("-release") else "infra" for name in used
    }


def test_a_called_workflow_asks_for_what_it_is_given() -> None:
    """No input is missing, none is unknown, and a release is the same one in every stack."""
    for workflow, name, job in jobs():
        if "uses" in job:
            called = str(job["uses"]).rpartition("/")[2].removesuffix(".yml")
            wanted: Mapping[str, Any] = loaded_on(called)["workflow_call"]["inputs"]
            required = {key for key, one in wanted.items() if one.get("required")}
            assert required <= set(job["with"]) <= set(wanted), (workflow, name)
    for job in jobs_of("release").values():
        assert {job["with"][key] for key in ("image", "digest", "version")} == {
            "${{ inputs.image }}",
            "${{ inputs.digest }}",
            "${{ inputs.version }}",
        }


def test_the_token_of_the_edge_is_given_to_who_changes_it() -> None:
    """To the steps that run Pulumi's providers, and to no other code of the same job."""
    seen = 0
    for workflow, name, job in jobs():
        assert EDGE not in job.get("env", {}), (workflow, name)
        for step in job.get("steps", []):
            wanted = CHANGES.search(step.get("run", "")) is not None
            given = step.get("env", {}).get(EDGE)
            assert given == ("${{ secrets.CLOUDFLARE_API_TOKEN }}" if wanted else None), step
            seen += wanted
    assert seen == 5
    assert all(EDGE not in str(loaded(path).get("env")) for path in WORKFLOWS)


def test_a_login_lasts_as_long_as_its_job() -> None:
    """One value, which a job may shorten; that the roles allow it, test_delivery.py says."""
    (path,) = ACTIONS
    given = loaded(path)["runs"]["steps"][-1]["with"]
    assert given["role-duration-seconds"] == "${{ inputs.seconds }}"
    asked = int(loaded(path)["inputs"]["seconds"]["default"])
    ends = [job["timeout-minutes"] * 60 for _, _, job in jobs() if "environment" in job]
    assert asked == max(ends)
