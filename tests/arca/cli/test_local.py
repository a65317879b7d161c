"""Tests of what `arca local` prints, with a cloud that is only recorded or made up."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from arca.cli.main import cli
from arca.emulator import server_children
from arca.emulator import up as lifecycle
from arca.emulator import update as updates
from arca.emulator.state import CloudRecord, StackRecord, State
from arca.emulator.up import Progress, ProgressWatcher, UpReport
from arca.emulator.update import UpdateReport, UpdateStep
from arca.stack import StackNotNamed

ENDED = "The emulated AWS at http://127.0.0.1:1 (process 1)"
TOKEN = "of-the-control-paths"  # noqa: S105 - made up
COUNTS = {"network": {"created": 2, "validated": 1, "recorded": 0}}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    """The state directory of the commands."""
    monkeypatch.setenv("ARCA_STATE_DIR", str(tmp_path))
    return State(tmp_path)


def local(*words: str) -> Result:
    """Run `arca local`."""
    return CliRunner().invoke(cli, ["local", *words])


def record(**changes: Any) -> CloudRecord:
    """Return the record of a server that has ended, with prod and dr in it."""
    stacks = {
        name: StackRecord(up_at=f"2032-03-10T14:0{minute}:00Z", seconds=1.0, components=COUNTS)
        for minute, name in enumerate(("prod", "dr"))
    }
    dead = CloudRecord(
        pid=1, born=1, port=1, endpoint="http://127.0.0.1:1", token=TOKEN, stacks=stacks
    )
    return dead.model_copy(update=changes)


def test_status_of_a_cloud_that_has_ended(state: State) -> None:
    """It exits with 1 and names the commands that bring the stacks up again, in their order."""
    state.write(record())
    done = local("status")
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        f"{ENDED} has ended, and its stacks with it. Bring them up again:",
        "  make up STACK=prod",
        "  make up STACK=dr",
    ]
    as_json = local("status", "--json")
    assert as_json.exit_code == 1
    assert TOKEN not in as_json.output
    assert json.loads(as_json.output)["running"] is False


def test_status_of_a_server_that_does_not_answer(state: State) -> None:
    """The process runs, but nothing listens: it exits with 1 too."""
    born = server_children.start_ticks(os.getpid())
    state.write(record(pid=os.getpid(), born=born, incomplete=("dr",)))
    done = local("status")
    assert done.exit_code == 1
    assert "does not answer. Run `make down`" in done.output
    assert "dr: incomplete, because an earlier `make up STACK=dr` failed" in done.output


def report(**changes: Any) -> UpReport:
    """Return the report of prod with as many components and exports as it has."""
    components = {f"component-{number}": COUNTS["network"] for number in range(20)}
    exports = {"region": "sa-east-1", **{f"export_{number}": number for number in range(230)}}
    made = UpReport("prod", "http://127.0.0.1:5566", 9.5, components, exports, ("dev", "staging"))
    return replace(made, **changes)


@pytest.fixture
def comes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `up` show progress and come up at once."""

    def up(_stack: str, *, watch: ProgressWatcher, **_: Any) -> UpReport:
        watch(Progress("starting the emulated AWS"))
        for done in range(1, 61):
            watch(Progress(f"prod: aws:cloudwatch/metricAlarm:MetricAlarm alarm-{done}", done, 60))
        return report()

    monkeypatch.setattr(lifecycle, "up", up)


@pytest.mark.usefixtures("state", "comes_up")
def test_up_ends_in_a_few_lines() -> None:
    """It prints at most 25 lines; the exports and the table by component are asked for."""
    done = local("up", "--stack", "prod")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert len(lines) <= 25
    assert lines[:2] == [
        "prod is up in the emulated AWS at http://127.0.0.1:5566 (9.5 s)",
        "60 resources: 40 created, 20 validated only, 0 recorded only",
    ]
    assert "The previous emulated AWS ended with: dev, staging" in lines
    assert "  arca local status --exports  the exports of its stacks" in lines
    assert "export_7" not in done.stdout
    assert "component-7" not in done.stdout
    more = local("up", "--stack", "prod", "--exports", "--components").stdout
    assert "  export_7 = 7\n" in more
    assert "component-7 " in more


@pytest.mark.usefixtures("state", "comes_up")
def test_progress_without_a_terminal() -> None:
    """A log gets each step, and each fiftieth resource with the total and its whole name."""
    assert local("up", "--stack", "prod").stderr.splitlines() == [
        "starting the emulated AWS",
        "  50 of 60 resources  prod: aws:cloudwatch/metricAlarm:MetricAlarm alarm-50",
    ]


def test_status_prints_exports_on_request(state: State) -> None:
    """They are those of each stack that is up, as text and as JSON."""
    state.write(record())
    for stack in ("prod", "dr"):
        state.save_exports(stack, {"name": f"of-{stack}"})
    assert "of-dr" not in local("status").output
    shown = local("status", "--exports").output.splitlines()
    at = shown.index("Exports of dr:")
    assert shown[at + 1 : at + 3] == ["  name = of-dr", ""]
    assert shown[at + 3 :] == ["Exports of prod:", "  name = of-prod"]
    as_json = json.loads(local("status", "--exports", "--json").output)
    assert as_json["exports"]["prod"] == {"name": "of-prod"}


