"""The steps of review.yml and review-sweep.yml, run with commands that record their calls."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.github.conditions import filled, holds
from tests.github.workflows import Runner, jobs_of, named

ADMIT, UP, SECRETS, COPY, WAIT, RELEASE, SMOKE, FIND, DESTROY = (
    "Admit the stack",
    "Bring the stack up",
    "Copy dev's secrets",
    "Copy dev's image",
    "Wait for the first deployment",
    "Release dev's image",
    "Smoke-test the service",
    "Find unrequested and old review stacks",
    "Destroy the review stack",
)
EVENT = {
    "github": {
        "token": "t",
        "run_id": "5",
        "event": {"pull_request": {"number": 41}},
    },
    "vars": {"PULUMI_SECRETS_PROVIDER": "awskms://k", "REVIEW_IMAGE": "ghcr.io/a/b@sha256:1"},
    "secrets": {},
}
DIGEST = "sha256:1"
ARCA = """case "$3 $STOP" in "admit room") exit 6;; esac
case "$3" in removable) cat > removable.json; printf '4\\n7\\n';; admit) cat > admit.json;; esac"""
PULUMI = """case "$1 $2" in
  "stack ls") echo '[{"name": "review-4"}]';;
  "stack select") [ "$STOP" != new ];;
  "stack output") case "$3" in
    registry) echo '{"repository_url": "1.dkr/arca-review-41-api"}';;
    *) echo '["arca-certificate", "pager"]';;
  esac;;
  "destroy --yes") case "$*" in *"$STOP") exit 255;; esac;;
esac"""
AWS = """case "$1" in sts) echo 123456789012;; budgets) echo '{}';; esac
case "$*" in *--query\\ SecretString*) echo hidden;; *put-secret-value*) cat value > given;; esac"""


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """Return a runner where no limit is reached and every command succeeds."""
    return Runner(tmp_path, pulumi=PULUMI, aws=AWS, gh="echo 4,12", arca=ARCA, bash="")


def environment(workflow: str, job: str, step: dict[str, Any]) -> dict[str, str]:
    """Return the variables that a step of pull request 41 has, its job's included."""
    declared = {**jobs_of(workflow)[job]["env"], **step.get("env", {})}
    return {name: filled(text, EVENT) for name, text in declared.items()}


def run(runner: Runner, workflow: str, job: str, name: str, *, stop: str = "-") -> Any:
    """Run one step; `stop` names what fails."""
    step = named(workflow, job, name)
    return runner.run(step["run"], **environment(workflow, job, step), STOP=stop)


@pytest.mark.parametrize("new", [True, False])
def test_a_review_stack_is_the_pull_requests_own(runner: Runner, *, new: bool) -> None:
    """It is admitted under its own number, and with the account's real budget."""
    done = run(runner, "review", "up", ADMIT, stop="new" if new else "-")
    assert done.code == 0, done.said
    made = ["pulumi stack init review-41 --secrets-provider awskms://k"] if new else []
    assert done.calls == [
        "arca ci review-stack generate 41",
        "pulumi stack select review-41",
        *made,
        "pulumi stack ls --json",
        "aws sts get-caller-identity --query Account --output text",
        "aws budgets describe-budget --account-id 123456789012 --budget-name arca-monthly",
        "arca ci review-stack admit 41 --budget budget.json",
    ]
    assert run(runner, "review", "up", UP).calls == [
        "pulumi up --yes --skip-preview --non-interactive --color never --stack review-41"
    ]
    assert json.loads(done.read("admit.json")) == [{"name": "review-4"}]


def test_a_refused_stack_does_not_come_up(runner: Runner) -> None:
    """The empty stack is removed again."""
    done = run(runner, "review", "up", ADMIT, stop="room")
    assert done.code == 6
    assert done.calls[-1] == "pulumi stack rm --yes review-41"


def test_secrets_are_copied_from_dev(runner: Runner) -> None:
    """No value is shown, and none stays on the runner."""
    done = run(runner, "review", "up", SECRETS)
    assert done.code == 0, done.said
    asked = [call for call in done.calls if call.startswith("aws ")]
    get, put = "aws secretsmanager get-secret-value", "aws secretsmanager put-secret-value"
    shown, file = "--query SecretString --output text", "--secret-string file://value"
    assert asked == [
        f"{get} --secret-id arca-dev/arca-certificate {shown}",
        f"{put} --secret-id arca-review-41/arca-certificate {file}",
        f"{get} --secret-id arca-dev/pager {shown}",
        f"{put} --secret-id arca-review-41/pager {file}",
    ]
    assert done.read("given") == "hidden\n"
    assert "hidden" not in done.said
    assert not (runner.folder / "value").exists()


