"""The estimate: what an update does, how long it takes, and what the table must be."""

from pathlib import Path
from typing import Any

import pytest

from arca.errors import ArcaError
from arca.graph import Graph, Resource
from arca.recovery import durations, estimate
from arca.recovery.budgets import BUDGETS, RTO_SECONDS
from arca.recovery.durations import COLUMNS, Durations, Row, Seconds, read
from arca.recovery.updates import update
from tests.arca.cost.graphs import stack_graph


def row(kind: str, seconds: float, *, operation: str = "any", input_: str = "") -> Row:
    """Return a row of a table."""
    bounds = Seconds(seconds, seconds, seconds)
    return Row(kind, operation, input_, bounds, "assumed", "planted")


TABLE = Durations(
    [
        *(row("a:Slow", 100), row("a:Fast", 1), row("default", 7)),
        row("a:Slow", 900, operation="create", input_="replica"),
        row("a:Slow", 30, operation="update", input_="replica"),
        row(durations.START, 10, operation="start"),
    ]
)


def resource(name: str, kind: str = "a:Fast", *needs: str, **inputs: Any) -> Resource:
    """Return a resource whose URN is its name."""
    return Resource(
        kind, name, "part", inputs, urn=name, dependencies=frozenset(needs), ignored=("ignored",)
    )


def graph(*resources: Resource) -> Graph:
    """Return a stack with these resources."""
    return Graph("planted", "us-east-1", resources)


def did(before: Graph | None, after: Graph) -> dict[str, tuple[str, float]]:
    """Return each step's operation and seconds, by name."""
    found = update(before, after, TABLE)
    return {one.urn: (one.operation, one.seconds.expected) for one in found.steps}


def test_an_update_is_what_differs() -> None:
    """New, changed, gone; an ignored change is none, and a special input has its own row."""
    before = graph(
        resource("same", x=1),
        resource("ignored", ignored=1),
        resource("changed", x=1),
        resource("promoted", "a:Slow", replica="arn", x=1),
        resource("gone"),
    )
    after = graph(
        resource("same", x=1),
        resource("ignored", ignored=2),
        resource("changed", x=2),
        resource("promoted", "a:Slow", x=1),
        resource("replica", "a:Slow", replica="arn"),
        resource("plain", "a:Slow"),
        resource("other", "b:Unknown"),
    )
    assert did(before, after) == {
        durations.START: ("start", 10),
        "changed": ("update", 1),
        "promoted": ("update", 30),
        "replica": ("create", 900),
        "plain": ("create", 100),
        "other": ("create", 7),
        "gone": ("delete", 1),
    }


def test_what_waits_for_something_unchanged_waits_for_what_that_waits_for() -> None:
    """A chain goes through what stays as it is."""
    before = graph(resource("first", x=1), resource("between", "a:Fast", "first"))
    after = graph(
        resource("first", x=2),
        resource("between", "a:Fast", "first"),
        resource("last", "a:Fast", "between"),
    )
    found = estimate.activate([before, after], TABLE).updates[0]
    assert [one.urn for one in found.path] == [durations.START, "first", "last"]
    assert found.total.expected == 12


def test_deletions_come_last_and_backwards() -> None:
    """What others need is deleted after them, and nothing before all creations are done."""
    before = graph(resource("net", "a:Slow"), resource("user", "a:Slow", "net"))
    found = estimate.activate([before, graph(resource("new"))], TABLE).updates[0]
    order = [one.urn for one in found.path]
    assert order == [durations.START, "new", "user", "net"]
    assert found.total.expected == 10 + 1 + 100 + 100


def test_what_to_speed_up_first_is_what_saves_most() -> None:
    """A step beside an almost equal one saves the difference only."""
    found = estimate.recreate(
        graph(
            resource("slow", "a:Slow"),
            resource("other", "b:Unknown", "slow"),
            resource("twin", "a:Slow"),
        ),
        TABLE,
    ).updates[0]
    gains = {gain.step.urn: gain.seconds for gain in found.gains}
    assert gains == {durations.START: 10, "other": 7, "slow": 7}
    assert found.gains[0].step.urn == durations.START


