"""Whether a record passed, and why not; computed from the record's facts alone."""

from collections.abc import Iterable, Iterator

from arca.recovery.budgets import NEEDED
from arca.recovery.databases import Databases, differences
from arca.recovery.record import Record, Verdict
from arca.recovery.set_check import SetCheck

SHOWN = 5
"""Keys that a reason shows."""


def judge(record: Record) -> Verdict:
    """Return the verdict: passed where there is no reason against it."""
    reasons = tuple(_reasons(record))
    return Verdict(passed=not reasons, reasons=reasons, notes=tuple(_notes(record)))


def _reasons(record: Record) -> Iterator[str]:
    yield from _phases(record)
    if record.kind in ("drill", "failover"):
        yield from _recovery_time(record)
    if record.kind != "restore-test":
        yield from _data(record)
    yield from _databases(record)
    for one in record.invariants:
        if one.outcome == "FAILED":
            yield f"invariant broken: {one.name}: {one.seen}"
    if not record.invariants and record.kind != "failover":
        yield "no invariant of the domain was checked"
    if record.kind != "restore-test":
        # A migration since the backup explains another schema; the task judges that.
        yield from _schema(record)
    if record.kind in ("drill", "restore-test"):
        yield from _left(record)


def _phases(record: Record) -> Iterator[str]:
    last = {one.name: one for one in record.phases}
    for name in NEEDED[record.kind]:
        if name not in last:
            yield f"phase {name} never began"
        elif last[name].outcome in ("FAILED", "INTERRUPTED"):
            yield f"phase {name} {last[name].outcome.lower()}: {last[name].seen or 'no reason'}"


def _recovery_time(record: Record) -> Iterator[str]:
    limit = record.rto_limit_seconds
    if record.rto_seconds is None:
        yield "no smoke test passed, so there is no RTO"
    elif record.rto_seconds >= limit:
        yield f"RTO {record.rto_seconds:,.0f} s, allowed are less than {limit:,.0f} s"
    if record.served_seconds is not None and record.served_seconds >= limit:
        yield f"customers served after {record.served_seconds:,.0f} s, not less than {limit:,.0f} s"
    if record.green_seconds is None:
        yield "the alarms never became green"
    elif record.green_seconds >= limit:
        yield f"alarms green after {record.green_seconds:,.0f} s, not less than {limit:,.0f} s"


def _data(record: Record) -> Iterator[str]:
    check = record.set_check
    if check is None or not check.proves:
        if record.kind != "failover":
            yield "no acknowledged invoice was read afterwards, so there is no RPO"
        return
    yield from check.wrong
    limit = record.rpo_limit_seconds
    if record.kind == "failback" and check.lost:
        yield f"a planned move loses nothing, and this one lost {_keys(check.lost)}"
    elif check.rpo_seconds >= limit:
        yield f"RPO {check.rpo_seconds:,.1f} s, allowed are less than {limit:,.0f} s"
    if check.never_read:
        yield f"never read after their acknowledgement: {_keys(check.never_read)}"


def _databases(record: Record) -> Iterator[str]:
    check, found = record.set_check, record.databases
    if found is not None and check is not None:
        for one in differences(found, check, record.failed_ns):
            yield f"the databases and the history differ: {one}"
    if record.replication_stopped is not None:
        if found is None:
            yield "a loss was planned, and the databases were not compared"
        elif check is not None and not (check.lost or check.recovered):
            yield "a loss was planned, and nothing was lost"


def _schema(record: Record) -> Iterator[str]:
    if not record.schema_before or not record.schema_after:
        if record.kind != "failover":
            yield "the schemas were not compared"
    elif record.schema_before != record.schema_after:
        yield f"the schema changed from {record.schema_before} to {record.schema_after}"


def _left(record: Record) -> Iterator[str]:
    if not record.cleaned_up:
        yield "nothing proves that the drill left nothing behind"
    for one in record.cleaned_up:
        if not one.gone:
            yield f"left behind: {one.what}: {one.seen}"


def _notes(record: Record) -> Iterator[str]:
    if record.environment == "emulated":
        yield "measured in the emulated cloud: the durations say nothing about AWS"
    if record.planned_seconds is not None:
        told = f"the replica was cut off {record.planned_seconds:,.1f} s before the failure"
        yield f"planned loss: {told}"
    yield from _durations(record)
    yield from _unproved(record)
    for one in record.invariants:
        if one.outcome == "SKIPPED":
            yield f"invariant not checked: {one.name}: {one.seen}"
    if record.set_check is not None:
        yield from _losses(record.set_check)
    if record.databases is not None:
        yield from _rows(record.databases)
    if record.versions.dirty:
        yield f"the checkout of {record.versions.commit} had changes that were not committed"


def _durations(record: Record) -> Iterator[str]:
    for one in record.phases:
        if not one.in_time:
            yield f"phase {one.name} took {one.seconds:,.0f} s of {one.budget_seconds:,.0f} s"
        if one.outcome == "SKIPPED":
            yield f"phase {one.name} was skipped: {one.seen or 'no reason'}"


def _unproved(record: Record) -> Iterator[str]:
    """Yield what a real failover cannot know: no history of its customers exists."""
    if record.kind != "failover":
        return
    if record.set_check is None or not record.set_check.proves:
        yield "the data are not proved: compare both databases before the old one is deleted"
    if not record.invariants:
        yield "no invariant of the domain was checked"
    if not record.schema_before or not record.schema_after:
        yield "the schemas were not compared"


def _losses(check: SetCheck) -> Iterator[str]:
    lists = {
        "acknowledged and lost": check.lost,
        "acknowledged, lost, and recovered from the agency": check.recovered,
        "authorized by the agency and not here": check.agency.lost if check.agency else (),
        "seen, never acknowledged, and gone": check.vanished,
    }
    yield from (f"{what}: {_keys(found)}" for what, found in lists.items() if found)


def _rows(found: Databases) -> Iterator[str]:
    again = [one.key for one in found.lost if one.again]
    if again:
        yield f"lost, and issued again, so that the agency has the order twice: {_keys(again)}"
    untold = [one.key or one.invoice.id for one in found.lost if one.acknowledged_ns is None]
    if untold:
        yield f"stored in the lost primary only, and never acknowledged: {_keys(untold)}"


def _keys(keys: Iterable[str]) -> str:
    found = list(keys)
    more = len(found) - SHOWN
    shown = ", ".join(found[:SHOWN])
    return f"{len(found)} ({shown}{f' and {more} more' if more > 0 else ''})"
