"""The steps of stack.yml, run with a `pulumi` and an `arca` that record their calls.

Also the jobs that find the touched stacks, run on a small repository.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT
from tests.arca.ci.github_api import COMMIT, Answer, path, ref, runs, serve
from tests.github.conditions import FINE, holds
from tests.github.workflows import REAL_CI, Runner, jobs_of, named, steps, triggers

STACK = jobs_of("stack")["stack"]
STEPS: list[dict[str, Any]] = STACK["steps"]
(
    PREVIEW,
    POLICIES,
    DIGEST,
    COST,
    DRIFT,
    DRIFTED,
    BEFORE,
    RECOVERY,
    UPDATE,
    FOLLOW,
    VERIFY,
    SHOW,
    RECORD,
    UPLOAD,
) = (
    "Preview",
    "Check the plan against the policies",
    "Compare the plan with the approved one",
    "Estimate the cost",
    "Check for drift",
    "Record how the check for drift ended",
    "Remember the newest deployment",
    "Check that no failover is under way",
    "Update",
    "Follow the deployment",
    "Verify what a task refers to",
    "Show the status",
    "Record how the preview ended",
    "Upload the results",
)
UPDATING = (BEFORE, RECOVERY, UPDATE, FOLLOW, VERIFY, SHOW)
DEPLOYED = json.dumps(
    {
        "deployment": {"id": "new", "status": "SUCCESSFUL", "reason": "", "paused": False},
        "release": None,
    }
)
QUIET = """case "$2" in require-no-recovery) exit;; esac
"""
"""The beginning of a fake `arca` that finds no failover; tests/arca/ci/test_recovery.py has it."""
ROLLED_BACK = DEPLOYED.replace("SUCCESSFUL", "ROLLBACK_SUCCESSFUL")


def steps_of(purpose: str, *, drift: bool = False, well: bool = True) -> list[str]:
    """Return the named steps that such a call runs; `well` says whether earlier steps succeeded."""
    contexts = {"inputs": {"purpose": purpose, "drift": drift, "stack": "prod"}}
    status = {**FINE, "success": well, "failure": not well}
    return [s["name"] for s in STEPS if "name" in s and holds(s.get("if"), contexts, status)]


def test_what_each_purpose_does() -> None:
    """Only `infra` changes anything, after its preview; only `drift` compares with AWS."""
    assert steps_of("preview") == [PREVIEW, POLICIES, DIGEST, COST, RECORD, UPLOAD]
    assert steps_of("look") == [PREVIEW, POLICIES, DIGEST, UPLOAD]
    assert steps_of("look", drift=True) == [DRIFT, DRIFTED, UPLOAD]
    assert steps_of("infra") == [PREVIEW, POLICIES, DIGEST, *UPDATING]
    assert steps_of("preview", well=False) == [RECORD, UPLOAD]
    assert steps_of("look", drift=True, well=False) == [UPLOAD]
    assert steps_of("infra", well=False) == []


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """Return a runner where every command succeeds; the commands of `arca ci` are real."""
    return Runner(tmp_path, pulumi="", arca=REAL_CI)


def test_a_preview_keeps_its_output_and_its_events(runner: Runner) -> None:
    """Pulumi has the flag for events only when it shows debug commands."""
    step = named("stack", "stack", PREVIEW)
    assert step["env"]["PULUMI_DEBUG_COMMANDS"] == "true"
    runner.fake("pulumi", "echo it would change")
    done = runner.run(step["run"], STACK="dev")
    (call,) = done.calls
    assert done.code == 0
    assert call.startswith("pulumi preview --diff --non-interactive")
    assert call.endswith("--event-log events.json --stack dev")
    assert done.read("results/dev.txt") == "it would change\n"
    runner.fake("pulumi", "exit 255")
    assert runner.run(step["run"], STACK="dev").code == 255


@pytest.mark.parametrize(("operation", "code"), [("same", 0), ("delete", 6)])
def test_a_plan_that_is_refused_ends_the_job(runner: Runner, operation: str, code: int) -> None:
    """What it would lose is a part of the output that the comment shows."""
    bucket = {
        "op": operation,
        "urn": "urn:pulumi:dev::arca-api::aws:s3/bucket:Bucket::storage",
        "type": "aws:s3/bucket:Bucket",
    }
    change = {"resourcePreEvent": {"metadata": bucket}}
    events: list[dict[str, Any]] = [{"preludeEvent": {}}, change]
    (runner.folder / "results").mkdir()
    text = "\n".join(map(json.dumps, events))
    (runner.folder / "events.json").write_text(text, encoding="utf-8")
    done = runner.run(named("stack", "stack", POLICIES)["run"], STACK="dev")
    assert done.code == code
    shown = done.read("results/dev.txt")
    wanted = ("delete storage (aws:s3/bucket:Bucket)", "Error: The plan breaks", "  do:     change")
    assert [line in shown for line in wanted] == [code == 6] * 3


def test_a_preview_leaves_an_estimate(runner: Runner) -> None:
    """JSON alone, where the comment's job looks for it."""
    (runner.folder / "results").mkdir()
    runner.fake("arca", "echo recording >&2; echo '{}'")
    done = runner.run(named("stack", "stack", COST)["run"], STACK="dr")
    assert done.calls == ["arca cost dr --json"]
    assert done.read("results/dr.cost.json") == "{}\n"


