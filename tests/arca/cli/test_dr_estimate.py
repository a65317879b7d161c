"""`arca dr estimate`: text, JSON and exit codes, on the graphs that the tests have recorded."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from arca.cli import graphs
from arca.cli.main import cli
from arca.errors import ArcaError, ExitCode
from arca.recovery import durations, estimate
from arca.stackfile import StackFile
from tests.arca.cost.graphs import stack_graph


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the command the graphs that the tests have recorded."""

    def graph(_: graphs.Recorder, stack: str) -> Any:
        return stack_graph(stack)

    def graph_of(_: graphs.Recorder, file: StackFile) -> Any:
        phase = json.loads(file.config["arca-api:recovery"])["phase"]
        return stack_graph(file.stack, {"recovery.phase": phase})

    monkeypatch.setattr(graphs.Recorder, "graph", graph)
    monkeypatch.setattr(graphs.Recorder, "graph_of", graph_of)


def run(*words: str) -> Result:
    """Run the command line; a known failure is raised."""
    words = ("dr", "estimate", *words)
    return CliRunner().invoke(cli, words, standalone_mode=False, catch_exceptions=False)


@pytest.mark.usefixtures("recorded")
def test_dr_has_two_scenarios() -> None:
    """Progress goes to stderr, and the shares of a path add up."""
    done = run("--json")
    content = json.loads(done.stdout)
    assert done.return_value == ExitCode.DONE
    assert (content["stack"], content["parallel"]) == ("dr", estimate.PARALLEL)
    assert [one["name"] for one in content["scenarios"]] == ["recreate", "activate"]
    for scenario in content["scenarios"]:
        for update in scenario["updates"]:
            assert sum(step["share"] for step in update["path"]) == pytest.approx(1)
            assert all(step["source"] for step in update["path"])
    assert done.stderr == "Recording dr\n"


@pytest.mark.usefixtures("recorded")
def test_the_text_names_what_to_speed_up() -> None:
    """Each resource of the path with its share."""
    done = run("dr")
    assert "OK fail over to dr:" in done.stdout
    assert "  speed up first: ReplicationGroup cache, saves" in done.stdout
    assert "Instance database" in done.stdout


@pytest.mark.usefixtures("recorded")
def test_a_primary_is_only_recreated() -> None:
    """Nothing fails over to it."""
    content = json.loads(run("dev", "--json").stdout)
    assert [one["name"] for one in content["scenarios"]] == ["recreate"]


@pytest.mark.usefixtures("recorded")
def test_an_estimate_above_the_rto_fails() -> None:
    """With one operation at a time, everything takes longer; stdout is still JSON."""
    done = run("--parallel", "1", "--json")
    assert done.return_value == ExitCode.FAILED
    assert not all(one["in_time"] for one in json.loads(done.stdout)["scenarios"])
    assert "FAILED fail over to dr:" in run("--parallel", "1").stdout


def test_bad_input_is_one_clear_error() -> None:
    """A stack that does not exist; a number that is no parallelism."""
    with pytest.raises(ArcaError, match="There is no stack 'prdo'"):
        run("prdo")
    done = CliRunner().invoke(cli, ["dr", "estimate", "--parallel", "0"])
    assert done.exit_code == ExitCode.USAGE


@pytest.mark.slow
def test_the_recorder_records_each_phase() -> None:
    """As the tests' own graphs are."""
    done = run("--json")
    phases = [stack_graph("dr", {"recovery.phase": phase}) for phase in estimate.PHASES]
    known = estimate.as_json(estimate.activate(phases, durations.read()))
    assert json.loads(done.stdout)["scenarios"][1] == json.loads(json.dumps(known))
