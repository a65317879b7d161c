"""release-stage.yml and the preparation of every job: their steps, run."""

from pathlib import Path

import pytest

from tests.github.test_workflow_expressions import holds
from tests.github.workflows import ACTIONS, Runner, jobs_of, loaded, named

DIGEST = "sha256:" + "a" * 64
URL = "1.dkr.ecr.sa-east-1.amazonaws.com/arca-dev-api"
ASKED = {"SOURCE": "ghcr.io/acme/arca-api", "DIGEST": DIGEST, "VERSION": "1.2.3", "STACK": "dev"}
LOOK, COPY = "Look at what was asked for", "Bring the image into the stack's registry"
EXPAND, DEPLOY, ASK = "Expand the schema", "Deploy", "Ask the service"
FOLLOW = "Deploy where image and database only follow"
VERIFY, SAY = "Look for what the next task would miss", "Say what runs"


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """One whose stack has a registry."""
    return Runner(tmp_path, arca="", pulumi=f"""echo '{{"repository_url": "{URL}"}}'""")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"SOURCE": "docker.io/acme/arca-api"}, "image must be"),
        ({"SOURCE": "ghcr.io/acme/arca-api@sha256:1"}, "image must be"),
        ({"SOURCE": "ghcr.io/acme/arca-api --insecure"}, "image must be"),
        ({"DIGEST": "sha256:abc"}, "digest must be"),
        ({"DIGEST": f"{DIGEST}\nx"}, "digest must be"),
        ({"VERSION": "1.2.3 latest"}, "version must do"),
        ({"VERSION": ""}, "version must do"),
    ],
)
def test_what_is_no_image_is_refused(runner: Runner, wrong: dict[str, str], said: str) -> None:
    """Before anything is asked of the stack."""
    done = runner.run(named("release-stage", "release", LOOK)["run"], **{**ASKED, **wrong})
    assert (done.code, done.calls) == (2, [])
    assert f"::error::{said}" in done.said


def test_the_image_is_the_stacks_own_copy(runner: Runner) -> None:
    """By the digest that was asked for; the later steps find it in their environment."""
    done = runner.run(named("release-stage", "release", LOOK)["run"], **ASKED)
    assert done.code == 0
    assert done.calls == ["pulumi stack output registry --json --stack dev"]
    assert done.read("GITHUB_ENV") == f"REPOSITORY={URL}\nIMAGE={URL}@{DIGEST}\n"
    assert jobs_of("release-stage")["release"]["env"] == {
        "STACK": "${{ inputs.stack }}",
        "SOURCE": "${{ inputs.image }}",
        "DIGEST": "${{ inputs.digest }}",
        "VERSION": "${{ inputs.version }}",
        "PULUMI_BACKEND_URL": "${{ vars.PULUMI_BACKEND_URL }}",
    }


@pytest.mark.parametrize(
    ("follows", "wanted"),
    [
        (False, [LOOK, COPY, EXPAND, DEPLOY, ASK, VERIFY, SAY]),
        (True, [LOOK, FOLLOW, VERIFY, SAY]),
    ],
)
def test_what_a_release_does_in_a_stack(*, follows: bool, wanted: list[str]) -> None:
    """A stack that follows gets its image and its schema from its primary."""
    steps = jobs_of("release-stage")["release"]["steps"]
    contexts = {"inputs": {"follows": follows}}
    assert [s["name"] for s in steps if "name" in s and holds(s.get("if"), contexts)] == wanted


@pytest.mark.parametrize(
    ("name", "call"),
    [
        (EXPAND, "arca migrate --stack dev --phase expand --image I"),
        (DEPLOY, "arca deploy I --stack dev --rollback-on-interrupt --timeout 100m --json"),
        (
            FOLLOW,
            (
                "arca deploy I --stack dev --skip-migrations --override scan --reason "
                "scanned in the registry that it was replicated from "
                "--rollback-on-interrupt --timeout 100m --json"
            ),
        ),
        (ASK, "arca smoke --stack dev"),
        (VERIFY, "arca verify --stack dev"),
        (SAY, "arca status --stack dev"),
    ],
)
def test_each_step_is_one_command_and_its_verdict(runner: Runner, name: str, call: str) -> None:
    """The only gate that is ever opened is the scan's, and only where it was passed before."""
    step = named("release-stage", "release", name)
    runner.fake("arca", "exit 3")
    done = runner.run(step["run"], STACK="dev", IMAGE="I")
    assert (done.code, done.calls) == (3, [call])


@pytest.fixture
def fresh(tmp_path: Path) -> Runner:
    """One whose `python` makes virtual environments that write down what is asked of theirs."""
    runner = Runner(tmp_path)
    runner.fake("python", 'if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/"; fi')
    (runner.folder / "requirements.txt").write_text("x==1\npulumi==3.200.1 \\\n", encoding="utf-8")
    return runner


def test_every_package_is_held_by_its_hash(fresh: Runner) -> None:
    """And our own is installed without any; the engine is the SDK's version."""
    (path,) = ACTIONS
    (step,) = (s for s in loaded(path)["runs"]["steps"] if s.get("id") == "install")
    done = fresh.run(step["run"], GITHUB_PATH=str(fresh.folder / "path"))
    assert done.code == 0, done.said
    assert done.calls == [
        "python -m venv .venv",
        "python -m pip install --quiet --require-hashes -r requirements-dev.txt",
        "python -m pip install --quiet --no-deps --no-build-isolation --editable .",
    ]
    assert done.read("path") == f"{fresh.folder}/.venv/bin\n"
    assert done.read("GITHUB_OUTPUT") == "pulumi=3.200.1\n"
