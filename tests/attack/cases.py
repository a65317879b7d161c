"""The cases within this process, by kind: what they are called, and how each one runs.

A case's name says all about it that the seed does not draw, so that the name and the seed alone
replay it.
"""

from collections.abc import Callable, Iterator, Mapping
from random import Random

from tests.attack import schedules
from tests.attack.conduct import conduct_of, ending_of, loose_ends, wanted_by
from tests.attack.oracle import Finding, judge
from tests.attack.scenarios import SCENARIOS, Scenario, words
from tests.attack.wire import FAULTS, MUTATING, Call, Fault, Line
from tests.attack.world import Killed, opened

API, KILL, SCHEDULE = "api", "kill", "schedule"
MODES = ("once", "lasting")
MOMENTS = ("before", "after")
SCHEDULES = 260
"""Random schedules in a whole run."""
KILLED = (
    *("deploy", "deploy-rolling", "resume", "resume-early", "resume-unfollowed", "rollback"),
    *("rollback-under-way", "stop", "stop-dead-lock", "promote", "scale", "migrate", "run"),
)
"""Scenarios that change something."""


def run(case: str, seed: int) -> list[Finding]:
    """Run a case by its name; returns what was wrong."""
    kind, _, rest = case.partition("/")
    return RUNS[kind](rest, Random(f"{seed}:{case}"))


def names(kind: str, seed: int) -> list[str]:
    """Return the names of a kind's cases."""
    if kind == SCHEDULE:
        return [f"{SCHEDULE}/{number}" for number in range(SCHEDULES)]
    rng = Random(f"{seed}:{kind}")
    return [*(_api_names(rng) if kind == API else _kill_names())]


def clean_calls(scenario: Scenario) -> list[Call]:
    """Return the calls that a command makes where nothing is wrong."""
    with opened(scenario.strategy, Random(0)) as world:
        scenario.prepare(world)
        return world.run(*words(scenario, as_json=True)).line.calls


def _api_names(rng: Random) -> Iterator[str]:
    """Yield a drawn fault at each call, and every fault at the first of each that changes."""
    every = [f"{kind}/{mode}" for kind in FAULTS for mode in MODES]
    for name, scenario in SCENARIOS.items():
        for call in clean_calls(scenario):
            whole = call.label in MUTATING and call.number == 1
            for fault in every if whole else [rng.choice(every)]:
                yield f"{API}/{name}/{call}/{fault}"


def _kill_names() -> Iterator[str]:
    for name in KILLED:
        for call in clean_calls(SCENARIOS[name]):
            if call.label in MUTATING:
                yield from (f"{KILL}/{name}/{call}/{moment}" for moment in MOMENTS)


def _api(rest: str, rng: Random) -> list[Finding]:
    """Run a command that meets a fault at one of its calls."""
    name, call, kind, mode = rest.split("/")
    scenario = SCENARIOS[name]
    with opened(scenario.strategy, rng) as world:
        scenario.prepare(world)
        line = Line(faults=[Fault(Call.parse(call), kind, lasting=mode == "lasting")])
        one = world.run(*words(scenario, as_json=rng.random() < 0.7), line=line)
        conduct = conduct_of(one, wanted=scenario.wanted, faults=True, usual=scenario.usual)
        return [*judge(ending_of(one), conduct), *loose_ends(world, one)]


def _kill(rest: str, rng: Random) -> list[Finding]:
    """Run a command that is killed at one of its calls, and what an operator does next."""
    name, text, moment = rest.split("/")
    scenario, at, line = SCENARIOS[name], Call.parse(text), Line()

    def kill(call: Call) -> None:
        if call == at:
            raise Killed

    setattr(line, moment, kill)
    with opened(scenario.strategy, rng) as world:
        scenario.prepare(world)
        one = world.run(*scenario.words, line=line)
        found = judge(ending_of(one), conduct_of(one, wanted=scenario.wanted, faults=True))
        return [*found, *loose_ends(world, one)]


def _schedule(rest: str, rng: Random) -> list[Finding]:
    """Run a command while anything goes wrong and anybody meddles."""
    plan = schedules.draw(rng)
    with opened(plan.strategy, rng) as world:
        everybody = schedules.play(plan, world)
        found = list[Finding]()
        for one in everybody:
            if one.before is None:
                continue
            conduct = conduct_of(
                one,
                wanted=wanted_by(one.words, one.before),
                faults=bool(plan.broken or plan.faults or one.line.faults),
                strangers=bool(world.strangers) or len(everybody) > 1,
            )
            found += judge(ending_of(one), conduct)
        schedules.mend(world)
        found += loose_ends(world, everybody[0])
        return [Finding(one.kind, f"{one.text}; schedule {rest}: {plan}") for one in found]


RUNS: Mapping[str, Callable[[str, Random], list[Finding]]] = {
    API: _api,
    KILL: _kill,
    SCHEDULE: _schedule,
}
