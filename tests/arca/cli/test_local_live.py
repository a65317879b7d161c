"""`arca local live` and `arca local region`: dry runs, JSON and errors, without a living cloud."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from arca.cli.main import cli
from arca.emulator import server_children
from arca.emulator.client import EmulatorClient
from arca.emulator.live import background, report
from arca.emulator.live.background import Background
from arca.emulator.live.report import LiveReport
from arca.emulator.state import CloudRecord, StackRecord, State
from arca.errors import ArcaError

REGIONS = {"dr": "us-east-1", "prod": "sa-east-1"}


class Lost:
    """The lost regions of a cloud that has no server."""

    def __init__(self) -> None:
        self.regions = frozenset[str]()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    """The state directory of the commands."""
    monkeypatch.setenv("ARCA_STATE_DIR", str(tmp_path))
    return State(tmp_path)


@pytest.fixture
def lost(state: State, monkeypatch: pytest.MonkeyPatch) -> Lost:
    """A cloud with prod and dr."""
    up = StackRecord(up_at="2032-03-10T14:00:00Z", seconds=1.0, components={})
    stacks = dict.fromkeys(REGIONS, up)
    state.write(CloudRecord(pid=1, born=1, port=1, endpoint="http://127.0.0.1:1", stacks=stacks))
    for stack, region in REGIONS.items():
        role = "primary" if stack == "prod" else "secondary"
        state.save_exports(stack, {"region": region, "role": role, "phase": "active"})
    made = Lost()

    def lose(_client: EmulatorClient, regions: frozenset[str]) -> None:
        made.regions = frozenset(regions)

    def known(_client: EmulatorClient) -> frozenset[str]:
        return made.regions

    monkeypatch.setattr(EmulatorClient, "lost_regions", known)
    monkeypatch.setattr(EmulatorClient, "lose", lose)
    return made


def local(*words: str) -> Result:
    """Run `arca local`."""
    return CliRunner().invoke(cli, ["local", *words])


def refused(done: Result) -> str:
    """Return the error of a command, which `main` prints."""
    assert isinstance(done.exception, ArcaError)
    return str(done.exception)


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("live",), "No stack is up."),
        (("live", "--dry-run"), "No stack is up."),
        (("region", "lose", "sa-east-1"), "No emulated cloud is up."),
    ],
)
def test_without_a_cloud_they_say_how_to_get_one(words: tuple[str, ...], what: str) -> None:
    """The command to run first."""
    done = local(*words)
    assert what in refused(done)
    assert "make up STACK=prod" in refused(done)


@pytest.mark.usefixtures("lost")
def test_a_dry_run_names_the_stacks_with_the_primary_first(state: State) -> None:
    """And starts nothing."""
    assert local("live", "--dry-run").output == "Would bring to life: prod, dr\n"
    shown = json.loads(local("live", "--dry-run", "--json").stdout)
    assert shown == {"dry_run": True, "stacks": ["prod", "dr"]}
    assert report.read(state) is None


def test_a_region_is_lost_and_restored(lost: Lost) -> None:
    """Twice is the same as once, and a dry run changes nothing."""
    assert local("region", "lose", "sa-east-1", "--dry-run").output == "Would be lost: sa-east-1\n"
    assert lost.regions == frozenset()
    for _ in range(2):
        assert local("region", "lose", "sa-east-1").output == "Lost: sa-east-1\n"
    shown = json.loads(local("region", "lose", "us-east-1", "--json").stdout)
    assert shown == {"dry_run": False, "lost": ["sa-east-1", "us-east-1"]}
    assert lost.regions == {*REGIONS.values()}
    assert local("region", "restore", "us-east-1").output == "Lost: sa-east-1\n"
    shown = json.loads(local("region", "restore", "sa-east-1", "--dry-run", "--json").stdout)
    assert shown == {"dry_run": True, "lost": []}
    assert local("region", "restore", "sa-east-1").output == "Lost: no region\n"


@pytest.mark.parametrize("verb", ["lose", "restore"])
def test_a_region_without_a_stack_is_refused(lost: Lost, verb: str) -> None:
    """The error names those that there are."""
    done = local("region", verb, "eu-west-1")
    assert "No stack that is up is in 'eu-west-1'." in refused(done)
    assert "sa-east-1 or us-east-1" in refused(done)
    assert lost.regions == frozenset()


@pytest.mark.usefixtures("lost")
def test_a_taken_port_is_refused_before_anything_starts(state: State) -> None:
    """The advice is a command with another port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = local("live", "--port", str(port))
    assert f"Port {port} cannot be used" in refused(done)
    assert f"`arca local live --port {port + 1}`" in refused(done)
    assert report.read(state) is None


def begin(state: State, **changes: Any) -> Background:
    """Return the living cloud of this process, whose report is as given."""
    born = server_children.start_ticks(os.getpid())
    assert born is not None
    made = LiveReport(pid=os.getpid(), born=born, home=str(state.directory))
    text = made.model_copy(update=changes).model_dump_json()
    report.path(state).write_text(text, encoding="utf-8")
    record = state.read()
    assert record is not None
    return Background(state, record)


@pytest.mark.usefixtures("lost")
def test_what_does_not_start_is_named_with_its_reason(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A problem that stays ends the wait early."""
    monkeypatch.setattr(background, "PATIENCE_SECONDS", 0.1)
    standing = begin(state, problem="Redis for prod does not run: no memory")
    with pytest.raises(ArcaError, match="the living cloud") as error:
        standing.settled()
    assert "(Redis for prod does not run: no memory)" in error.value.what
    assert "live.log" in str(error.value)
    monkeypatch.setattr(background, "LONGEST_SECONDS", 0.1)
    with pytest.raises(ArcaError, match=r"the tasks of prod\n"):
        begin(state).wait(lambda: None, "the tasks of prod")


@pytest.mark.usefixtures("lost")
def test_a_process_that_has_ended_is_not_waited_for(state: State) -> None:
    """Another process with its number is not it."""
    standing = begin(state, born=1)
    with pytest.raises(ArcaError, match="process of the living cloud has ended"):
        standing.settled()
