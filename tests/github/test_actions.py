"""What each job installs and who it logs in as, before it runs anything else."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT
from tests.arca.ci.github_api import (
    COMMIT,
    OTHER,
    Answer,
    environment,
    path,
    policies,
    ref,
    serve,
)
from tests.github.workflows import (
    ACTIONS,
    WORKFLOWS,
    Runner,
    called_workflow,
    jobs,
    jobs_of,
    loaded,
)

INSTALL, PREPARE = "$/.github/actions/arca", "$/.github/actions/prepare"
WITHOUT_STACK = r"ci (?:touched|report|environments|require-tip|require-tests)\b"
"""Commands of `arca` that need neither Pulumi nor AWS."""
NEEDS_STACK = re.compile(
    rf"^\s*(?:exec |[a-z]+=\"\$\()?(?:arca (?!{WITHOUT_STACK})|pulumi )", re.MULTILINE
)
NEEDS_ARCA = re.compile(rf"\barca {WITHOUT_STACK}")
SECRETS = {"CLOUDFLARE_API_TOKEN", "INFRA_READ_TOKEN"}
"""Every secret that GitHub stores; a job's login to AWS needs none."""


def before(steps: list[dict[str, Any]], number: int) -> list[str]:
    """Return the actions that ran before a step."""
    return [str(step.get("uses", "")).partition("@")[0] for step in steps[:number]]


def test_a_job_that_works_on_a_stack_is_prepared() -> None:
    """It checks out, then prepares, knows where the state is, and may ask for a login."""
    seen = 0
    for workflow, name, job in jobs():
        steps: list[dict[str, Any]] = job.get("steps", [])
        for number, step in enumerate(steps):
            if NEEDS_STACK.search(step.get("run", "")):
                done = before(steps, number)
                assert done.index("actions/checkout") < done.index(PREPARE), (workflow, name)
                assert job["env"]["PULUMI_BACKEND_URL"] == "${{ vars.PULUMI_BACKEND_URL }}"
                assert job["permissions"]["id-token"] == "write"
                seen += 1
    assert seen >= 12


def test_a_job_that_only_calls_arca_installs_it_without_a_login() -> None:
    """It checks out, then installs `arca`; its token for GitHub is in the steps that use it."""
    seen: list[str] = []
    for workflow, name, job in jobs():
        steps: list[dict[str, Any]] = job.get("steps", [])
        for number, step in enumerate(steps):
            if NEEDS_ARCA.search(step.get("run", "")):
                done = before(steps, number)
                assert done.index("actions/checkout") < done.index(INSTALL), (workflow, name)
                assert "id-token" not in job["permissions"]
                assert "GH_TOKEN" not in job.get("env", {})
                seen.append(f"{workflow}.{name}")
    assert seen == [
        *("drift.report", "infra.tested", "infra.touched", "preview.touched", "preview.comment")
    ]


def test_a_job_that_calls_make_has_python() -> None:
    """`make` sets up its own environment, and needs only Python 3.11."""
    seen: list[str] = []
    for workflow, name, job in jobs():
        steps: list[dict[str, Any]] = job.get("steps", [])
        for number, step in enumerate(steps):
            if re.search(r"^\s*make |\.ci/run", step.get("run", ""), re.MULTILINE):
                assert "actions/setup-python" in before(steps, number), (workflow, name)
                seen.append(f"{workflow}.{name}")
    assert seen == [
        *("ci.lint-and-test", "ci.slow-tests", "ci.engine", "ci.clock", "ci.owner", "ci.attack"),
        "preview.emulated",
    ]


def action(name: str) -> list[dict[str, Any]]:
    """Return the steps of one of our own actions."""
    return loaded(ROOT / ".github" / "actions" / name / "action.yml")["runs"]["steps"]


def test_preparing_installs_and_then_logs_in() -> None:
    """Pulumi has the version of its SDK, which requirements.txt pins once."""
    steps = action("prepare")
    assert [step.get("name", str(step.get("uses")).partition("@")[0]) for step in steps] == [
        "actions/setup-python",
        "Install the pinned packages",
        "Check that the environment is guarded",
        "Check that this is the newest commit",
        "pulumi/actions",
        "aws-actions/configure-aws-credentials",
    ]
    assert steps[0]["with"] == {"python-version": "3.11"}
    assert steps[4]["with"] == {"pulumi-version": "${{ steps.install.outputs.pulumi }}"}
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert len(re.findall(r"^pulumi==([0-9.]+)", text, re.MULTILINE)) == 1