@pytest.mark.parametrize(
    ("pulumi", "result"),
    [
        ("exit 0", "clean"),
        ("echo 'error: no changes were expected but changes were proposed' >&2; exit 255", "drift"),
        ("echo 'error: could not read the state' >&2; exit 255", "failed"),
    ],
)
def test_a_drift_check_records_its_result(runner: Runner, pulumi: str, result: str) -> None:
    """It compares with AWS itself, not with the state of the last update."""
    runner.fake("pulumi", pulumi)
    check = named("stack", "stack", DRIFT)
    # A difference is a finding and no failure of the job.
    assert check["continue-on-error"] is True
    done = runner.run(check["run"], STACK="dr")
    (call,) = done.calls
    assert call.startswith("pulumi preview --refresh --expect-no-changes --diff ")
    assert call.endswith("--stack dr")
    record = named("stack", "stack", DRIFTED)
    assert record["env"] == {"OUTCOME": "${{ steps.drift.outcome }}"}
    outcome = "failure" if done.code else "success"
    assert runner.run(record["run"], STACK="dr", OUTCOME=outcome).code == 0
    assert done.read("results/dr.result") == f"{result}\n"


def test_a_drift_check_that_was_cancelled_is_not_clean(runner: Runner) -> None:
    """It left no result, or half of one."""
    (runner.folder / "results").mkdir()
    done = runner.run(named("stack", "stack", DRIFTED)["run"], STACK="dr", OUTCOME="cancelled")
    assert (done.code, done.read("results/dr.result")) == (0, "failed\n")


def test_an_update_is_followed_and_verified(runner: Runner) -> None:
    """The job looks before it, follows after it, and shows the status."""
    runner.fake("arca", f"{QUIET}{REAL_CI}echo '{DEPLOYED}'")
    code, calls = updated(runner)
    assert code == 0
    assert calls == [
        "arca ci deployment latest --stack prod",
        "arca status --stack prod --json",
        "arca ci require-no-recovery --stack prod",
        "pulumi up --yes --skip-preview --non-interactive --color never --stack prod",
        "arca ci deployment follow --stack prod --after new",
        "arca status --stack prod --json",
        "arca verify --stack prod",
        "arca status --stack prod",
    ]


def updated(runner: Runner) -> tuple[int, list[str]]:
    """Run the steps of an update as a job does, to the first that fails; returns code and calls."""
    calls, code = list[str](), 0
    for name in UPDATING:
        step = named("stack", "stack", name)
        before = {}
        if name == FOLLOW:
            assert step["env"] == {"BEFORE": "${{ steps.before.outputs.deployment }}"}
            written = (runner.folder / "GITHUB_OUTPUT").read_text(encoding="utf-8")
            before = {"BEFORE": written.strip().removeprefix("deployment=")}
        done = runner.run(step["run"], STACK="prod", **before)
        calls, code = [*calls, *done.calls], done.code
        if code:
            break
    return code, calls


BEFORE_UP = f"""if [ -e up ]; then echo '{ROLLED_BACK}'; exit; fi
echo '{DEPLOYED.replace("new", "old")}'"""


@pytest.mark.parametrize(
    ("pulumi", "arca", "code"),
    [
        # ECS rolls back the deployment that the update began.
        ("touch up", BEFORE_UP, 3),
        ("exit 255", f"echo '{DEPLOYED}'", 255),
        # A task refers to something that is missing.
        ("", f"echo '{DEPLOYED}'; [ \"$1\" != verify ]", 1),
    ],
)
def test_an_update_that_goes_wrong_fails(runner: Runner, pulumi: str, arca: str, code: int) -> None:
    """The job fails with the code of whichever command failed."""
    runner.fake("pulumi", pulumi)
    runner.fake("arca", QUIET + REAL_CI + arca)
    assert updated(runner)[0] == code


