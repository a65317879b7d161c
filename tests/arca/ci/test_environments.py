"""The rules of the environments, asked of a double of GitHub's API."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from arca.ci.environments import Rules, require_rules, violations, wanted_rules
from arca.ci.github import GitHub
from arca.errors import ArcaError, Refused
from tests.arca.ci.github_api import (
    REPOSITORY,
    TOKEN,
    Answer,
    environment,
    path,
    policies,
    reviewers,
    serve,
)

Answers = Mapping[str, Sequence[Answer]]


def answers(name: str, content: Mapping[str, Any], *branches: str) -> Answers:
    """Return what GitHub says of one environment."""
    return {
        path("environments", name): [Answer(content)],
        path("environments", name, "deployment-branch-policies"): [Answer(policies(*branches))],
    }


def found(name: str, listed: Answers) -> list[str]:
    """Return the rules that an environment lacks."""
    with serve(listed) as api:
        return violations(GitHub(REPOSITORY, TOKEN, api.url), name)


GUARDED: Mapping[str, Answers] = {
    "dev-preview": answers("dev-preview", environment("dev-preview", custom=False)),
    "prod-preview": answers("prod-preview", environment("prod-preview", reviewers(), custom=False)),
    "prod-look": answers("prod-look", environment("prod-look"), "main"),
    "staging-infra": answers("staging-infra", environment("staging-infra"), "main"),
    "prod-infra": answers("prod-infra", environment("prod-infra", reviewers()), "main"),
    "dev-review": answers("dev-review", environment("dev-review", reviewers(), custom=False)),
    "dev-sweep": answers("dev-sweep", environment("dev-sweep"), "main"),
    "dev-release": answers("dev-release", environment("dev-release"), "main", "tag:v*"),
    "dr-release": answers("dr-release", environment("dr-release", reviewers()), "main", "tag:v*"),
}


@pytest.mark.parametrize("name", GUARDED)
def test_an_environment_with_its_rules_passes(name: str) -> None:
    """One of each purpose."""
    assert found(name, GUARDED[name]) == []


def bare(name: str) -> dict[str, Any]:
    """Return an environment as GitHub creates it when a job names a missing one."""
    return environment(name, custom=False, can_admins_bypass=True)


BYPASS = "administrators may bypass its rules, or GitHub does not say that they cannot"
SELF = "whoever starts a run may approve it: `Prevent self-review` is off"
NO_REVIEW = "it has no required reviewers"
OPEN = "its branches are not limited to `main` by name"
PROTECTED = {"protected_branches": True, "custom_branch_policies": False}
SILENT = {k: v for k, v in environment("dev-infra").items() if k != "can_admins_bypass"}


@pytest.mark.parametrize(
    ("name", "content", "branches", "wanted"),
    [
        ("prod-infra", bare("prod-infra"), (), [BYPASS, NO_REVIEW, OPEN]),
        ("dr-release", bare("dr-release"), (), [BYPASS, NO_REVIEW, OPEN]),
        ("dev-preview", bare("dev-preview"), (), [BYPASS]),
        ("dev-infra", SILENT, ("main",), [BYPASS]),
        ("prod-infra", environment("e", reviewers(count=0)), ("main",), [NO_REVIEW]),
        ("prod-infra", environment("e", reviewers(prevent_self_review=False)), ("main",), [SELF]),
        (
            "dev-infra",
            environment("e", deployment_branch_policy=PROTECTED),
            ("main",),
            [OPEN],
        ),
        ("dev-infra", environment("e"), ("main", "release/*"), ["it is open to branch release/*"]),
        ("dev-infra", environment("e"), ("main", "tag:v*"), ["it is open to tag v*"]),
        ("dev-infra", environment("e"), ("*",), ["it is open to branch *"]),
        ("dev-release", environment("e"), ("*", "tag:v*"), ["it is open to branch *"]),
        ("dev-infra", environment("e"), (), ["no branch may enter it, not even `main`"]),
    ],
)
def test_each_missing_rule_is_named(
    name: str, content: Mapping[str, Any], branches: tuple[str, ...], wanted: list[str]
) -> None:
    """A rule that is there in part is not there."""
    assert found(name, answers(name, content, *branches)) == wanted


def test_a_list_that_is_cut_is_no_pass() -> None:
    """What the second page has is unknown."""
    listed = {**answers("dev-infra", environment("dev-infra"), "main")}
    cut = {**policies("main"), "total_count": 101}
    listed[path("environments", "dev-infra", "deployment-branch-policies")] = [Answer(cut)]
    assert found("dev-infra", listed) == ["it has more than 100 branch rules"]


@pytest.mark.parametrize("status", [403, 404, 429, 500])
@pytest.mark.parametrize("part", ["", "/deployment-branch-policies"])
def test_rules_that_cannot_be_read_are_no_pass(part: str, status: int) -> None:
    """The token may lack the permission, or GitHub its minute."""
    listed = {**answers("prod-infra", environment("prod-infra", reviewers()), "main")}
    listed[path("environments", "prod-infra") + part] = [Answer({"message": "no"}, status)]
    with pytest.raises(ArcaError, match=f"{status}"):
        found("prod-infra", listed)


def test_a_refusal_names_the_environment_and_where_to_set_it() -> None:
    """Exit code 6, as of every gate."""
    listed = answers("prod-infra", bare("prod-infra"))
    with serve(listed) as api, pytest.raises(Refused) as raised:
        require_rules(GitHub(REPOSITORY, TOKEN, api.url), "prod-infra")
    assert raised.value.what.startswith("The environment prod-infra is not guarded: ")
    assert raised.value.where == "https://github.com/acme/arca-infra/settings/environments"


@pytest.mark.parametrize("name", ["prod", "prod-", "-infra", "prod-infra-2", "production"])
def test_an_unknown_environment_is_an_error(name: str) -> None:
    """No rule is known for it, so none could hold."""
    with pytest.raises(ArcaError, match="no environment of the pipeline"):
        wanted_rules(name)


def test_who_waits_for_an_approval() -> None:
    """Customers' data, and code that nobody has merged."""
    open_to_all = Rules(main_only=False, tags=False, reviewed=False)
    assert wanted_rules("staging-preview") == open_to_all
    assert wanted_rules("dr-preview") == Rules(main_only=False, tags=False, reviewed=True)
    assert wanted_rules("prod-look") == Rules(main_only=True, tags=False, reviewed=False)
    assert wanted_rules("dr-infra") == Rules(main_only=True, tags=False, reviewed=True)
    assert wanted_rules("dr-release") == Rules(main_only=True, tags=True, reviewed=True)
    assert wanted_rules("staging-release") == Rules(main_only=True, tags=True, reviewed=False)
