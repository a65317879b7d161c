"""`arca dr status`: the tree as text and JSON, exit codes, and a standby that is not ready."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from arca.cli.main import cli
from arca.errors import ArcaError, ExitCode
from arca.outputs import Outputs
from arca.recovery import gather, readiness
from arca.recovery.check_tree import Check, failed, group, ok, skipped
from arca.recovery.facts import NotAsked
from arca.stack import Stack
from tests.arca.emulated import Cloud
from tests.arca.fixed_clock import FixedClock
from tests.stacks import graph

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def run(*words: str) -> Result:
    """Run the command line; a known failure is raised."""
    words = ("dr", "status", *words)
    return CliRunner().invoke(
        cli, words, standalone_mode=False, catch_exceptions=False, obj=FixedClock(NOW)
    )


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let prod and dr have exports, as if both were up in the emulated cloud."""
    stacks: dict[str, Any] = {}
    (tmp_path / "exports").mkdir()
    for name in ("prod", "dr"):
        (tmp_path / "exports" / f"{name}.json").write_text(json.dumps(graph(name).outputs))
        stacks[name] = {}
    record = {"endpoint": "http://127.0.0.1:9", "stacks": stacks}
    (tmp_path / "cloud.json").write_text(json.dumps(record))
    monkeypatch.setenv("ARCA_STATE_DIR", str(tmp_path))
    return tmp_path


def show(monkeypatch: pytest.MonkeyPatch, tree: Check) -> list[tuple[Stack, Any]]:
    """Let the command show this tree; return which stacks the facts are asked about."""
    asked: list[tuple[Stack, Any]] = []

    def gathered(standby: Stack, primary: Any, **named: Any) -> object:
        assert named["now"] == NOW
        asked.append((standby, primary))
        return object()

    def judged(_: object) -> Check:
        return tree

    monkeypatch.setattr(gather, "gather", gathered)
    monkeypatch.setattr(readiness, "readiness", judged)
    return asked


READY = group("dr", ok("lag", "2.0 s"), skipped("quotas", "add --quotas to ask for them"))
RED = group("dr", group("data", failed("lag", "6 min", "less than 5 min", "wait")))


@pytest.mark.usefixtures("exported")
def test_a_ready_standby_exits_with_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """The primary is the one that the stack's file names."""
    asked = show(monkeypatch, READY)
    done = run()
    assert done.return_value == ExitCode.DONE
    assert done.stdout.splitlines() == [
        "OK dr",
        "├── OK lag: 2.0 s",
        "└── SKIPPED quotas: add --quotas to ask for them",
    ]
    ((standby, primary),) = asked
    assert (standby.name, primary.name) == ("dr", "prod")
    assert "Asking us-east-1" in done.stderr


@pytest.mark.usefixtures("exported")
def test_a_failed_check_exits_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """In text, with what to do; in JSON, as a tree alone on stdout."""
    show(monkeypatch, RED)
    done = run("dr")
    assert done.return_value == ExitCode.FAILED
    assert "    └── FAILED lag: 6 min; wanted: less than 5 min; do: wait" in done.stdout
    content = json.loads(run("dr", "--json").stdout)
    assert content == {"stack": "dr", "readiness": RED.as_json()}


def test_lost_exports_of_the_primary_are_no_error(
    monkeypatch: pytest.MonkeyPatch, exported: Path
) -> None:
    """What needs them is told apart; the rest is checked."""
    (exported / "exports" / "prod.json").unlink()
    asked = show(monkeypatch, READY)
    assert run().return_value == ExitCode.DONE
    ((_, primary),) = asked
    assert isinstance(primary, NotAsked)
    assert "The exports of prod cannot be read" in primary.why


@pytest.mark.usefixtures("exported")
@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["prod"], "prod is a primary."),
        (["nowhere"], "There is no stack 'nowhere'"),
        (["staging", "--target", "emulated"], "The stack staging is not up in the emulated cloud"),
    ],
)
def test_bad_input_is_one_clear_error(words: list[str], what: str) -> None:
    """Nothing is asked of AWS."""
    with pytest.raises(ArcaError) as error:
        run(*words)
    assert what in error.value.what
    assert error.value.exit_code == ExitCode.FAILED


def test_an_empty_cloud_is_not_ready(cloud: Cloud) -> None:
    """A real server that has nothing of the stack: every check ends, and no call is an error."""
    for name in ("dr", "prod"):
        exports = json.dumps(Outputs.model_validate(graph(name).outputs).model_dump(mode="json"))
        (cloud.state / "exports" / f"{name}.json").write_text(exports)
    record = json.loads((cloud.state / "cloud.json").read_text())
    record["stacks"]["dr"] = {}
    (cloud.state / "cloud.json").write_text(json.dumps(record))
    done = run("dr", "--json")
    assert done.return_value == ExitCode.FAILED
    tree = json.loads(done.stdout)["readiness"]
    data, service, *_ = tree["children"][1:]
    replica = data["children"][0]
    assert [one["seen"] for one in replica["children"]] == ["missing", "follows nobody", "no value"]
    assert {one["name"]: one["outcome"] for one in service["children"]}["keys"] == "FAILED"
