"""`arca explain reach`: the path, the obstacle, the matrix, and their exit codes."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from arca.cli import graphs
from arca.cli.main import cli
from arca.errors import ArcaError, ExitCode
from arca.graph import Graph
from arca.reach.places import SOURCES, TARGETS
from tests.arca.cost.graphs import stack_graph
from tests.arca.reach.graphs import drop, graph_of


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the command the graphs that the tests have recorded."""

    def graph(_: graphs.Recorder, stack: str) -> Graph:
        return graph_of({"prod": "whole", "dr": "dr on standby"}.get(stack, stack))

    monkeypatch.setattr(graphs.Recorder, "graph", graph)


def run(*words: str) -> Result:
    """Run the command; a known failure is raised."""
    words = ("explain", "reach", *words)
    return CliRunner().invoke(cli, words, standalone_mode=False, catch_exceptions=False)


@pytest.mark.usefixtures("recorded")
def test_a_path_is_printed_hop_by_hop() -> None:
    """Prod is the default, and progress goes to stderr."""
    done = run("job", "test-listener")
    first, *hops = done.stdout.splitlines()
    assert done.return_value == ExitCode.DONE
    assert first == "In prod, job reaches test-listener on TCP 8443."
    assert any("NatGateway network-a: leaves with Eip network-nat-a" in line for line in hops)
    assert done.stderr == "Recording prod\n"


@pytest.mark.usefixtures("recorded")
def test_an_obstacle_is_printed_after_the_path_to_it() -> None:
    """The exit code is 1, as the help says."""
    done = run("customer", "production-listener", "--stack", "dev")
    lines = done.stdout.splitlines()
    assert done.return_value == ExitCode.FAILED
    assert lines[0] == "In dev, customer does not reach production-listener on TCP 443."
    assert lines[-1].startswith("  X  SecurityGroup access-load-balancer: no ingress rule for TCP")
    assert lines[-1].endswith("(ingress rule)")
    assert "The exit code is 1" in run("--help").stdout


@pytest.mark.usefixtures("recorded")
def test_json_has_the_same() -> None:
    """Stdout is JSON alone."""
    reached = json.loads(run("service", "database", "--json").stdout)
    assert (reached["stack"], reached["from"], reached["to"]) == ("prod", "service", "database")
    assert reached["reached"]
    assert reached["obstacle"] is None
    assert {*reached["path"][0]} == {"resource", "rule"}
    refused = json.loads(run("database", "service", "--json").stdout)
    assert not refused["reached"]
    assert {*refused["obstacle"]} == {"cause", "resource", "lacks"}


@pytest.mark.usefixtures("recorded")
def test_without_places_every_open_flow_is_printed() -> None:
    """Each has its reason, and what the stack does not have is said."""
    done = run("--stack", "dr")
    assert done.return_value == ExitCode.DONE
    (row,) = (line for line in done.stdout.splitlines() if "test-listener:8443" in line)
    assert [cell.strip() for cell in row.split("│")[1:4]] == ["job", "test-listener:8443", "needed"]
    assert "other pairs of places are refused." in done.stdout
    assert "Not in dr: probe, database-proxy, cache, ssmmessages" in done.stdout
    content = json.loads(run("--stack", "dr", "--json").stdout)
    assert content["ok"]
    assert {flow["expected"] for flow in content["flows"]} == {"needed", "open", "refused"}


def test_a_matrix_that_is_wrong_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job of a pipeline can hold it."""

    def graph(_: graphs.Recorder, stack: str) -> Graph:
        del stack
        return drop("SecurityGroupEgressRule", "access-service-cache-6379")(graph_of("whole"))

    monkeypatch.setattr(graphs.Recorder, "graph", graph)
    done = run()
    assert done.return_value == ExitCode.FAILED
    assert "wrong: service to cache is refused by SecurityGroup access-service" in done.stdout
    assert not json.loads(run("--json").stdout)["ok"]


def test_an_unknown_place_is_refused_before_anything_is_recorded() -> None:
    """Recording takes seconds."""
    with pytest.raises(ArcaError, match="There is no place 'databse'") as error:
        run("service", "databse")
    assert error.value.exit_code == ExitCode.FAILED


def test_one_place_alone_is_wrong_usage() -> None:
    """The message says what is missing."""
    done = CliRunner().invoke(cli, ["explain", "reach", "service"])
    assert done.exit_code == ExitCode.USAGE
    assert "name both places" in done.output


def test_an_unknown_stack_is_one_clear_error() -> None:
    """The real recorder reads its file first."""
    with pytest.raises(ArcaError, match="There is no stack 'prdo'"):
        run("service", "database", "--stack", "prdo")


def test_places_are_completed() -> None:
    """The shell knows them without a graph."""
    found = [
        {item.value for item in argument.shell_complete(context, "")}
        for argument, context in _arguments()
    ]
    assert found == [set(SOURCES), set(TARGETS)]


def _arguments() -> list[Any]:
    from arca.cli.explain import reach_command

    context = reach_command.make_context("reach", [])
    return [(one, context) for one in reach_command.params if one.param_type_name == "argument"]


@pytest.mark.slow
def test_the_real_recorder_gives_the_same_answers() -> None:
    """It keeps the ids and outputs to which inputs of others refer."""
    recorder = graphs.Recorder()
    from arca.reach.reach import matrix

    for stack in ("dr", "prod"):
        found, known = matrix(recorder.graph(stack)), matrix(stack_graph(stack))
        assert {pair: one.obstacle and one.obstacle.cause for pair, one in found.items()} == {
            pair: one.obstacle and one.obstacle.cause for pair, one in known.items()
        }
