"""What a job finds on GitHub's clean runner before it runs anything."""

import re
from typing import Any

from tests import ROOT
from tests.github.workflows import ACTIONS, WORKFLOWS, jobs, loaded

PREPARE = "$/.github/actions/prepare"
NEEDS_STACK = re.compile(r"^\s*(?:[a-z]+=\"\$\()?(?:arca|pulumi) |settled\.py", re.MULTILINE)
SECRETS = {"CLOUDFLARE_API_TOKEN", "INFRA_READ_TOKEN"}
"""All that is stored at GitHub; AWS knows each job by its login."""


def before(steps: list[dict[str, Any]], number: int) -> list[str]:
    """The actions that a step finds done."""
    return [str(step.get("uses", "")).partition("@")[0] for step in steps[:number]]


def test_whoever_speaks_of_a_stack_is_prepared() -> None:
    """Checked out, then prepared, with the address of the state; and may ask for a login."""
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


def test_whoever_makes_has_python() -> None:
    """`make` sets up its own environment, with Python 3.11 and nothing else."""
    seen = 0
    for workflow, name, job in jobs():
        steps: list[dict[str, Any]] = job.get("steps", [])
        for number, step in enumerate(steps):
            if re.search(r"^\s*make |\.ci/run", step.get("run", ""), re.MULTILINE):
                assert "actions/setup-python" in before(steps, number), (workflow, name)
                seen += 1
    assert seen == 4


def test_what_preparing_does() -> None:
    """Python, every package by its hash, `arca` itself, Pulumi in the SDK's version, the login."""
    (path,) = ACTIONS
    steps: list[dict[str, Any]] = loaded(path)["runs"]["steps"]
    uses = [str(step.get("uses", "")).partition("@")[0] for step in steps]
    assert uses == [
        "actions/setup-python",
        "",
        "pulumi/actions",
        "aws-actions/configure-aws-credentials",
    ]
    assert steps[0]["with"] == {"python-version": "3.11"}
    script = steps[1]["run"]
    assert "--require-hashes -r requirements-dev.txt" in script
    assert "--editable ." in script
    assert '.venv/bin" >> "$GITHUB_PATH"' in script
    assert steps[2]["with"] == {"pulumi-version": "${{ steps.install.outputs.pulumi }}"}
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    locked = re.findall(r"^pulumi==([0-9.]+)", text, re.MULTILINE)
    assert len(locked) == 1


def test_nothing_but_an_oidc_login() -> None:
    """No key of AWS stands anywhere, and the login is the environment's role."""
    (path,) = ACTIONS
    given = loaded(path)["runs"]["steps"][-1]["with"]
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
