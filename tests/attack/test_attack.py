"""The attack finds planted bugs, its oracle stands alone, and a sample of it finds nothing."""

import subprocess
import sys
from typing import Any

import pytest

from tests import ROOT
from tests.attack import cases, oracle, processes
from tests.attack.oracle import Conduct, Deployment, Ending, State, judge
from tests.attack.planted import PLANTED
from tests.attack.scenarios import SCENARIOS
from tests.attack.wire import FAULTS, Call, Fault
from tests.sources import imports

SEED = 13


SAMPLE = (
    "plain/deploy",
    "plain/rollback",
    "api/deploy-rolling/ecs.UpdateService.1/500-after/once",
    "api/status/ecs.DescribeServices.1/denied/lasting",
    "kill/deploy-rolling/ecs.UpdateService.1/before",
    "meddle/deploy-rolling/20/deploy another image",
    "schedule/1",
)
"""One case or two of each kind that needs no server."""


SERVING = State(
    shares={"blue": {"2": 2}},
    running={"2": 2},
    deployments=(Deployment("d2", "SUCCESSFUL", "2", "1", 2, paused=False),),
    desired=2,
    lock=None,
)


BEFORE = State(
    shares={"blue": {"1": 2}},
    running={"1": 2},
    deployments=(Deployment("d1", "SUCCESSFUL", "1", "", 2, paused=False),),
    desired=2,
    lock=None,
)


def kinds(code: int | None, end: State, *, words: str = "deploy 2", **known: Any) -> set[str]:
    """Return the kinds of findings for a command that ended so."""
    said = f'{{"exit_code": {code}}}'
    ending = Ending((*words.split(), "--json"), code, said, "", "", end)
    found: dict[str, Any] = {"wanted": "2", "faults": True, "lost": 0, **known}
    conduct = Conduct(before=BEFORE, after=[end], seen=[end], **found)
    return {one.kind for one in judge(ending, conduct)}


def test_the_oracle_shares_no_code_with_the_verdict() -> None:
    """The oracle imports nothing of the product."""
    assert oracle.__file__ is not None
    found = {*imports(ROOT / "tests" / "attack" / "oracle.py")}
    assert {name for name in found if name.split(".")[0] in ("arca", "tests")} == set()


def test_a_true_verdict_is_no_finding() -> None:
    """The oracle is silent where what is said is so."""
    assert kinds(0, SERVING) == set()
    assert kinds(1, BEFORE) == set()
    assert kinds(6, BEFORE) == set()
    failed = Deployment("d2", "ROLLBACK_SUCCESSFUL", "2", "1", 2, paused=False)
    back = State(BEFORE.shares, BEFORE.running, (failed, *BEFORE.deployments), 2, None)
    assert kinds(3, back) == set()


@pytest.mark.parametrize(
    ("shares", "running"),
    [
        ({"blue": {"1": 2}}, {"2": 2}),
        ({"blue": {"2": 2}, "green": {}}, {"2": 2}),
        ({"blue": {"2": 1, "(2)": 1}}, {"2": 2}),
        ({"blue": {"2": 1}}, {"2": 2}),
        ({"blue": {"2": 2}}, {"2": 2, "1": 1}),
        ({}, {"2": 2}),
    ],
    ids=["the old serves", "an empty group", "unhealthy", "too few", "the old runs", "no rule"],
)
def test_zero_needs_the_wanted_revision_alone(
    shares: dict[str, dict[str, int]], running: dict[str, int]
) -> None:
    """Exit code 0 is a finding wherever customers do not all reach the wanted revision."""
    assert kinds(0, State(shares, running, SERVING.deployments, 2, None)) == {"false 0"}


def test_each_other_code_has_its_meaning() -> None:
    """A code whose meaning is not so is a finding."""
    assert kinds(3, SERVING) == {"false 3"}
    assert kinds(4, SERVING) == {"false 4"}
    assert kinds(5, SERVING) == {"5 though known"}
    assert kinds(7, SERVING) == {"false 7"}
    assert kinds(9, SERVING) == {"wrong code"}
    asked: dict[str, Any] = {"done": [("ecs.UpdateService", "")], "sent": {"ecs.UpdateService": 1}}
    assert kinds(6, SERVING, **asked) == {"6 though done"}
    assert kinds(1, SERVING, **asked) == {"1 though live"}
    begun = Deployment("d2", "IN_PROGRESS", "2", "1", 2, paused=False)
    goes_on = State(BEFORE.shares, BEFORE.running, (begun, *BEFORE.deployments), 2, None)
    assert kinds(1, goes_on, **asked) == {"1 though ECS goes on"}
    assert kinds(1, BEFORE, faults=False) == {"fails without a fault"}


