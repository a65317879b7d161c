"""The cases within this process, by kind: what they are called, and how each one runs.

A case's name says all about it that the seed does not draw, so that the name and the seed alone
replay it.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from random import Random

from tests.attack import schedules
from tests.attack.conduct import as_adopted, conduct_of, ending_of, loose_ends, wanted_by
from tests.attack.oracle import Finding, judge
from tests.attack.scenarios import LARGE, SCENARIOS, words
from tests.attack.wire import FAULTS, MUTATING, Call, Fault, Line
from tests.attack.world import Killed, opened

PLAIN, API, KILL, MEDDLE, SCHEDULE = "plain", "api", "kill", "meddle", "schedule"
MODES = ("once", "lasting")
MOMENTS = ("before", "after")
SCHEDULES = 200
"""Random schedules in a whole run."""
MEDDLED = ("deploy", "deploy-rolling", "resume-unfollowed", "rollback", "stop-late")
"""Scenarios in which each stranger does each thing at a few moments."""
MEDDLINGS = 3
"""Moments at which each stranger meddles with each command."""
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
    match kind:
        case "plain":
            return [f"{PLAIN}/{name}" for name in SCENARIOS]
        case "api":
            return [*_api_names(rng)]
        case "meddle":
            return [*_meddle_names(rng)]
        case _:
            return [*_kill_names()]


@cache
def clean_calls(name: str) -> tuple[Call, ...]:
    """Return the calls that a scenario's command makes where nothing is wrong."""
    scenario = SCENARIOS[name]
    with opened(scenario.strategy, Random(0)) as world:
        scenario.prepare(world)
        return tuple(world.run(*words(scenario, as_json=True)).line.calls)


def _api_names(rng: Random) -> Iterator[str]:
    """Yield a drawn fault at each call, and every fault at the first of each that changes."""
    for name in SCENARIOS:
        if name == LARGE:
            continue
        for call in clean_calls(name):
            whole = call.label in MUTATING and call.number == 1
            for fault in FAULTS if whole else [rng.choice([*FAULTS])]:
                yield f"{API}/{name}/{call}/{fault}/{rng.choice(MODES)}"


def _meddle_names(rng: Random) -> Iterator[str]:
    for name in MEDDLED:
        last = len(clean_calls(name))
        for what in schedules.STRANGERS:
            moments = rng.sample(range(2, last + 1), MEDDLINGS)
            yield from (f"{MEDDLE}/{name}/{moment}/{what}" for moment in sorted(moments))


def _kill_names() -> Iterator[str]:
    for name in KILLED:
        for call in clean_calls(name):
            if call.label in MUTATING:
                yield from (f"{KILL}/{name}/{call}/{moment}" for moment in MOMENTS)


def _plain(rest: str, rng: Random) -> list[Finding]:
    """Run a command while nothing is wrong."""
    scenario = SCENARIOS[rest]
    with opened(scenario.strategy, rng) as world:
        scenario.prepare(world)
        one = world.run(*words(scenario, as_json=True))
        found = judge(ending_of(one), conduct_of(one, wanted=scenario.wanted, usual=scenario.usual))
        return [*found, *loose_ends(world, one)]


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


def _meddle(rest: str, rng: Random) -> list[Finding]:
    """Run a command while somebody without `arca` does something at one of its calls."""
    name, moment, what = rest.split("/")
    scenario, line = SCENARIOS[name], Line()
    with opened(scenario.strategy, rng) as world:
        scenario.prepare(world)

        def before(_call: Call) -> None:
            if len(line.calls) == int(moment):
                schedules.meddle(world, what)

        line.before = before
        one = world.run(*words(scenario, as_json=True), line=line)
        conduct = conduct_of(one, wanted=scenario.wanted, strangers=True)
        found = judge(ending_of(one), as_adopted(scenario.words, conduct))
        schedules.mend(world)
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
    PLAIN: _plain,
    API: _api,
    KILL: _kill,
    MEDDLE: _meddle,
    SCHEDULE: _schedule,
}
