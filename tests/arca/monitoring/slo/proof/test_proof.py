"""The search for incidents that page too late, too often or for nothing, and what it finds."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from arca.errors import ArcaError
from arca.monitoring.alarm import Alarm, Alarms, Hold
from arca.monitoring.slo import compiler
from arca.monitoring.slo.compiler import compile_objective
from arca.monitoring.slo.objective import Objective, SliceIndicator
from arca.monitoring.slo.objectives import read_objectives
from arca.monitoring.slo.proof import report
from arca.monitoring.slo.proof.bounds import EVENTS, SLICES, Bounds, bounds_of
from arca.monitoring.slo.proof.report import Proof, prove, prove_declared
from arca.monitoring.slo.proof.scenario import DAY, DAYS, TELEMETRY, TRAFFIC, TROUBLE, scenario
from arca.monitoring.table.api import outage
from arca.monitoring.thresholds import Thresholds
from tests.arca.emulated import arca, as_json

OBJECTIVES = {objective.name: objective for objective in read_objectives()}
SIGNS = outage(Thresholds()).alarms
FEW, ALL = 12, 10_000
"""Scenarios of each objective in an ordinary run, and in a slow one."""


def whole_of(proof: Proof) -> list[str]:
    """Return the bounds that do not hold."""
    return list(proof.breaches())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", OBJECTIVES)
def test_no_bound_is_broken_in_a_few_scenarios(name: str) -> None:
    """The ordinary run looks at a few."""
    assert whole_of(prove_declared(OBJECTIVES[name], scenarios=FEW)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", OBJECTIVES)
def test_no_bound_is_broken_in_many_scenarios(name: str) -> None:
    """Other seeds than those from which the bounds were taken are among them."""
    assert whole_of(prove_declared(OBJECTIVES[name], scenarios=ALL)) == []


def test_every_kind_of_scenario_is_drawn_and_is_the_seeds() -> None:
    """A report's seed gives the scenario again."""
    objective = OBJECTIVES["errors"]
    found = [scenario(seed, objective) for seed in range(60)]
    assert {one.traffic for one in found} == set(TRAFFIC)
    assert {one.trouble for one in found} == set(TROUBLE)
    assert {one.telemetry for one in found} == set(TELEMETRY)
    again = scenario(7, objective)
    assert np.array_equal(again.bad, found[7].bad)
    assert all((one.bad <= one.total).all() for one in found)
    assert {len(one.total) for one in found} == {DAYS * DAY}


def test_a_probe_has_one_run_a_minute() -> None:
    """It is bad or good, late as a whole, and has few bad ones by chance."""
    probe = OBJECTIVES["availability"]
    assert isinstance(probe.indicator, SliceIndicator)
    for seed in range(20):
        one = scenario(seed, probe)
        assert (one.total == 1).all()
        assert set(np.unique(one.bad)) <= {0.0, 1.0}
        assert one.late_bad == one.late_total


def without_hold(found: Alarms) -> Alarms:
    """Let every composite notify, whatever else does."""
    return Alarms(found.alarms, tuple(replace(one, hold=None) for one in found.composites))


def without_wait(found: Alarms) -> Alarms:
    """Let a page of the objective go out before the outage is known."""
    composites = [
        replace(one, hold=replace(one.hold, wait=0)) if one.hold else one
        for one in found.composites
    ]
    return Alarms(found.alarms, tuple(composites))


def one_after_the_other(found: Alarms) -> Alarms:
    """Let each alert notify by itself while no faster one is on, as the first version did."""
    page, ticket = found.composites
    fast, slow = page.any_of
    slower = Hold("errors-fast", wait=0, extension=60)
    split = (
        replace(page, name="errors-fast", any_of=(fast,), hold=None),
        replace(page, name="errors-slow", any_of=(slow,), hold=slower),
    )
    forgetful = tuple(replace(one, evaluation_periods=1) for one in found.alarms)
    return Alarms(forgetful, (*split, ticket))


def at_once(sign: Alarm) -> Alarm:
    """Turn a sign of an outage on at one datapoint."""
    return replace(sign, datapoints=1)


@dataclass(frozen=True)
class Planted:
    """A mistake in an objective's alarms, and what the report then says."""

    what: str
    found: str
    name: str = "errors"
    change: Callable[[Alarms], Alarms] = lambda found: found
    signs: Callable[[Alarm], Alarm] = lambda sign: sign
    recent: int = compiler.RECENT_BAD


PLANTED = (
    Planted("composites without a hold", "page once", change=without_hold),
    Planted("separate composites", "page once", change=one_after_the_other),
    Planted("no wait", "page once", change=without_wait),
    Planted("outage at one datapoint", "times for nothing", name="availability", signs=at_once),
    Planted("short windows that want as much as an hour", "before their page", recent=10),
)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.what)
def test_a_planted_mistake_is_found(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each was in the first version, or is one line away; the report says what it does."""
    monkeypatch.setattr(compiler, "RECENT_BAD", planted.recent)
    objective = OBJECTIVES[planted.name]
    proof = prove(
        objective,
        planted.change(compile_objective(objective)),
        outages=[planted.signs(sign) for sign in SIGNS],
        bounds=bounds_of(objective),
        scenarios=60,
    )
    assert planted.found in " ".join(whole_of(proof))


def test_bounds_are_those_of_the_kind() -> None:
    """A probe's minutes are few and each counts."""
    assert {bounds_of(one) for name, one in OBJECTIVES.items() if name != "availability"} == {
        EVENTS
    }
    assert bounds_of(OBJECTIVES["availability"]) == SLICES


def test_the_command_prints_what_it_found() -> None:
    """One objective or all; the figures are the same as text and as JSON."""
    words = ("slo", "prove", "--slo", "errors", "--scenarios", "8", "--seed", "3")
    found = as_json(*words)
    assert (found["seed"], len(found["objectives"])) == (3, 1)
    errors = found["objectives"][0]
    assert (errors["slo"], errors["scenarios"], errors["breaches"]) == ("errors", 8, [])
    assert set(errors["worst"]) == {"unpaged", "after_recovery", "pages", "needless"}
    assert all(3 <= one["seed"] < 11 for one in errors["worst"].values())
    output = arca(*words).output
    assert "over before a page" in output
    assert f"{errors['must_page']}" in output
    assert "There is no objective nobody" in str(arca("slo", "prove", "--slo", "nobody").exception)


def test_a_broken_bound_ends_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the seed, with which the incident can be run alone."""
    strict = replace(EVENTS, pages_an_incident=0)

    def stricter(_: Objective) -> Bounds:
        return strict

    monkeypatch.setattr(report, "bounds_of", stricter)
    result = arca("slo", "prove", "--slo", "errors", "--scenarios", "9")
    assert isinstance(result.exception, ArcaError)
    assert result.exception.exit_code == 1
    said = re.search(r"errors: seed (\d+) \(", str(result.exception))
    assert said is not None
    again = arca("slo", "prove", "--slo", "errors", "--scenarios", "1", "--seed", said[1])
    assert said[0] in str(again.exception)
