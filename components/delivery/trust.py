"""What GitHub must say of a job before AWS lets it assume a role.

The environment alone is not enough: its rules are GitHub's, an administrator can change them, and
GitHub creates a missing environment without any. So each role also names the branch or tag that
started the run, and the workflow's file that the job belongs to. Whoever can only push a branch or
a tag can change neither.

STS knows these claims as condition keys: IAM User Guide, "Available keys for AWS OIDC federation"
(GitHub: actor, actor_id, job_workflow_ref, repository, repository_id, workflow, ref, environment,
enterprise_id). What GitHub puts there: GitHub Docs, "OpenID Connect reference", and "Using OpenID
Connect with reusable workflows".
"""

import re
from collections.abc import Mapping, Sequence

Conditions = Mapping[str, Mapping[str, str | Sequence[str]]]

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
MAIN = "refs/heads/main"
TAGS = "refs/tags/*"
PULL_REQUESTS = "refs/pull/*/merge"
REFS: Mapping[str, Sequence[str]] = {
    "preview": [PULL_REQUESTS],
    "look": [MAIN],
    "infra": [MAIN],
    "release": [MAIN, TAGS],
    "review": [PULL_REQUESTS],
    "sweep": [MAIN],
}
"""What may start a run of each purpose."""
WORKFLOWS: Mapping[str, str] = {
    "preview": "stack.yml",
    "look": "stack.yml",
    "infra": "stack.yml",
    "release": f"release-stage.yml@{MAIN}",
    "review": "review.yml",
    "sweep": "review-sweep.yml",
}
"""The file in .github/workflows that has the job of each purpose.

A run of this repository takes the file from the commit of its own `ref`, which the role names too.
A release is a run of the application's repository, so its role names the branch of the file: only
what is merged into this repository's main can log in, whatever the caller passes to it.
"""


def subject(repository: str, environment: str) -> str:
    """Return the claim `sub` of a job in an environment.

    Only an environment can require reviewers and restrict branches. The subject
    `repo:...:pull_request` is the same for every pull request, whoever opened it, and anyone with
    write access can push a branch (GitHub Docs, "OpenID Connect reference", subject claims).

    GitHub writes `owner@<id>/name@<id>` for every repository created or renamed since 15 July
    2026, so the setting may carry the ids ("Immutable subject claims").
    """
    return f"repo:{repository}:environment:{environment}"


def conditions(purpose: str, *, environment: str, caller: str, ours: str) -> Conditions:
    """Return the conditions of a role's trust.

    `caller` is the repository whose run logs in, and `ours` this one, whose workflow's file has the
    job. A claim that GitHub does not send fulfils no condition. Only `sub` ever carries the ids.
    """
    file = WORKFLOWS[purpose]
    return {
        "StringEquals": {
            f"{ISSUER}:aud": AUDIENCE,
            f"{ISSUER}:sub": subject(caller, environment),
            f"{ISSUER}:environment": environment,
        },
        "StringLike": {
            f"{ISSUER}:ref": REFS[purpose],
            f"{ISSUER}:job_workflow_ref": f"{_without_ids(ours)}/.github/workflows/{file}"
            + ("" if "@" in file else "@*"),
        },
    }


def _without_ids(repository: str) -> str:
    return re.sub(r"@[0-9]+", "", repository)