def test_a_review_stack_runs_devs_image(runner: Runner) -> None:
    """It releases the image of the environment's variable by its digest, with a verdict."""
    copied = run(runner, "review", "up", COPY)
    repository = "1.dkr/arca-review-41-api"
    assert copied.read("GITHUB_ENV") == f"IMAGE={repository}@{DIGEST}\n"
    runner.fake("arca", "exit 3")
    ended = [
        runner.run(
            named("review", "up", name)["run"], STACK="review-41", IMAGE=f"{repository}@{DIGEST}"
        )
        for name in (WAIT, RELEASE, SMOKE)
    ]
    assert [call for done in (copied, *ended) for call in done.calls] == [
        "pulumi stack output registry --json --stack review-41",
        f"bash .github/scripts/copy_image.sh ghcr.io/a/b {DIGEST} {repository} 1",
        "arca ci deployment follow --stack review-41 --after ",
        f"arca deploy {repository}@{DIGEST} --stack review-41 --json",
        "arca smoke --stack review-41",
    ]
    # The first deployment may fail; the release and its smoke test may not.
    assert {done.code for done in ended} == {3}
    steps = jobs_of("review")["up"]["steps"]
    assert [s["name"] for s in steps if s.get("continue-on-error")] == [WAIT]


SWEPT = "pulumi destroy --yes --remove --skip-preview --non-interactive --color never --stack"


def test_a_sweep_finds_what_nobody_requests(runner: Runner) -> None:
    """Each number becomes a job of its own."""
    done = run(runner, "review-sweep", "find", FIND)
    assert done.code == 0, done.said
    requested = "--state open --label review-stack --limit 100 --json number"
    assert done.calls[0].startswith(f"gh pr list --repo acme/arca-infra {requested}")
    assert done.calls[1:] == [
        "pulumi stack ls --json",
        "arca ci review-stack removable --requested 4,12",
    ]
    assert json.loads(done.read("removable.json")) == [{"name": "review-4"}]
    assert done.read("GITHUB_OUTPUT") == "numbers=[4,7]\n"
    jobs = jobs_of("review-sweep")
    assert jobs["find"]["outputs"] == {"numbers": "${{ steps.find.outputs.numbers }}"}
    strategy = jobs["destroy"]["strategy"]
    assert strategy["matrix"] == {"number": "${{ fromJSON(needs.find.outputs.numbers) }}"}
    # A stack that cannot be destroyed does not stop the others.
    assert strategy["fail-fast"] is False


def test_a_sweep_without_work_ends(runner: Runner) -> None:
    """A matrix must not be empty, so the job is skipped."""
    runner.fake("arca", "cat > /dev/null")
    done = run(runner, "review-sweep", "find", FIND)
    assert (done.code, done.read("GITHUB_OUTPUT")) == (0, "numbers=[]\n")
    condition = jobs_of("review-sweep")["destroy"]["if"]
    for numbers, runs in (("[]", False), ("[4]", True)):
        needs = {"find": {"outputs": {"numbers": numbers}}}
        assert holds(condition, {"needs": needs}) == runs


def test_a_failed_search_sweeps_nothing(runner: Runner) -> None:
    """Otherwise every stack would look unrequested."""
    runner.fake("gh", "exit 1")
    done = run(runner, "review-sweep", "find", FIND)
    assert done.code == 1
    assert not (runner.folder / "GITHUB_OUTPUT").exists()


DESTROYED = "pulumi destroy --yes --remove --skip-preview --non-interactive --color never --stack"


@pytest.mark.parametrize(("stop", "code"), [("-", 0), ("review-4", 255)])
def test_a_sweep_destroys_one_stack_a_job(runner: Runner, stop: str, code: int) -> None:
    """The job ends as `pulumi` did."""
    step = named("review-sweep", "destroy", DESTROY)
    assert jobs_of("review-sweep")["destroy"]["env"]["NUMBER"] == "${{ matrix.number }}"
    done = runner.run(step["run"], NUMBER="4", STOP=stop)
    assert done.code == code, done.said
    assert done.calls == ["arca ci review-stack generate 4", f"{DESTROYED} review-4"]


def test_a_removed_label_starts_the_sweep_of_main(runner: Runner) -> None:
    """The pull request's own workflow may do nothing else."""
    (step,) = jobs_of("review")["down"]["steps"]
    done = runner.run(step["run"], MAIN="main")
    assert done.calls == ["gh workflow run review-sweep.yml --repo acme/arca-infra --ref main"]
    assert jobs_of("review")["down"]["env"]["MAIN"] == (
        "${{ github.event.repository.default_branch }}"
    )


@pytest.mark.parametrize(("workflow", "job"), [("review", "up"), ("review-sweep", "destroy")])
def test_the_key_of_a_stack_is_found_in_its_state(workflow: str, job: str) -> None:
    """The file that each run generates names no secrets provider.

    Source: Pulumi's documentation, "Environment variables".
    """
    given = jobs_of(workflow)[job]["env"]
    assert given["PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER"] == "true"
