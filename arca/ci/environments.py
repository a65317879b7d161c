"""The rules that GitHub must have for each environment, and what it has instead.

A role of AWS trusts an environment. So whoever may enter the environment may log in: the rules
guard the account. GitHub creates a missing environment without any rule as soon as a job names it,
and so each job asks for the rules before it logs in.

Sources: GitHub Docs, "REST API endpoints for deployment environments" (Get an environment) and
"REST API endpoints for deployment branch policies" (List deployment branch policies). GitHub's
answer has `can_admins_bypass`, which that page does not list; an answer without it is a finding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arca.ci.github import GitHub
from arca.errors import ArcaError, Refused

MAIN = "main"
PURPOSES = ("preview", "look", "infra", "release", "review", "sweep")
GUARDED_STACKS = ("prod", "dr")
"""Stacks with customers' data: what changes or decrypts them needs an approval."""
POLICIES_PER_PAGE = "100"


@dataclass(frozen=True)
class Rules:
    """What guards one environment."""

    main_only: bool
    """Only jobs of `main` enter; for a release also those of tags."""
    tags: bool
    reviewed: bool
    """Somebody other than who started the run approves each job."""


def wanted_rules(environment: str) -> Rules:
    """Return the rules that an environment must have; raises ArcaError for an unknown name."""
    stack, _, purpose = environment.partition("-")
    if not stack or purpose not in PURPOSES:
        raise ArcaError(
            f"{environment!r} is no environment of the pipeline.",
            where="the name of the environment",
            wanted=f"<stack>-<purpose>, with one of {', '.join(PURPOSES)}",
            do="see the table in docs/pipeline.md, Environments",
        )
    guarded = stack in GUARDED_STACKS and purpose in ("preview", "infra", "release")
    return Rules(
        main_only=purpose not in ("preview", "review"),
        tags=purpose == "release",
        reviewed=guarded or purpose == "review",
    )


def violations(github: GitHub, environment: str) -> list[str]:
    """Return one line for each rule that the environment lacks; raises ArcaError as `get` does."""
    wanted = wanted_rules(environment)
    found = github.get("environments", environment)
    lines: list[str] = []
    if found.get("can_admins_bypass") is not False:
        lines.append("administrators may bypass its rules, or GitHub does not say that they cannot")
    if wanted.reviewed:
        lines += _missing_review(found)
    if wanted.main_only:
        lines += _open_branches(github, environment, found, tags=wanted.tags)
    return lines


def require_rules(github: GitHub, environment: str) -> None:
    """Raise Refused where the environment lacks a rule, before anything logs in."""
    found = violations(github, environment)
    if found:
        raise Refused(
            f"The environment {environment} is not guarded: {'; '.join(found)}.",
            where=f"https://github.com/{github.repository}/settings/environments",
            wanted="the rules of docs/pipeline.md, Environments",
            do="have an administrator of the repository set them, and run the job again",
        )


def _missing_review(found: Mapping[str, Any]) -> list[str]:
    rules = [
        one for one in found.get("protection_rules", []) if one["type"] == "required_reviewers"
    ]
    if not any(one.get("reviewers") for one in rules):
        return ["it has no required reviewers"]
    if not all(one.get("prevent_self_review") for one in rules):
        return ["whoever starts a run may approve it: `Prevent self-review` is off"]
    return []


def _open_branches(
    github: GitHub, environment: str, found: Mapping[str, Any], *, tags: bool
) -> list[str]:
    policy = found.get("deployment_branch_policy")
    if not policy or not policy.get("custom_branch_policies"):
        # `null` is every branch; `protected_branches` is every branch with a rule, not only main.
        return [f"its branches are not limited to `{MAIN}` by name"]
    listed = github.get(
        *("environments", environment, "deployment-branch-policies"), per_page=POLICIES_PER_PAGE
    )
    policies: list[Mapping[str, Any]] = listed["branch_policies"]
    if listed["total_count"] != len(policies):
        return [f"it has more than {POLICIES_PER_PAGE} branch rules"]
    others = [
        f"{one.get('type', 'branch')} {one['name']}"
        for one in policies
        if not (tags and one.get("type") == "tag")
        and (one.get("type", "branch"), one["name"]) != ("branch", MAIN)
    ]
    if others:
        return [f"it is open to {', '.join(others)}"]
    return [] if policies else [f"no branch may enter it, not even `{MAIN}`"]
