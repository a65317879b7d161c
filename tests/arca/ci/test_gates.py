"""The commands of `arca ci` that ask GitHub or compare plans, run as the workflows run them."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

import pytest

from arca.ci.plan_digest import plan_digest
from tests import ROOT
from tests.arca.ci.github_api import (
    COMMIT,
    OTHER,
    REPOSITORY,
    TOKEN,
    Answer,
    environment,
    path,
    policies,
    ref,
    runs,
    serve,
)

MAIN = path("git", "ref", "heads", "main")
RUNS = path("actions", "workflows", "ci.yml", "runs")
GUARDED = {
    path("environments", "dev-infra"): [Answer(environment("dev-infra"))],
    path("environments", "dev-infra", "deployment-branch-policies"): [Answer(policies("main"))],
}
BARE = {path("environments", "dev-infra"): [Answer(environment("dev-infra", custom=False))]}


def ran(
    answers: Mapping[str, Sequence[Answer]], *words: str, token: str = TOKEN, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command against the double; no failure has a traceback."""
    with serve(answers) as api:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "arca", "ci", *words],
            cwd=ROOT,
            env={**os.environ, "GITHUB_API_URL": api.url, "GH_TOKEN": token},
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
    assert "Traceback" not in done.stderr
    return done


def test_a_guarded_environment_is_one_line() -> None:
    """With --json it is a list without entries, and the line is progress."""
    words = ("environments", "dev-infra", "--repository", REPOSITORY)
    done = ran(GUARDED, *words)
    assert (done.returncode, done.stdout) == (0, "dev-infra is guarded\n")
    done = ran(GUARDED, *words, "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"dev-infra": []})


def test_an_open_environment_is_refused() -> None:
    """With --json the lines of every environment are printed first."""
    words = ("environments", "dev-infra", "--repository", REPOSITORY)
    done = ran(BARE, *words)
    assert (done.returncode, done.stdout) == (6, "")
    assert "Error: The environment dev-infra is not guarded" in done.stderr
    done = ran(BARE, *words, "--json")
    assert done.returncode == 6
    assert json.loads(done.stdout.partition("\n}\n")[0] + "\n}") == {
        "dev-infra": ["its branches are not limited to `main` by name"]
    }


@pytest.mark.parametrize(
    ("answers", "token"),
    [({}, TOKEN), (GUARDED, ""), ({MAIN: [Answer({"message": "no"}, 403)]}, TOKEN)],
)
@pytest.mark.parametrize(
    "words",
    [
        ("environments", "prod-infra"),
        ("require-tip", "--commit", COMMIT),
        ("require-tests", "--commit", COMMIT, "--workflow", "ci.yml", "--minutes", "1"),
    ],
)
def test_what_cannot_be_asked_is_a_failure(
    words: tuple[str, ...], answers: Mapping[str, Sequence[Answer]], token: str
) -> None:
    """Never a pass: exit code 1, and the four lines."""
    done = ran(answers, *words, "--repository", REPOSITORY, token=token)
    assert (done.returncode, done.stdout) == (1, "")
    assert [line.split(":")[0].strip() for line in done.stderr.splitlines()] == [
        *("Error", "where", "wanted", "do")
    ]


def test_the_tip_and_its_tests() -> None:
    """Both end with 0 on main's tip, and with 6 on another commit."""
    for words in (
        ("require-tip",),
        ("require-tests", "--workflow", "ci.yml", "--minutes", "1"),
    ):
        for tip, code in ((COMMIT, 0), (OTHER, 6)):
            answers = {MAIN: [Answer(ref(tip))], RUNS: [Answer(runs("success"))]}
            done = ran(answers, *words, "--commit", COMMIT, "--repository", REPOSITORY)
            assert done.returncode == code, done.stderr


@pytest.mark.parametrize("commit", ["main", COMMIT[:12], COMMIT.upper(), ""])
def test_a_commit_is_a_whole_commit(commit: str) -> None:
    """A name of a branch would always be its own tip."""
    done = ran({}, "require-tip", "--commit", commit, "--repository", REPOSITORY)
    assert done.returncode == 2
    assert "expected a whole commit" in done.stderr


STEP = {"op": "create", "urn": "urn:pulumi:prod::arca-api::t::x", "type": "t"}
LOG = "\n".join(
    [json.dumps({"preludeEvent": {}}), json.dumps({"resourcePreEvent": {"metadata": STEP}})]
)


def test_a_plan_is_compared_with_the_approved_one() -> None:
    """The digest is the only line on stdout."""
    digest = plan_digest([STEP])
    for words, code in (
        ((), 0),
        (("--approved", digest), 0),
        (("--approved", plan_digest([])), 6),
        (("--approved", ""), 6),
    ):
        done = ran({}, "plan-digest", *words, given=LOG)
        assert (done.returncode, done.stdout) == (code, f"{digest}\n")


@pytest.mark.parametrize("log", ["", json.dumps({"resourcePreEvent": {"metadata": STEP}}), "no"])
def test_a_log_that_is_no_plan_has_no_digest(log: str) -> None:
    """Two empty logs would be the same plan."""
    done = ran({}, "plan-digest", given=log)
    assert (done.returncode, done.stdout) == (1, "")