def test_a_lock_a_traceback_and_a_doubled_action_are_findings() -> None:
    """What a command leaves, prints or does twice is a finding, whatever its code."""
    held = State(SERVING.shares, SERVING.running, SERVING.deployments, 2, "mine")
    assert kinds(0, held, held="mine") == {"lock left"}
    assert kinds(0, held, held="another's") == set()
    assert kinds(0, SERVING, done=[("deployment", "a"), ("deployment", "b")]) == {"doubled action"}
    assert kinds(0, SERVING, done=[("run", "x"), ("run", "x")]) == {"doubled action"}
    ending = Ending(("status",), None, "", "", oracle.TRACEBACK, SERVING)
    assert [one.kind for one in judge(ending, Conduct(SERVING, [SERVING]))] == ["traceback"]
    ending = Ending(("status", "--json"), 0, "{}{}", "", "", SERVING)
    assert [one.kind for one in judge(ending, Conduct(SERVING, [SERVING]))] == ["json"]


def test_a_fault_meets_one_attempt_or_lasts() -> None:
    """A fault that lasts hits its operation, or everything where it is of that kind."""
    first, other = Call("ecs.RunTask", 1), Call("ssm.GetParameter", 4)
    once = Fault(first, "denied", lasting=False)
    assert [once.meets(first, 1), once.meets(first, 2), once.meets(other, 1)] == [
        True,
        False,
        False,
    ]
    denied, expired = (Fault(first, kind, lasting=True) for kind in ("denied", "expired"))
    assert [denied.meets(other, 1), denied.meets(first, 1), denied.meets(other, 1)] == [
        False,
        True,
        False,
    ]
    assert [expired.meets(first, 1), expired.meets(other, 1)] == [True, True]
    assert denied.meets(Call("ecs.RunTask", 2), 3)


@pytest.mark.slow
def test_a_case_is_named_the_same_with_the_same_seed() -> None:
    """The seed decides which cases there are, and how a case goes."""
    names = cases.names(cases.API, SEED)
    assert names == cases.names(cases.API, SEED)
    assert {name.split("/")[1] for name in names} == {*SCENARIOS} - {"deploy-large"}
    assert {name.split("/")[3] for name in names} == {*FAULTS}
    assert len({*names}) > 700


@pytest.mark.slow
def test_a_sample_finds_nothing() -> None:
    """A case or two of each kind that needs no server finds nothing."""
    found = {name: [str(one) for one in cases.run(name, SEED)] for name in SAMPLE}
    assert {name: texts for name, texts in found.items() if texts} == {}
    assert {name.split("/")[0] for name in SAMPLE} == {*cases.RUNS}


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found(name: str) -> None:
    """A few seeded cases find a bug of each kind, and the same cases find nothing without it."""
    planted = PLANTED[name]
    for case in planted.cases():
        with pytest.MonkeyPatch.context() as patch:
            planted.plant(patch)
            found = {one.kind for one in cases.run(case, SEED)}
        if planted.kind in found:
            assert [str(one) for one in cases.run(case, SEED)] == []
            return
    pytest.fail(f"nobody found: {name}")


@pytest.mark.slow
def test_the_command_counts_and_replays() -> None:
    """`python -m tests.attack` counts by kind and ends with 0 where nothing was found."""
    words = ("--seed", "13", "--case", "plain/status", "--case", "plain/history")
    done = subprocess.run(
        [sys.executable, "-m", "tests.attack", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "plain          2 cases, 0 with findings" in done.stdout
    assert "Nothing was found." in done.stdout


def test_foreign_clients_that_are_missing_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where awscli is not installed, its cases fail and say so."""
    monkeypatch.setattr(processes, "FOREIGN_BIN", ROOT / "nowhere")
    with pytest.raises(processes.ForeignMissing, match="there is no aws"):
        next(processes.run(processes.names(processes.FOREIGN), SEED))