def up_with(state: State, *stacks: str) -> None:
    """Write the record of a cloud with these stacks, and their exports."""
    one = record().stacks["prod"]
    state.write(record(stacks=dict.fromkeys(stacks, one)))
    for stack in stacks:
        state.save_exports(
            stack,
            {
                "region": "sa-east-1",
                "registry": {"repository_url": f"of-{stack}/api", "repository_name": stack},
            },
        )


@pytest.mark.parametrize(
    ("up", "named", "owner"),
    [
        (("dev",), (), "dev"),
        (("dr", "prod"), (), "prod"),
        (("dev", "prod"), ("--stack", "dev"), "dev"),
    ],
)
def test_the_registry_is_that_of_the_stack_that_is_up(
    state: State, up: tuple[str, ...], named: tuple[str, ...], owner: str
) -> None:
    """Like every command, these work without --stack on the stack that is up."""
    up_with(state, *up)
    for words in (
        ("push", "1"),
        ("fault", "exits", "--image", "1", "--clear"),
        ("stand-in", "1", "true"),
    ):
        done = local(words[0], *named, "--dry-run", "--json", *words[1:])
        assert done.exit_code == 0, done.output
        found = json.loads(done.stdout)
        assert found.get("faults", [found])[0]["image"] == f"of-{owner}/api:1"


def test_no_default_among_several_stacks(state: State) -> None:
    """Two stacks without prod have no default, and the message names them."""
    up_with(state, "dev", "staging")
    refused = local("push", "1", "--dry-run").exception
    assert isinstance(refused, StackNotNamed)
    assert refused.wanted == "one of dev, staging"


def updated(**changes: Any) -> UpdateReport:
    """Return the report of an update that changed two resources."""
    steps = (
        UpdateStep("update", "aws:rds/instance:Instance", "database", "urn:1", ("multiAz",)),
        UpdateStep("delete", "aws:ec2/eip:Eip", "nat-b", "urn:2", ()),
    )
    counts = {"same": 9, "create": 0, "update": 1, "replace": 0, "delete": 1, "retain": 0}
    made = UpdateReport(
        "dr", "http://127.0.0.1:1", 1.5, counts, {"created": 2}, steps, {"region": "x"}
    )
    return replace(made, **changes)


def test_an_update_says_what_became_of_what(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change is a line with the inputs that caused it; the settings reach the update."""
    asked: list[Any] = []

    def update(stack: str, settings: Any, *, state: State, watch: ProgressWatcher) -> UpdateReport:
        asked.append((stack, settings, state.directory))
        watch(Progress("dr: aws:rds/instance:Instance database", 50, 60))
        return updated()

    monkeypatch.setattr(updates, "update", update)
    done = local("update", "--stack", "dr", "--set", "recovery.phase=active", "--set", "x.y=[1]")
    assert done.exit_code == 0, done.output
    assert asked == [("dr", {"recovery.phase": "active", "x.y": [1]}, state.directory)]
    assert done.stdout.splitlines() == [
        "updated: aws:rds/instance:Instance database: multiAz",
        "deleted: aws:ec2/eip:Eip nat-b",
        "Updated dr in the emulated AWS at http://127.0.0.1:1 (1.5 s)",
        "9 the same, 1 updated, 1 deleted; of the changes 0 validated only, 0 recorded only",
    ]
    assert "50 of 60 resources" in done.stderr
    as_json = json.loads(local("update", "--stack", "dr", "--json").stdout)
    assert as_json["steps"][0]["inputs"] == ["multiAz"]
    assert (as_json["changed"], as_json["dry_run"]) == (True, False)


def test_a_dry_run_of_an_update_only_plans(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks for a preview, and every line says that nothing has changed."""
    plan = updated(dry_run=True, outcomes={}, exports={})

    def preview(*_: Any, **__: Any) -> UpdateReport:
        return plan

    monkeypatch.setattr(updates, "preview", preview)
    monkeypatch.delattr(updates, "update")
    done = local("update", "--stack", "dr", "--dry-run", "--exports")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "would be updated: aws:rds/instance:Instance database: multiAz",
        "would be deleted: aws:ec2/eip:Eip nat-b",
        "Would update dr in the emulated AWS at http://127.0.0.1:1 (1.5 s)",
        "9 the same, 1 updated, 1 deleted",
    ]
    assert state.read() is None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--set", "recovery.phase"), "no setting with a value"),
        (("--stack", "nowhere"), "There is no stack 'nowhere'"),
        ((), "The stack dev is not up"),
    ],
)
def test_an_update_that_cannot_begin_is_explained(
    state: State, words: tuple[str, ...], says: str
) -> None:
    """It ends before anything is read or imported for long."""
    done = local("update", *words)
    assert says in str(done.exception)
    assert not (state.directory / "resources").exists()
