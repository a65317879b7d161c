"""Review stacks' workflows: their steps, run with an AWS and a Pulumi that write down."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.github.test_workflow_expressions import filled
from tests.github.workflows import Runner, jobs_of, named

UP, SECRETS, RELEASE = (
    *("Bring the stack up, where there is room", "Take dev's given secrets"),
    "Release what dev runs",
)
DESTROY = "Destroy what nobody asks for, and what is older than its time"
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
PYTHON = """case "$2 $STOP" in "room room") exit 6;; esac
case "$2" in over) cat > over.json; printf '4\\n7\\n';; room) cat > room.json;; esac"""
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
    """One where there is room and all goes well."""
    return Runner(tmp_path, python=PYTHON, pulumi=PULUMI, aws=AWS, gh="echo 4,12", arca="", bash="")


def environment(workflow: str, job: str, step: dict[str, Any]) -> dict[str, str]:
    """The variables of a step of the pull request 41, as its job and itself declare them."""
    declared = {**jobs_of(workflow)[job]["env"], **step.get("env", {})}
    return {name: filled(text, EVENT) for name, text in declared.items()}


def run(runner: Runner, workflow: str, job: str, name: str, *, stop: str = "-") -> Any:
    """Run one step; `stop` names what goes wrong."""
    step = named(workflow, job, name)
    return runner.run(step["run"], **environment(workflow, job, step), STOP=stop)


@pytest.mark.parametrize("new", [True, False])
def test_a_review_stack_is_the_pull_requests_own(runner: Runner, *, new: bool) -> None:
    """It asks for room under its own number, and with the account's real budget."""
    done = run(runner, "review", "up", UP, stop="new" if new else "-")
    assert done.code == 0, done.said
    made = ["pulumi stack init review-41 --secrets-provider awskms://k"] if new else []
    assert done.calls == [
        "python .github/scripts/review_stack.py generate 41",
        "pulumi stack select review-41",
        *made,
        "pulumi stack ls --json",
        "aws sts get-caller-identity --query Account --output text",
        "aws budgets describe-budget --account-id 123456789012 --budget-name arca-monthly",
        "python .github/scripts/review_stack.py room 41 --budget budget.json",
        "pulumi up --yes --skip-preview --non-interactive --color never --stack review-41",
    ]
    assert json.loads(done.read("room.json")) == [{"name": "review-4"}]


def test_without_room_nothing_is_brought_up(runner: Runner) -> None:
    """What was only asked for goes again."""
    done = run(runner, "review", "up", UP, stop="room")
    assert done.code == 6
    assert done.calls[-1] == "pulumi stack rm --yes review-41"


def test_secrets_are_devs(runner: Runner) -> None:
    """Never those of a stack that customers use; and no value is shown or left."""
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


def test_a_review_stack_runs_what_dev_runs(runner: Runner) -> None:
    """The image of the environment's variable, by its digest, with a verdict."""
    done = run(runner, "review", "up", RELEASE)
    assert done.code == 0, done.said
    repository = "1.dkr/arca-review-41-api"
    assert done.calls == [
        "pulumi stack output registry --json --stack review-41",
        f"bash .github/scripts/copy_image.sh ghcr.io/a/b {DIGEST} {repository} 1",
        "python .github/scripts/settled.py follow review-41 ",
        f"arca deploy {repository}@{DIGEST} --stack review-41 --json",
        "arca smoke --stack review-41",
    ]
    runner.fake("arca", "exit 3")
    assert run(runner, "review", "up", RELEASE).code == 3


SWEPT = "pulumi destroy --yes --remove --skip-preview --non-interactive --color never --stack"


@pytest.mark.parametrize(("stop", "code"), [("-", 0), ("review-4", 1), ("review-7", 1)])
def test_a_sweep_goes_on_and_says_so(runner: Runner, stop: str, code: int) -> None:
    """One that cannot be destroyed keeps no other, and the run fails."""
    done = run(runner, "review-sweep", "sweep", DESTROY, stop=stop)
    assert done.code == code, done.said
    asked = "--state open --label review-stack --limit 100 --json number"
    assert done.calls[0].startswith(f"gh pr list --repo acme/arca-infra {asked}")
    assert done.calls[1:] == [
        "pulumi stack ls --json",
        "python .github/scripts/review_stack.py over --asked 4,12",
        "python .github/scripts/review_stack.py generate 4",
        f"{SWEPT} review-4",
        "python .github/scripts/review_stack.py generate 7",
        f"{SWEPT} review-7",
    ]
    assert json.loads(done.read("over.json")) == [{"name": "review-4"}]


def test_the_label_that_goes_asks_for_a_sweep(runner: Runner) -> None:
    """Main's own, for the pull request's workflow may do nothing else."""
    (step,) = jobs_of("review")["down"]["steps"]
    done = runner.run(step["run"], MAIN="main")
    assert done.calls == ["gh workflow run review-sweep.yml --repo acme/arca-infra --ref main"]
    assert jobs_of("review")["down"]["env"]["MAIN"] == (
        "${{ github.event.repository.default_branch }}"
    )


@pytest.mark.parametrize(("workflow", "job"), [("review", "up"), ("review-sweep", "sweep")])
def test_the_key_of_a_stack_is_found_in_its_state(workflow: str, job: str) -> None:
    """Its file is made anew in each run and names none.

    Source: Pulumi's documentation, "Environment variables".
    """
    given = jobs_of(workflow)[job]["env"]
    assert given["PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER"] == "true"
