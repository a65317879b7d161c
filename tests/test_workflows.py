"""The workflows: their schema, their audit, what they are pinned to, what they run."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from localcloud.stackfile import ROOT
from tests import commands
from tests.stacks import STACKS, graph

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
BIN = Path(sys.executable).parent
NEVER_CUT_OFF = ("drift", "infra", "release", "release-stage", "review", "stack")
UNTRUSTED = re.compile(r"\$\{\{")


def loaded(path: Path) -> dict[str, Any]:
    """A workflow; YAML reads its `on` as true."""
    content: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in content.items()}


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every job: its workflow, its name, itself."""
    for path in WORKFLOWS:
        for name, job in loaded(path)["jobs"].items():
            yield path.stem, name, job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every step of the workflows and of our own actions."""
    for workflow, name, job in jobs():
        yield from ((f"{workflow}.{name}", step) for step in job.get("steps", []))
    for path in ACTIONS:
        yield from ((path.parent.name, step) for step in loaded(path)["runs"]["steps"])


def ran(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a checker of the virtual environment."""
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("schema", "files"),
    [("vendor.github-workflows", WORKFLOWS), ("vendor.github-actions", ACTIONS)],
    ids=["workflows", "actions"],
)
def test_the_schema_holds(schema: str, files: list[Path]) -> None:
    """GitHub would read them; the schema is the checker's own copy, so nothing is fetched."""
    assert files
    done = ran("check-jsonschema", "--builtin-schema", schema, *map(str, files))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_audit_is_clean() -> None:
    """No injection, no credentials left in a checkout, no permission in excess."""
    done = ran(
        "zizmor", "--offline", "--persona=regular", "--no-progress", "--format=plain", ".github"
    )
    assert done.returncode == 0, done.stdout


def test_every_action_is_pinned_to_a_commit() -> None:
    """A tag can be moved under us; our own come from the commit that runs."""
    used = [step["uses"] for _, step in steps() if "uses" in step]
    used += [job["uses"] for _, _, job in jobs() if "uses" in job]
    assert len(used) > 20
    assert [u for u in used if not u.startswith("$/.github/") and not PINNED.fullmatch(u)] == []


def test_one_commit_and_one_version_an_action() -> None:
    """The comment says the version, and two files never disagree."""
    lines = [
        found
        for path in [*WORKFLOWS, *ACTIONS]
        for found in re.findall(r"uses: ([^$\s]+)@(\S+)(.*)", path.read_text(encoding="utf-8"))
    ]
    assert [line for line in lines if not re.fullmatch(r" # v\d+\.\d+\.\d+", line[2])] == []
    assert len(set(lines)) == len({name for name, _, _ in lines})


def test_nothing_is_permitted_by_default() -> None:
    """Each job names what it may do, and a workflow nothing at all."""
    assert [path.name for path in WORKFLOWS if loaded(path)["permissions"] != {}] == []
    assert [f"{w}.{name}" for w, name, job in jobs() if not job.get("permissions")] == []
    writes = {
        (f"{w}.{name}", right)
        for w, name, job in jobs()
        for right, level in job["permissions"].items()
        if level == "write" and right != "id-token"
    }
    assert writes == {("preview.comment", "pull-requests"), ("drift.say", "issues")}


def test_every_job_ends() -> None:
    """GitHub's own limit is six hours; a call's jobs have their own."""
    missing = [
        f"{w}.{name}"
        for w, name, job in jobs()
        if "uses" not in job and not 0 < job.get("timeout-minutes", 0) <= 120
    ]
    assert missing == []


def test_no_fork_runs_with_our_rights() -> None:
    """`pull_request_target` runs with our secrets; so no workflow has it."""
    for path in WORKFLOWS:
        assert "pull_request_target" not in loaded(path)["on"], path
        assert "workflow_run" not in loaded(path)["on"], path
    same = "github.event.pull_request.head.repo.full_name == github.repository"
    for workflow, name, job in jobs():
        privileged = "id-token" in job["permissions"] or name == "comment"
        if workflow in {"preview", "review"} and privileged:
            assert same in job["if"] or job["if"] == "github.event_name == 'schedule'", name


