"""Whether an operator could move the service now: states, journal, drill and permissions."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from arca.recovery.check_tree import Check, failed, judged, many, ok
from arca.recovery.facts import Permissions, StateCopy, Waiting
from arca.recovery.records import OVERDUE_DAYS, RESTORE_OVERDUE_DAYS, LastDrill

CLEAN_UP_DAYS = 1
"""How long a fail-back may wait for its clean-up: until then nothing can fail over again."""


def states(found: tuple[StateCopy, ...]) -> Check:
    """Judge whether both stacks' states can be read."""
    return many("states", map(_state, found), "no state is known")


def _state(one: StateCopy) -> Check:
    return judged(
        one.readable,
        f"state in {one.where}",
        one.seen,
        "Pulumi's state, readable outside of the primary's region",
        "check the bucket, its key and your permissions; without it `pulumi up` cannot run",
    )


def recovery(now: datetime) -> Callable[[Waiting | None], Check]:
    """Return what judges whether a failover or a fail-back is under way, or overdue."""
    return lambda found: _recovery(found, now)


def _recovery(one: Waiting | None, now: datetime) -> Check:
    if one is None:
        return ok("recovery", "no failover or fail-back is under way")
    days = (now - one.since) // timedelta(days=1)
    if one.only_clean_up:
        return judged(
            days < CLEAN_UP_DAYS,
            "recovery",
            f"a fail-back by {one.operator} has waited for its clean-up for {days} days",
            f"at most {CLEAN_UP_DAYS} days: until then there is no standby",
            "end it: `arca dr failback --resume --until clean-up`, with its generation",
        )
    return failed(
        "recovery",
        f"a {one.kind} by {one.operator} is under way, since {one.since:%Y-%m-%d %H:%M:%S} UTC "
        f"{f'after {one.done}' if one.done else 'before its first phase'}",
        "none under way",
        f"let it end, or go on with it: `arca dr {one.kind} --resume`",
    )


def drill(one: LastDrill) -> Check:
    """Judge the age of the last drill that passed."""
    return _last("drill", one, OVERDUE_DAYS, "run a drill: docs/disaster-recovery.md")


def restore_test(one: LastDrill) -> Check:
    """Judge the age of the last restore test that passed."""
    return _last("restore test", one, RESTORE_OVERDUE_DAYS, "run `arca dr restore-test`")


def _last(name: str, one: LastDrill, days: int, do: str) -> Check:
    wanted = f"a {name} that passed at most {days} days ago"
    if one.record is None or one.age is None:
        return failed(name, "none has passed", wanted, do)
    seen = f"{one.record.name}, {one.age.days} days ago"
    return judged(not one.overdue, name, seen, wanted, do)


def permissions(one: Permissions) -> Check:
    """Judge what the operator may do, step by step."""
    return many(
        f"permissions of {one.principal}",
        (
            _step(step, [action for action, allowed in actions.items() if not allowed], actions)
            for step, actions in one.steps.items()
        ),
        "no step needs any",
    )


def _step(step: str, denied: list[str], actions: Iterable[str]) -> Check:
    count = len(list(actions))
    seen = f"denied: {', '.join(sorted(denied))}" if denied else f"{count} actions allowed"
    do = "use the operator's role, or add the actions to it"
    return judged(not denied, step, seen, f"all {count} actions of the step", do)