@pytest.fixture
def fresh(tmp_path: Path) -> Runner:
    """Return a runner whose virtual environments only record the calls of their `python`."""
    runner = Runner(tmp_path)
    runner.fake("python", 'if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/"; fi')
    (runner.folder / "requirements.txt").write_text("x==1\npulumi==3.200.1 \\\n", encoding="utf-8")
    shutil.copy(ROOT / "requirements-operator.txt", runner.folder)
    return runner


def installed(runner: Runner, name: str) -> list[str]:
    """Run the action's own step; returns the calls of `python`, and checks that PATH is set."""
    (step,) = (step for step in action(name) if "python -m venv" in step.get("run", ""))
    files = {"GITHUB_PATH": str(runner.folder / "path"), "RUNNER_TEMP": str(runner.folder)}
    done = runner.run(step["run"], **files)
    assert done.code == 0, done.said
    assert done.read("path") == f"{runner.folder}/.venv/bin\n"
    return [call.removeprefix("python -m ") for call in done.calls]


OWN = "pip install --quiet --no-deps --no-build-isolation"


def test_preparing_installs_every_package_by_its_hash(fresh: Runner) -> None:
    """Our own two packages come from the checkout, as in `make`."""
    assert installed(fresh, "prepare") == [
        "venv .venv",
        "pip install --quiet --require-hashes -r requirements-operator.txt",
        f"{OWN} --editable packages/arca-migrate --editable .",
    ]
    assert (fresh.folder / "GITHUB_OUTPUT").read_text(encoding="utf-8") == "pulumi=3.200.1\n"


def test_installing_arca_takes_two_packages_by_their_hashes(fresh: Runner) -> None:
    """Click runs the commands, and setuptools builds `arca`; both are the lock file's."""
    assert installed(fresh, "arca") == [
        "venv .venv",
        f"pip install --quiet --require-hashes -r {fresh.folder}/lock.txt",
        f"{OWN} --editable .",
    ]
    lock = (ROOT / "requirements-operator.txt").read_text(encoding="utf-8")
    copied = (fresh.folder / "lock.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\w)", copied.rstrip())
    assert [entry for entry in entries if entry not in lock] == []
    assert re.findall(r"^(\S+)==", copied, re.MULTILINE) == ["click", "setuptools"]
    assert copied.count("--hash=sha256:") >= 2


