"""The steps of release-stage.yml, run with an `arca` and a `pulumi` that record their calls."""

from pathlib import Path

import pytest

from tests.github.conditions import holds
from tests.github.workflows import Runner, jobs_of, named

DIGEST = "sha256:" + "a" * 64
URL = "1.dkr.ecr.sa-east-1.amazonaws.com/arca-dev-api"
ASKED = {
    "SOURCE": "ghcr.io/acme/arca-api",
    "DIGEST": DIGEST,
    "VERSION": "1.2.3",
    "STACK": "dev",
    "GITHUB_REPOSITORY": "Acme/arca-api",
}
CHECK, FIND, COPY, EXPAND, DEPLOY, STANDBY, SMOKE, VERIFY, SHOW = (
    "Check the inputs",
    "Find the stack's registry and phase",
    "Copy the image into the stack's registry",
    "Expand the schema",
    "Deploy",
    "Deploy to the standby",
    "Smoke-test the service",
    "Verify what a task refers to",
    "Show the status",
)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """Return a runner whose stack has a registry."""
    return Runner(tmp_path, arca="", pulumi=exports("active"))


def exports(phase: str) -> str:
    """Return the script of a `pulumi` that prints a stack's exports in a phase."""
    return f"""case "$*" in
      *" registry "*) echo '{{"repository_url": "{URL}"}}' ;;
      *" phase "*) echo {phase} ;;
    esac"""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"SOURCE": "docker.io/acme/arca-api"}, "image must be"),
        ({"SOURCE": "ghcr.io/somebody/arca-api"}, "image must be"),
        ({"SOURCE": "ghcr.io/acme/arca-api-2"}, "image must be"),
        ({"SOURCE": "ghcr.io/acme/arca-api/$(id)"}, "image must be"),
        ({"STACK": "review-7"}, "stack must be"),
        ({"STACK": "dev --x"}, "stack must be"),
        ({"SOURCE": "ghcr.io/acme/arca-api@sha256:1"}, "image must be"),
        ({"SOURCE": "ghcr.io/acme/arca-api --insecure"}, "image must be"),
        ({"DIGEST": "sha256:abc"}, "digest must be"),
        ({"DIGEST": f"{DIGEST}\nx"}, "digest must be"),
        ({"VERSION": "1.2.3 latest"}, "version must do"),
        ({"VERSION": ""}, "version must do"),
    ],
)
def test_inputs_that_are_not_an_image_are_refused(
    runner: Runner, wrong: dict[str, str], said: str
) -> None:
    """That comes first of all, before the login. The image is the calling repository's own."""
    assert jobs_of("release-stage")["release"]["steps"][0]["name"] == CHECK
    done = runner.run(named("release-stage", "release", CHECK)["run"], **{**ASKED, **wrong})
    assert (done.code, done.calls) == (2, [])
    assert f"::error::{said}" in done.said


def test_the_image_is_the_stacks_own_copy(runner: Runner) -> None:
    """It has the digest that the caller gave; later steps find it in their environment."""
    for source in ("ghcr.io/acme/arca-api", "ghcr.io/acme/arca-api/server"):
        asked = {**ASKED, "SOURCE": source}
        assert runner.run(named("release-stage", "release", CHECK)["run"], **asked).code == 0
    done = runner.run(named("release-stage", "release", FIND)["run"], **ASKED)
    assert done.code == 0
    assert done.calls == [
        "pulumi stack output registry --json --stack dev",
        "pulumi stack output phase --stack dev",
    ]
    assert done.read("GITHUB_ENV") == f"REPOSITORY={URL}\nIMAGE={URL}@{DIGEST}\nPHASE=active\n"
    assert jobs_of("release-stage")["release"]["env"] == {
        "STACK": "${{ inputs.stack }}",
        "SOURCE": "${{ inputs.image }}",
        "DIGEST": "${{ inputs.digest }}",
        "VERSION": "${{ inputs.version }}",
        "PULUMI_BACKEND_URL": "${{ vars.PULUMI_BACKEND_URL }}",
    }


@pytest.mark.parametrize(
    ("phase", "code", "said"),
    [
        ("active", 0, ""),
        ("standby", 0, ""),
        ("fenced", 0, "::notice::dev is fenced"),
        ("following", 0, "::notice::dev is following"),
        ("promoting", 6, "::error::dev is promoting"),
    ],
)
def test_the_phase_decides(runner: Runner, phase: str, code: int, said: str) -> None:
    """A fenced prod does not stop the run, because the DR stack behind it serves."""
    runner.fake("pulumi", exports(phase))
    done = runner.run(named("release-stage", "release", FIND)["run"], **ASKED)
    assert done.code == code
    assert said in done.said
    if code == 0:
        phase = "fenced" if phase == "following" else phase
        assert f"PHASE={phase}\n" in done.read("GITHUB_ENV")


@pytest.mark.parametrize(
    ("phase", "wanted"),
    [
        ("active", [CHECK, FIND, COPY, EXPAND, DEPLOY, SMOKE, VERIFY, SHOW]),
        ("standby", [CHECK, FIND, STANDBY, VERIFY, SHOW]),
        ("fenced", [CHECK, FIND, SHOW]),
    ],
)
def test_what_a_release_does_in_a_phase(phase: str, wanted: list[str]) -> None:
    """The standby gets its image and its schema from its primary; no caller can ask for that."""
    steps = jobs_of("release-stage")["release"]["steps"]
    contexts = {"env": {"PHASE": phase}}
    assert [s["name"] for s in steps if "name" in s and holds(s.get("if"), contexts)] == wanted


@pytest.mark.parametrize(
    ("name", "call"),
    [
        (EXPAND, "arca migrate --stack dev --phase expand --image I"),
        (DEPLOY, "arca deploy I --stack dev --rollback-on-interrupt --timeout 100m --json"),
        (
            STANDBY,
            (
                "arca deploy I --stack dev --override scan --reason "
                "scanned in the primary's registry "
                "--rollback-on-interrupt --timeout 100m --json"
            ),
        ),
        (SMOKE, "arca smoke --stack dev"),
        (VERIFY, "arca verify --stack dev"),
        (SHOW, "arca status --stack dev"),
    ],
)
def test_each_step_is_one_command_and_its_verdict(runner: Runner, name: str, call: str) -> None:
    """Only the standby overrides a gate: the scan, which its primary has passed."""
    step = named("release-stage", "release", name)
    runner.fake("arca", "exit 3")
    done = runner.run(step["run"], STACK="dev", IMAGE="I")
    assert (done.code, done.calls) == (3, [call])