def test_an_unknown_deployment_begins_no_update(runner: Runner) -> None:
    """A failure within `$()` must not look like an empty answer."""
    runner.fake("arca", "exit 1")
    assert updated(runner) == (1, ["arca ci deployment latest --stack prod"])


def test_a_failover_begins_no_update(runner: Runner) -> None:
    """The job ends with the refusal's code, and Pulumi takes no lock."""
    refusing = QUIET.replace("exit;;", "exit 6;;")
    runner.fake("arca", f"{refusing}{REAL_CI}echo '{DEPLOYED}'")
    code, calls = updated(runner)
    assert (code, calls[-1]) == (6, "arca ci require-no-recovery --stack prod")


def plan(runner: Runner, *operations: str) -> None:
    """Leave the event log of a preview with these steps."""
    steps = [{"op": op, "urn": f"urn:{n}", "type": "t"} for n, op in enumerate(operations)]
    events: list[dict[str, Any]] = [{"preludeEvent": {}}]
    events += [{"resourcePreEvent": {"metadata": one}} for one in steps]
    text = "\n".join(map(json.dumps, events))
    (runner.folder / "events.json").write_text(text, encoding="utf-8")
    (runner.folder / "results").mkdir(exist_ok=True)


def digest(runner: Runner, approved: str) -> tuple[int, str]:
    """Run the step that compares; returns its code and the digest that later jobs get."""
    step = named("stack", "stack", DIGEST)
    assert step["id"] == "digest"
    assert STACK["outputs"] == {"plan": "${{ steps.digest.outputs.plan }}"}
    assert step["env"] == {"APPROVED": "${{ inputs.approved }}"}
    (runner.folder / "GITHUB_OUTPUT").unlink(missing_ok=True)
    summary = str(runner.folder / "summary")
    done = runner.run(step["run"], STACK="prod", APPROVED=approved, GITHUB_STEP_SUMMARY=summary)
    found = done.read("GITHUB_OUTPUT").strip().removeprefix("plan=")
    assert found in done.read("summary")
    assert found in done.read("results/prod.txt")
    return done.code, found


def test_what_is_approved_is_what_is_applied(runner: Runner) -> None:
    """The job that applies makes the plan again, and refuses another one before it changes."""
    plan(runner, "update", "same")
    shown = digest(runner, "any")
    assert shown[0] == 0
    assert digest(runner, shown[1]) == shown
    plan(runner, "update", "delete")
    code, other = digest(runner, shown[1])
    assert code == 6
    assert other != shown[1]
    # The job that shows the plan has lost its output.
    assert digest(runner, "")[0] == 6


def test_prod_and_dr_apply_the_plan_that_was_shown() -> None:
    """Nobody approves dev and staging; every job that is approved gets the digest."""
    given = {name: job.get("with", {}).get("approved") for name, job in jobs_of("infra").items()}
    assert {name: digest for name, digest in given.items() if digest} == {
        "prod": "${{ needs.plan-of-prod.outputs.plan }}",
        "dr": "${{ needs.plan-of-dr.outputs.plan }}",
    }
    called = triggers("stack")["workflow_call"]
    assert called["inputs"]["approved"]["default"] == "any"
    assert called["outputs"]["plan"]["value"] == "${{ jobs.stack.outputs.plan }}"
    for name in ("prod", "dr"):
        assert f"plan-of-{name}" in jobs_of("infra")[name]["needs"]


def test_results_replace_those_of_an_earlier_attempt() -> None:
    """A name is unique in a run, over all its attempts (actions/upload-artifact, `overwrite`)."""
    uploads = [
        (where, step["with"])
        for where, step in steps()
        if "upload-artifact" in step.get("uses", "")
    ]
    assert [where for where, _ in uploads] == ["stack.stack"]
    for _, given in uploads:
        assert given["overwrite"] is True
        # Jobs of one run that upload must not replace each other's.
        assert "inputs.stack" in given["name"]


def test_a_reader_takes_the_newest_results() -> None:
    """By the name that the upload has, which one file of the run has at most."""
    readers = [
        step["with"]["pattern"]
        for _, step in steps()
        if "download-artifact" in step.get("uses", "")
    ]
    assert readers == ["preview-*", "preview-*"]


