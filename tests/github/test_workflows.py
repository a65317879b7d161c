"""The workflows' schema, audit, pinned actions, permissions and commands."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT, commands
from tests.github.workflows import (
    ACTIONS,
    WORKFLOWS,
    commands_of,
    jobs,
    jobs_of,
    loaded,
    named,
    steps,
    triggers,
)

PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
BIN = Path(sys.executable).parent
NEVER_CANCELLED = (
    *("drift", "infra", "release", "release-stage", "review", "review-sweep", "stack"),
)
UNTRUSTED = re.compile(r"\$\{\{")


def ran(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a checker of the virtual environment in the root of the checkout."""
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("schema", "files"),
    [("vendor.github-workflows", WORKFLOWS), ("vendor.github-actions", ACTIONS)],
    ids=["workflows", "actions"],
)
def test_the_schema_holds(schema: str, files: list[Path]) -> None:
    """GitHub could read the files; the schema is the checker's own copy, so nothing is fetched."""
    assert files
    done = ran("check-jsonschema", "--builtin-schema", schema, *map(str, files))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_audit_is_clean() -> None:
    """Zizmor finds no injection, no credentials left in a checkout, no excessive permission."""
    done = ran(
        "zizmor", "--offline", "--persona=regular", "--no-progress", "--format=plain", ".github"
    )
    assert done.returncode == 0, done.stdout


def test_every_action_is_pinned_to_a_commit() -> None:
    """A tag can be moved; our own actions come from the commit that runs."""
    used = [step["uses"] for _, step in steps() if "uses" in step]
    used += [job["uses"] for _, _, job in jobs() if "uses" in job]
    assert len(used) > 20
    assert [u for u in used if not u.startswith("$/.github/") and not PINNED.fullmatch(u)] == []


def test_one_commit_and_one_version_an_action() -> None:
    """A comment gives the version, and all files agree."""
    lines = [
        found
        for path in [*WORKFLOWS, *ACTIONS]
        for found in re.findall(r"uses: ([^$\s]+)@(\S+)(.*)", path.read_text(encoding="utf-8"))
    ]
    assert [line for line in lines if not re.fullmatch(r" # v\d+\.\d+\.\d+", line[2])] == []
    assert len(set(lines)) == len({name for name, _, _ in lines})


def test_nothing_is_permitted_by_default() -> None:
    """Each job lists its permissions, and a workflow grants none."""
    assert [path.name for path in WORKFLOWS if loaded(path)["permissions"] != {}] == []
    assert [f"{w}.{name}" for w, name, job in jobs() if not job.get("permissions")] == []
    writes = {
        (f"{w}.{name}", right)
        for w, name, job in jobs()
        for right, level in job["permissions"].items()
        if level == "write" and right != "id-token"
    }
    assert writes == {
        ("preview.comment", "pull-requests"),
        ("drift.report", "issues"),
        ("review.down", "actions"),
    }


def test_every_job_ends() -> None:
    """GitHub's own limit is six hours; the jobs of a called workflow have their own limits."""
    missing = [
        f"{w}.{name}"
        for w, name, job in jobs()
        if "uses" not in job and not 0 < job.get("timeout-minutes", 0) <= 120
    ]
    assert missing == []


def test_no_fork_runs_with_our_rights() -> None:
    """No workflow has `pull_request_target`, which runs with our secrets."""
    for path in WORKFLOWS:
        assert "pull_request_target" not in loaded(path)["on"], path
        assert "workflow_run" not in loaded(path)["on"], path
    same = "github.event.pull_request.head.repo.full_name == github.repository"
    for workflow, name, job in jobs():
        privileged = "id-token" in job["permissions"] or "write" in job["permissions"].values()
        if workflow in {"preview", "review"} and privileged:
            assert same in job["if"], name