def test_a_fork_still_sees_the_program_run() -> None:
    """In the emulated cloud, without a login, and it says so."""
    job = loaded(ROOT / ".github/workflows/preview.yml")["jobs"]["emulated"]
    assert "!= github.repository" in job["if"]
    assert job["permissions"] == {"contents": "read"}
    script = job["steps"][-1]["run"]
    assert re.findall(r"make up STACK=(\w+)", script) == ["dev", "staging", "prod", "dr"]
    assert "GITHUB_STEP_SUMMARY" in script


def test_shells_stop_at_the_first_failure() -> None:
    """Also in a pipe: `pulumi preview | tee` is not `tee`'s success."""
    for path in WORKFLOWS:
        content = loaded(path)
        runs = [s for job in content["jobs"].values() for s in job.get("steps", []) if "run" in s]
        if runs:
            assert content["defaults"]["run"]["shell"] == "bash -euo pipefail {0}", path
    for path in ACTIONS:
        shells = {s["shell"] for s in loaded(path)["runs"]["steps"] if "run" in s}
        # GitHub's own `bash` is `bash --noprofile --norc -eo pipefail {0}`.
        assert shells == {"bash"}


def test_no_expression_stands_in_a_script() -> None:
    """What a pull request can name reaches a script as a variable, never as its text."""
    assert [where for where, step in steps() if UNTRUSTED.search(step.get("run", ""))] == []


def test_scripts_are_bash() -> None:
    """Every script parses."""
    for where, step in steps():
        if "run" in step:
            done = subprocess.run(
                ["bash", "-n"],  # noqa: S607 - the runner's bash is on PATH too
                input=step["run"],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, (where, done.stderr)


def test_commands_exist() -> None:
    """Every `arca` and every `make` of a script is one, with its options and arguments."""
    scripts = "\n".join(step.get("run", "") for _, step in steps())
    assert len(commands.ARCA.findall(scripts)) > 8
    assert commands.wrong(scripts.replace("\\\n", " ")) == []


def test_changes_are_never_cut_off() -> None:
    """Half an update leaves a lock, half a release two revisions."""
    for path in WORKFLOWS:
        content = loaded(path)
        groups = [
            content.get("concurrency"),
            *(j.get("concurrency") for j in content["jobs"].values()),
        ]
        if path.stem in NEVER_CUT_OFF:
            assert any(groups), path
            assert all(group["cancel-in-progress"] is False for group in groups if group), path


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
            inner = loaded(ROOT / ".github" / "workflows" / called)["jobs"]
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
    assert len(environments()) == 13


def test_only_a_job_in_an_environment_can_log_in() -> None:
    """Whoever asks for a token is in an environment, or calls a workflow whose job is."""
    for workflow, name, job in jobs():
        if "id-token" in job["permissions"]:
            assert "environment" in job or "uses" in job, (workflow, name)


def test_a_release_belongs_to_the_applications_repository() -> None:
    """Everything else to this one."""
    for name, repository in trusted().items():
        wanted = "your-org/arca-api" if name.endswith("-release") else "your-org/arca-infra"
        assert repository == wanted


def test_logins_are_no_longer_than_the_roles_allow() -> None:
    """AWS refuses a longer one."""
    (login,) = [s for _, s in steps() if "configure-aws-credentials" in s.get("uses", "")]
    seconds = {
        role.inputs["maxSessionDuration"]
        for stack in STACKS
        for role in graph(stack).of("aws:iam/role:Role")
        if role.component == "delivery"
    }
    assert {login["with"]["role-duration-seconds"]} == seconds


def test_the_order_of_a_release() -> None:
    """dev, staging, prod, dr; each waits for the one before."""
    stages = loaded(ROOT / ".github/workflows/release.yml")["jobs"]
    assert {name: job.get("needs") for name, job in stages.items()} == {
        "dev": None,
        "staging": "dev",
        "prod": "staging",
        "dr": "prod",
    }


def test_the_order_of_infrastructure() -> None:
    """Prod's update waits for staging's and for its own plan; dr's for prod's."""
    order = loaded(ROOT / ".github/workflows/infra.yml")["jobs"]
    assert "staging" in order["plan-of-prod"]["needs"]
    assert "plan-of-prod" in order["prod"]["needs"]
    assert "result == 'success'" in order["prod"]["if"]
    assert "prod" in order["dr"]["needs"]
    for stage in ("plan-of-prod", "dr"):
        assert "needs.staging.result != 'failure'" in order[stage]["if"]
    assert "needs.prod.result != 'failure'" in order["dr"]["if"]