def test_few_workers_take_longer_than_the_longest_path() -> None:
    """Pulumi runs so many operations at once, and no more."""
    wide = graph(*(resource(f"r{number}", "a:Slow") for number in range(6)))
    assert estimate.recreate(wide, TABLE, parallel=6).total.expected == 110
    assert estimate.recreate(wide, TABLE, parallel=2).total.expected == 310
    assert estimate.recreate(wide, TABLE, parallel=2).updates[0].path_seconds == 110


def test_unknown_types_are_counted() -> None:
    """They take the default, which is stated."""
    found = estimate.recreate(graph(resource("x", "b:Unknown"), resource("y")), TABLE)
    assert found.unknown == ("Unknown x",)
    assert estimate.as_json(found)["unknown"] == ["Unknown x"]


@pytest.mark.parametrize(
    ("seconds", "in_time"), [(RTO_SECONDS - 11, True), (RTO_SECONDS - 10, False)]
)
def test_the_rto_is_compared_with_the_expected_duration(seconds: float, *, in_time: bool) -> None:
    """Less than an hour, and the start of the update counts."""
    table = Durations([row("default", seconds), row(durations.START, 10, operation="start")])
    assert estimate.recreate(graph(resource("x")), table).in_time == in_time


@pytest.mark.slow
def test_the_real_dr_is_in_time() -> None:
    """By the committed table; the budget of each update is not less than its estimate."""
    table = read()
    phases = [stack_graph("dr", {"recovery.phase": phase}) for phase in estimate.PHASES]
    made = estimate.recreate(phases[0], table)
    assert made.in_time
    assert "Instance database" in [step.label for step in made.updates[0].path]
    failover = estimate.activate(phases, table)
    assert failover.in_time
    promote, activate = failover.updates
    assert promote.update.count("delete") == 0
    assert [s.label for s in promote.update.steps if s.operation == "update"] == [
        "Instance database"
    ]
    assert promote.total.expected <= BUDGETS["promote"].seconds
    assert activate.total.expected <= BUDGETS["activate"].seconds
    assert activate.gains[0].step.label == "ReplicationGroup cache"


def test_the_committed_table_has_a_source_in_each_row() -> None:
    """And a row for the start, and one for what is not known."""
    table = read()
    assert all(one.source for one in table.rows)
    assert table.find("nobody:knows/this:Type", "create").type == durations.DEFAULT
    assert table.find(durations.START, "start").type == durations.START
    replica = table.find("aws:rds/instance:Instance", "create", {"replicateSourceDb", "multiAz"})
    assert replica.input == "replicateSourceDb"


HEAD = ",".join(COLUMNS)
LAST = "default,any,,1,2,3,assumed,s"


@pytest.mark.parametrize(
    ("lines", "place", "told"),
    [
        (None, "", "cannot be read"),
        (["a,b"], ":1", "columns are not the known ones"),
        ([HEAD], "", "has no default"),
        ([HEAD, "t,any,,1,2,x,assumed,s", LAST], ":2", "no three numbers"),
        ([HEAD, "t,any,,1,2"], ":2", "no three numbers"),
        ([HEAD, "t,any,,3,2,1,assumed,s", LAST], ":2", "do not ascend"),
        ([HEAD, "t,any,,-1,2,3,assumed,s", LAST], ":2", "do not ascend"),
        ([HEAD, "t,any,,1,2,3,surely,s", LAST], ":2", "no certainty or no source"),
        ([HEAD, "t,any,,1,2,3,assumed,", LAST], ":2", "no certainty or no source"),
        ([HEAD, LAST, LAST], ":3", "there twice"),
    ],
)
def test_a_damaged_table_is_one_clear_error(
    tmp_path: Path, lines: list[str] | None, place: str, told: str
) -> None:
    """The message names the line."""
    path = tmp_path / "durations.csv"
    if lines is not None:
        path.write_text("\n".join(lines) + "\n")
    with pytest.raises(ArcaError) as error:
        read(path)
    assert told in error.value.what
    assert error.value.where == f"{path}{place}"
