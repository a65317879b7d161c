"""What a command did on its connection, for the oracle; and what an operator does next."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from tests.attack.oracle import Conduct, Ending, Finding, State, judge
from tests.attack.wire import Line
from tests.attack.world import Operator, World

FOLLOW_UPS = (
    ("deploy", "--resume"),
    ("stop", "--yes"),
    ("rollback",),
    ("deploy", "2", "--skip-migrations"),
)
"""What an operator does after a command that was killed or that does not know the end."""
LOCK_CALLS = frozenset({"ssm.PutParameter", "ssm.GetParameter", "ssm.DeleteParameter"})
STOPPED = (0, 3, 7)
"""Exit codes of a stop that was carried out."""
LEFT_BEHIND = ("ROLLBACK_FAILED", "STOPPED")
"""Ends of a deployment after which a rollback leads to what that deployment replaced."""
SMOKE = "/app/smoke"
"""The command of the smoke tests' task."""
KNOWN_MIGRATION = "migrate"
"""The lock's `what` while a migration runs, which nobody can resume."""


def ending_of(one: Operator) -> Ending:
    """Return how a run ended; raises where it did not, which is the harness's own fault."""
    if one.ending is None:
        raise RuntimeError(f"no end of `arca {' '.join(one.words)}`: {one.err.getvalue()}")
    return one.ending


def conduct_of(one: Operator, **known: Any) -> Conduct:
    """Return what a run did, from its connection."""
    ending, line = ending_of(one), one.line
    if one.before is None:
        raise RuntimeError("nobody looked before the run")
    # A stop that has done its work frees the lock of the release that it stopped, too.
    freed = one.words[0] == "stop" and ending.code in STOPPED
    return Conduct(
        before=one.before,
        after=one.acceptable(ending.state),
        seen=[*(state for _, state in one.moments), ending.state],
        sent=Counter(call.label for call in line.calls),
        done=tuple(_done(line, one.before)),
        lost=len(line.failed),
        lock_lost=any(call.label in LOCK_CALLS for call in line.failed),
        held=_held(line) or (one.before.lock if freed else None),
        **known,
    )


def _done(line: Line, before: State) -> Iterator[tuple[str, str]]:
    """Yield what the run changed: operations, deployments that it began, tasks that it ran."""
    known = {one.arn for one in before.deployments}
    tasks = set[str]()
    for effect in line.effects:
        answer = json.loads(effect.answer or b"{}")
        label = effect.call.label
        yield label, ""
        if label == "ecs.RunTask":
            words = json.dumps(json.loads(effect.request)["overrides"])
            # Smoke tests run again for each deployment that is followed; nothing else does.
            order = f"{words} ({effect.call})" if SMOKE in words else words
            for task in answer["tasks"]:
                if task["taskArn"] not in tasks:
                    tasks.add(task["taskArn"])
                    yield "run", order
        elif label == "ecs.UpdateService":
            begun = answer["service"].get("currentServiceDeployment")
            if begun and begun not in known and b"taskDefinition" in effect.request:
                yield "deployment", begun


def _held(line: Line) -> str | None:
    """Return what the run last wrote into the lock."""
    written = [one for one in line.effects if one.call.label == "ssm.PutParameter"]
    values = [json.loads(one.request) for one in written]
    locks = [one["Value"] for one in values if one["Name"].endswith("/operations/release")]
    return locks[-1] if locks else None


def wanted_by(words: Sequence[str], state: State) -> str | None:
    """Return the tag of the image that a command is to make serve; None where nobody knows."""
    match words:
        case ["deploy", tag, *_] if not tag.startswith("-"):
            return tag
        case ["deploy", *_]:
            # It follows what is under way, also where somebody else began that.
            left = _lock_field(state.lock or "", "image").rpartition(":")[2] or None
            return state.under_way.target if state.under_way else left
        case ["stop" | "rollback", *_] if state.under_way is not None:
            return state.under_way.source
        case ["rollback", *_]:
            return _previous(state)
        case _:
            return None


def as_adopted(words: Sequence[str], conduct: Conduct) -> Conduct:
    """Return a resumption's conduct, which is to make serve what it adopted, as its lock says.

    A stranger may have begun another deployment before the command took the lock.
    """
    adopted = _lock_field(conduct.held or "", "image").rpartition(":")[2]
    if tuple(words[:2]) != ("deploy", "--resume") or not adopted:
        return conduct
    return replace(conduct, wanted=adopted)


def _previous(state: State) -> str | None:
    """Return the image that a rollback leads to where nothing is under way."""
    if state.newest is not None and state.newest.status in LEFT_BEHIND:
        return state.newest.source
    past = [one.target for one in state.deployments if one.status == "SUCCESSFUL"]
    # Where nothing serves, the newest release is the one to leave.
    serves = state.alone or next(iter(past), None)
    return next((one for one in past if one != serves), None)


def _lock_field(lock: str, name: str) -> str:
    try:
        return str(json.loads(lock).get(name, ""))
    except json.JSONDecodeError:
        return ""


def loose_ends(world: World, first: Operator) -> list[Finding]:
    """Do what an operator does after a command that left something; returns what was wrong.

    Nothing is broken any more, so that the lock must be free afterwards.
    """
    found = list[Finding]()
    ending = ending_of(first)
    state = world.state()
    if state.lock is None and state.under_way is None and ending.code not in (5, None):
        return found
    tried = [world.rng.choice(FOLLOW_UPS), ("stop", "--yes"), ("deploy", "--resume")]
    for number, words in enumerate(tried):
        state = world.state()
        if number and state.lock is None and state.under_way is None:
            return found
        if state.lock is not None:
            world.stage.abandon()
            state = world.state()
        one = world.run(*words, "--json")
        what = _lock_field(state.lock or "", "what")
        usual = words == FOLLOW_UPS[0] and bool(state.lock) and what != KNOWN_MIGRATION
        conduct = conduct_of(
            one,
            wanted=wanted_by(words, state),
            # What was broken before may still show in how the deployment ends.
            faults=not usual or bool(first.line.faults) or bool(world.broken),
            strangers=bool(world.strangers),
        )
        if usual:
            begun = [item for item in conduct_of(first).done if item[0] == "deployment"]
            conduct = replace(conduct, done=(*begun, *conduct.done))
        found += judge(ending_of(one), conduct)
    end = world.state()
    if end.lock is not None:
        text = f"the lock stays after `arca stop` and `arca deploy --resume`: {end.lock[:200]}"
        found.append(Finding("lock stays", text))
    return found
