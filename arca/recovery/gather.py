"""Gather the facts about a standby and its primary, from the standby's region only.

A call that this region refuses or does not answer makes one check fail, so that one missing
permission does not hide the others.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from arca.check import Check as NamedCheck
from arca.errors import ArcaError
from arca.recovery import ask, ask_operations, journal_entry, records
from arca.recovery.facts import Facts, NotAsked, Waiting
from arca.stack import Stack

T = TypeVar("T")
EMULATED = NotAsked("only AWS knows it")


def gather(
    standby: Stack,
    primary: Stack | NotAsked,
    *,
    now: datetime,
    drills: Path,
    quotas: Callable[[], Iterable[NamedCheck]] | None = None,
) -> Facts:
    """Return the facts about a standby; `primary` is where its primary's exports are.

    `quotas` is called for the quotas, which takes long; without it, they are not asked for.
    """
    outputs = standby.outputs
    known = None if isinstance(primary, NotAsked) else primary
    not_now = NotAsked("add --quotas to ask for them")
    return Facts(
        now=now,
        stack=standby.name,
        region=outputs.region,
        phase=outputs.phase,
        replica=_fact(lambda: ask.replica(standby, now)),
        newest_restorable=_of_primary(primary, lambda one: ask.newest_restorable(standby, one)),
        last_copied_backup=_of_primary(primary, lambda one: ask.last_copied_backup(standby, one)),
        replication_latency=_fact(lambda: ask.replication_latency(standby, now)),
        image=_fact(lambda: ask.image(standby)),
        secrets=_fact(lambda: tuple(ask.secrets(standby))),
        keys=_fact(lambda: ask.keys(standby)),
        quotas=not_now if quotas is None else _fact(lambda: tuple(quotas())),
        certificates=_fact(lambda: tuple(ask.certificates(standby))),
        lever=_of_primary(primary, lambda one: ask.lever(standby, one)),
        healthy_targets=_fact(lambda: ask.healthy_targets(standby)),
        states=EMULATED
        if standby.endpoint
        else _fact(lambda: ask_operations.states(standby, known)),
        recovery=_fact(lambda: _recovery(standby)),
        drill=_fact(lambda: _last(records.last_drill, standby, primary, drills, now)),
        restore_test=_fact(lambda: _last(records.last_restore_test, standby, primary, drills, now)),
        permissions=EMULATED
        if standby.endpoint
        else _fact(lambda: ask_operations.permissions(standby, known)),
    )


def _fact(question: Callable[[], T]) -> T | NotAsked:
    """Ask for a fact; an error becomes the reason why it is not known."""
    try:
        return question()
    except ArcaError as error:
        return NotAsked(" ".join(error.what.split()), error.do)


def _of_primary(primary: Stack | NotAsked, question: Callable[[Stack], T]) -> T | NotAsked:
    """Ask for a fact that needs to know the primary's exports."""
    return primary if isinstance(primary, NotAsked) else _fact(lambda: question(primary))


def _recovery(standby: Stack) -> Waiting | None:
    """Return what the journal tells; None without one."""
    held = journal_entry.read(standby)
    if held is None:
        return None
    entry = held.entry
    done = [one for one in entry.phases if entry.done(one.name)]
    return Waiting(
        kind=entry.kind,
        operator=entry.operator,
        since=max((one.ended for one in entry.phases), default=entry.declared),
        done=done[-1].name if done else "",
        only_clean_up=journal_entry.waits_for_clean_up(entry),
    )


def _last(
    judge: Callable[..., records.LastDrill],
    standby: Stack,
    primary: Stack | NotAsked,
    drills: Path,
    now: datetime,
) -> records.LastDrill:
    name = "prod" if isinstance(primary, NotAsked) else primary.name.rpartition("/")[2]
    known = records.read(drills) if any(drills.glob("*.json")) else ()
    environment = "emulated" if standby.endpoint else "aws"
    return judge(known, primary=name, environment=environment, now=now)