def test_nothing_is_brought_up_before_its_tests(runner: Runner) -> None:
    """The run waits for ci.yml on its own commit, and every other job waits for that."""
    step = named("infra", "tested", "Wait for the tests of this commit")
    for ended, code in (("success", 0), ("failure", 6)):
        answers = {
            path("git", "ref", "heads", "main"): [Answer(ref(COMMIT))],
            path("actions", "workflows", "ci.yml", "runs"): [Answer(runs(ended))],
        }
        with serve(answers) as api:
            done = runner.run(
                step["run"],
                GITHUB_SHA=COMMIT,
                GH_TOKEN="t",  # noqa: S106 - the double's
                GITHUB_API_URL=api.url,
            )
        assert done.code == code, done.said
    assert (ROOT / ".github" / "workflows" / "ci.yml").is_file()
    assert triggers("ci")["push"] == {"branches": ["main"]}
    for name, job in jobs_of("infra").items():
        needs = job.get("needs", [])
        assert name == "tested" or "touched" in needs or needs in {"tested", "touched"}


class Repository:
    """A small repository with a history of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".github").unlink()
        for file in ROOT.glob("Pulumi.*.yaml"):
            shutil.copy(file, folder)
        for name in ("components/cache.py", "docs/cache.md"):
            (folder / name).parent.mkdir()
            (folder / name).write_text("the same text\n" * 20, encoding="utf-8")
        self.git("init", "--quiet", "--initial-branch", "main")
        self.first = self.commit()

    def git(self, *words: str) -> str:
        """Run git here with an author of the test's; returns its output."""
        who = ("-c", "user.name=test", "-c", "user.email=test@example.com")
        done = subprocess.run(
            ["git", *who, *words],  # noqa: S607 - the one on PATH, as the workflow has it
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self) -> str:
        """Commit every file as it is; returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(runner: Runner) -> Repository:
    """Return the repository that is the runner's checkout."""
    return Repository(runner.folder)


ALL = '["dev", "staging", "prod", "dr"]'


def touched(runner: Runner, workflow: str, before: str) -> str:
    """Run the workflow's own step; returns the stacks touched since that commit."""
    runner.fake("gh", f"echo {before}")
    step = named(workflow, "touched", "touched")
    assert step["id"] == "touched"
    wanted = {"preview": {"BASE"}, "infra": {"GH_TOKEN"}}[workflow]
    assert set(step["env"]) == wanted
    (runner.folder / "GITHUB_OUTPUT").unlink(missing_ok=True)
    done = runner.run(step["run"], BASE=before)
    assert done.code == 0, done.said
    return done.read("GITHUB_OUTPUT").strip().removeprefix("stacks=")


BOTH = pytest.mark.parametrize("workflow", ["preview", "infra"])


@BOTH
def test_a_file_that_leaves_the_program_touches_it(
    runner: Runner, repository: Repository, workflow: str
) -> None:
    """Git would call it a rename, and name only the new place, which the program never reads."""
    repository.git("mv", "components/cache.py", "docs/cache_old.py")
    repository.commit()
    assert touched(runner, workflow, repository.first) == ALL


@BOTH
def test_every_commit_since_then_counts(
    runner: Runner, repository: Repository, workflow: str
) -> None:
    """Earlier commits do not."""
    (repository.folder / "Pulumi.dr.yaml").write_text("a: b\n", encoding="utf-8")
    second = repository.commit()
    (repository.folder / "docs" / "cache.md").write_text("other\n", encoding="utf-8")
    repository.commit()
    assert touched(runner, workflow, repository.first) == '["dr"]'
    assert touched(runner, workflow, second) == "[]"


@pytest.mark.parametrize("before", ["", "0" * 40])
def test_the_first_run_touches_every_stack(
    runner: Runner, repository: Repository, before: str
) -> None:
    """No run has succeeded yet, or its commit is gone."""
    assert repository.first
    assert touched(runner, "infra", before) == ALL


def test_a_preview_compares_with_the_base(runner: Runner, repository: Repository) -> None:
    """Commits that main got meanwhile are not this pull request's."""
    step = named("preview", "touched", "touched")
    assert step["env"]["BASE"] == "${{ github.event.pull_request.base.sha }}"
    repository.git("switch", "--quiet", "--create", "change")
    (repository.folder / "Pulumi.dev.yaml").write_text("a: b\n", encoding="utf-8")
    repository.commit()
    repository.git("switch", "--quiet", "main")
    (repository.folder / "Pulumi.prod.yaml").write_text("a: b\n", encoding="utf-8")
    base = repository.commit()
    repository.git("switch", "--quiet", "change")
    assert touched(runner, "preview", base) == '["dev"]'