def test_a_job_that_may_write_runs_no_code_of_a_pull_request() -> None:
    """It checks out main, or the pull request's base, or nothing; and `arca` comes from there.

    A job with a login can run a pull request's code, after the approval of its environment.
    """
    seen = 0
    for workflow, name, job in jobs():
        writes = {right for right, level in job["permissions"].items() if level == "write"}
        if not writes - {"id-token"}:
            continue
        assert writes.isdisjoint({"id-token", "contents"}), (workflow, name)
        seen += 1
        for step in job["steps"]:
            if "pull_request" in triggers(workflow) and "checkout" in step.get("uses", ""):
                assert step["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert seen == 3


def test_a_fork_still_sees_the_program_run() -> None:
    """The program runs in the emulated AWS, without a login, and the summary says so."""
    job = jobs_of("preview")["emulated"]
    assert "!= github.repository" in job["if"]
    assert job["permissions"] == {"contents": "read"}
    script = job["steps"][-1]["run"]
    assert re.findall(r"make up STACK=(\w+)", script) == ["dev", "staging", "prod", "dr"]
    assert "GITHUB_STEP_SUMMARY" in script


def test_shells_stop_at_the_first_failure() -> None:
    """That holds within a pipe too: `tee` does not hide that `pulumi preview` failed."""
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
    """Names from a pull request reach a script as variables, never as a part of its text."""
    assert [where for where, step in steps() if UNTRUSTED.search(step.get("run", ""))] == []


def test_scripts_are_bash() -> None:
    """Bash parses every script."""
    scripts = [(where, step["run"]) for where, step in steps() if "run" in step]
    files = sorted((ROOT / ".github" / "scripts").glob("*.sh"))
    assert files
    for where, script in [*scripts, *((path.name, path.read_text("utf-8")) for path in files)]:
        done = subprocess.run(
            ["bash", "-n"],  # noqa: S607 - the runner's bash is on PATH too
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (where, done.stderr)


def test_commands_exist() -> None:
    """Every `arca` and every `make` of a script exists, with its options and arguments."""
    lines = "\n".join(commands_of(step.get("run", "")) for _, step in steps())
    assert len(commands.ARCA.findall(lines)) > 25
    # A command that hides behind another one would not be checked.
    assert len(commands.ARCA.findall(lines)) == len(re.findall(r"(?<![\w/-])arca [a-z]", lines))
    assert commands.wrong(lines) == []


def test_changes_are_never_cancelled() -> None:
    """A cancelled update leaves a lock, and a cancelled release leaves two revisions."""
    for path in WORKFLOWS:
        content = loaded(path)
        groups = [
            content.get("concurrency"),
            *(j.get("concurrency") for j in content["jobs"].values()),
        ]
        if path.stem in NEVER_CANCELLED:
            assert any(groups), path
            assert all(group["cancel-in-progress"] is False for group in groups if group), path
            # By default GitHub keeps only one of the runs that wait.
            assert all(group["queue"] == "max" for group in groups if group), path


def test_every_plan_is_checked_against_the_policies() -> None:
    """The check comes before anybody reads the plan, and before an update."""
    listed = jobs_of("stack")["stack"]["steps"]
    names = [step.get("name", "") for step in listed]
    policies = names.index("Check the plan against the policies")
    digest = names.index("Compare the plan with the approved one")
    assert names.index("Preview") < policies < digest < names.index("Update")
    assert listed[policies]["if"] == listed[names.index("Preview")]["if"] == "!inputs.drift"
    assert "arca ci plan-policy < events.json" in listed[policies]["run"]


def test_a_failed_run_is_made_up_for_by_the_next() -> None:
    """Touched is whatever changed since the last run that succeeded."""
    job = jobs_of("infra")["touched"]
    assert "--status success" in named("infra", "touched", "touched")["run"]
    assert "github.event.before" not in json.dumps(job)
    assert job["permissions"] == {"actions": "read", "contents": "read"}


def test_a_release_is_validated() -> None:
    """Migrations come before it, smoke tests after it, and the status is shown in any case."""
    listed = jobs_of("release-stage")["release"]["steps"]
    scripts = [step.get("run", "") for step in listed]
    found = re.findall(r"arca (\w+)|(copy_image)", "\n".join(scripts))
    assert [command or "copy" for command, _ in found] == [
        *("copy", "migrate", "deploy", "deploy", "smoke", "verify", "status"),
    ]
    assert listed[-1]["if"] == "always()"