@pytest.mark.parametrize(
    "words",
    [
        ("touched",),
        ("report", "comment", "--help"),
        ("environments", "dev-infra", "--repository", "acme/arca-infra"),
        ("require-tip", "--repository", "acme/arca-infra", "--commit", "a" * 40),
        (
            *("require-tests", "--repository", "acme/arca-infra", "--commit", "a" * 40),
            *("--workflow", "ci.yml", "--minutes", "1"),
        ),
    ],
    ids=lambda words: words[0],
)
def test_click_is_all_that_these_commands_import(words: tuple[str, ...]) -> None:
    """They run where no other package is installed."""
    code = (
        "import json, sys\n"
        "before = set(sys.modules)\n"
        "from arca.cli.main import cli\n"
        "from arca.errors import ArcaError\n"
        "import arca.ci.report\n"
        "import arca.ci.commit, arca.ci.environments, arca.ci.github\n"
        "try: cli(['ci', *sys.argv[1:]], standalone_mode=False)\n"
        "except (SystemExit, ArcaError): pass\n"
        "print(json.dumps(sorted({m.split('.')[0] for m in set(sys.modules) - before})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=ROOT,
        # Without a token nothing is asked of GitHub.
        env={name: text for name, text in os.environ.items() if name != "GH_TOKEN"},
        input="README.md\n",
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(json.loads(done.stdout.splitlines()[-1]))
    assert imported & set(packages_distributions()) == {"arca", "click"}


def test_every_login_is_by_oidc() -> None:
    """No AWS key is stored anywhere, and the role is the environment's."""
    given = action("prepare")[-1]["with"]
    assert given["role-to-assume"] == "${{ inputs.role }}"
    assert {"aws-access-key-id", "aws-secret-access-key", "aws-session-token"}.isdisjoint(given)
    for file in [*WORKFLOWS, *ACTIONS]:
        text = file.read_text(encoding="utf-8")
        assert set(re.findall(r"secrets\.(\w+)", text)) <= SECRETS, file
        assert "AWS_ACCESS_KEY" not in text
        assert "secrets: inherit" not in text
    for workflow, name, job in jobs():
        for step in job.get("steps", []):
            if step.get("uses") == PREPARE:
                assert step["with"]["role"] == "${{ vars.AWS_ROLE_ARN }}", (workflow, name)


def test_a_login_comes_after_the_rules() -> None:
    """The environment's rules are asked for, and for an update the newest commit, before AWS is."""
    steps = action("prepare")
    (rules, newest) = steps[2:4]
    assert rules["run"].split() == [
        *("exec", "arca", "ci", "environments", '"$ENVIRONMENT"'),
        *("--repository", '"$GITHUB_REPOSITORY"'),
    ]
    assert rules["env"] == {
        "GH_TOKEN": "${{ inputs.token }}",
        "ENVIRONMENT": "${{ inputs.environment }}",
    }
    assert "if" not in rules
    assert newest["if"] == "inputs.newest-commit-only == 'true'"
    assert "continue-on-error" not in {*rules, *newest}
    seen = 0
    for workflow, name, job in jobs():
        listed: list[dict[str, Any]] = job.get("steps", [])
        logins = [n for n, step in enumerate(listed) if step.get("uses") == PREPARE]
        if "environment" not in job:
            assert logins == [], (workflow, name)
            continue
        # A job that logs in by another step would skip the rules.
        assert len(logins) == 1, (workflow, name)
        assert not any("configure-aws" in step.get("uses", "") for step in listed)
        given = listed[logins[0]]["with"]
        assert given["environment"] == job["environment"], (workflow, name)
        wanted = "${{ inputs.purpose == 'infra' }}" if workflow == "stack" else None
        assert given.get("newest-commit-only") == wanted
        assert job["permissions"]["actions"] == job["permissions"]["contents"] == "read"
        seen += 1
    assert seen == 5


def test_a_caller_grants_what_the_called_job_needs() -> None:
    """A called workflow has at most its caller's permissions (GitHub Docs, "Reuse workflows")."""
    for workflow, name, job in jobs():
        called = called_workflow(job)
        if called:
            (inner,) = jobs_of(called).values()
            assert inner["permissions"].items() <= job["permissions"].items(), (workflow, name)


@pytest.mark.parametrize(("name", "code"), [("dev-infra", 0), ("prod-infra", 6), ("dr-infra", 1)])
def test_an_open_environment_stops_the_job(tmp_path: Path, name: str, code: int) -> None:
    """The step itself, against a double of GitHub's API; a missing answer is no pass."""
    answers = {
        path("environments", "dev-infra"): [Answer(environment("dev-infra"))],
        path("environments", "dev-infra", "deployment-branch-policies"): [Answer(policies("main"))],
        path("environments", "prod-infra"): [Answer(environment("prod-infra", custom=False))],
    }
    with serve(answers) as api:
        done = Runner(tmp_path).run(
            action("prepare")[2]["run"],
            ENVIRONMENT=name,
            GH_TOKEN="t",  # noqa: S106 - the double's
            GITHUB_API_URL=api.url,
        )
    assert done.code == code, done.said


def test_an_old_commit_stops_the_job(tmp_path: Path) -> None:
    """A run of yesterday that is started again ends before its login."""
    runner, step = Runner(tmp_path), action("prepare")[3]
    for tip, code in ((COMMIT, 0), (OTHER, 6)):
        with serve({path("git", "ref", "heads", "main"): [Answer(ref(tip))]}) as api:
            done = runner.run(
                step["run"],
                GITHUB_SHA=COMMIT,
                GH_TOKEN="t",  # noqa: S106 - the double's
                GITHUB_API_URL=api.url,
            )
        assert done.code == code, done.said


def test_a_job_that_logs_in_installs_no_test_tool() -> None:
    """Whatever is installed runs beside the login."""
    text = (ROOT / "requirements-operator.txt").read_text(encoding="utf-8")
    names = set(re.findall(r"^([a-z0-9-]+)(?:\[[^\]]*\])?==", text, re.MULTILINE))
    assert {"pulumi", "click", "boto3"} <= names
    assert names.isdisjoint({"pytest", "moto", "hypothesis", "mutmut", "zizmor", "cfn-lint"})
    for step in [*action("prepare"), *action("arca")]:
        assert "requirements-dev" not in step.get("run", "")
