"""The parts of a report on a record, as rows for tables in the terminal, on a page and in docs."""

from collections.abc import Iterable, Iterator

from arca.recovery.databases import LostRow, differences
from arca.recovery.record import Record
from arca.recovery.timeline import duration
from arca.recovery.verdict import judge

KEYS_SHOWN = 10
"""Keys that a table shows; JSON has all of them."""
NEVER = "never"


def kind(record: Record) -> str:
    """Return the kind of a record, with what was planned to be lost."""
    seconds = record.planned_seconds
    if seconds is None:
        return record.kind
    return f"{record.kind} with a planned loss of {duration(round(seconds))}"


def summary_rows(record: Record) -> tuple[tuple[str, str], ...]:
    """Return what the record is about, and what was measured against what is allowed."""
    programs = ", ".join(f"{name} {version}" for name, version in record.versions.programs.items())
    place = "AWS" if record.endpoint is None else f"emulated, at {record.endpoint}"
    moved = record.kind != "restore-test"
    stacks = f"{record.primary} to {record.secondary}" if moved else record.primary
    return (
        ("kind", f"{kind(record)}, {stacks}"),
        ("environment", place),
        ("operator", record.operator),
        ("declared", f"{record.declared:%Y-%m-%d %H:%M:%S} UTC"),
        *(_measured(record) if moved else ()),
        ("schema", f"{record.schema_before or 'unknown'}, then {record.schema_after or 'unknown'}"),
        ("commit", f"{record.versions.commit}{' with changes' if record.versions.dirty else ''}"),
        ("programs", programs or "none"),
    )


def _measured(record: Record) -> Iterator[tuple[str, str]]:
    """Yield what a move of the service is measured by."""
    rto = _against(record.rto_seconds, record.rto_limit_seconds)
    yield "RTO to the first good smoke test", rto
    yield "customers served", _span(record.served_seconds)
    yield "RTO to green alarms", _span(record.green_seconds)
    yield "RPO", _against(record.rpo_seconds, record.rpo_limit_seconds, none="not proved")
    yield from _database_rows(record)


def _database_rows(record: Record) -> Iterator[tuple[str, str]]:
    """Yield what the databases show, beside the history's RPO."""
    found = record.databases
    if found is None:
        return
    wrong = record.set_check and tuple(differences(found, record.set_check, record.failed_ns))
    yield "RPO by the databases", duration(found.rpo_seconds(record.failed_ns))
    yield "databases and history", "agree" if wrong == () else "DIFFER"
    yield "primary's log, moments before the loss", found.told_position
    yield "primary's log, its end on the lost disk", found.primary.position
    yield "replica's log, replayed at the promotion", found.promoted.position
    yield "log that was lost", f"{found.lost_bytes:,} bytes"


def phase_rows(record: Record) -> Iterator[tuple[str, ...]]:
    """Yield each phase against its budget."""
    for one in record.phases:
        late = "" if one.in_time else ", over its budget"
        yield (
            one.name,
            f"{one.began:%H:%M:%S}",
            duration(one.seconds),
            duration(one.budget_seconds),
            f"{one.outcome}{late}",
            one.seen,
        )


def data_rows(record: Record) -> Iterator[tuple[str, str, str]]:
    """Yield what became of the invoices, with the first keys of each list."""
    check = record.set_check
    if check is None:
        return
    yield "attempted", str(check.attempted), ""
    yield "acknowledged", str(check.acknowledged), ""
    yield "acknowledged and there", str(check.stable), ""
    lists = {
        "acknowledged and lost": check.lost,
        "acknowledged, lost, recovered from the agency: not missing, not twice": check.recovered,
        "acknowledged, never read": check.never_read,
        "unknown, and there": check.unknown_found,
        "unknown, and not there": check.unknown_missing,
        "seen, never acknowledged, and gone": check.vanished,
        "told as failed, and there": check.failed_found,
        "never asked for, and there": check.unexpected,
        "several invoices for one key": check.duplicated,
        "changed after the acknowledgement": check.altered,
        "lost after the failure": check.lost_after_failure,
        "lost before the promoted position": check.lost_before_promotion,
    }
    for what, keys in lists.items():
        yield what, str(len(keys)), _shown(keys)
    yield "all that was recovered from the agency", str(check.recovered_rows), ""
    if record.databases is not None:
        rows = record.databases.lost
        yield "in the lost primary only", str(len(rows)), _shown(map(_number, rows))
    for one in check.series:
        gaps = _shown(f"{low}-{high}" for low, high in one.gaps)
        repeats = _shown(map(str, one.repeats))
        yield (
            f"numbers of {one.series}",
            str(one.count),
            f"{one.first} to {one.last}; gaps: {gaps or 'none'}; repeats: {repeats or 'none'}"
            + (f"; lost: {_shown(map(str, one.lost))}" if one.lost else ""),
        )
    if check.agency is not None:
        yield "authorized by the agency", str(check.agency.authorized), ""
        yield "authorized there, lost here", str(len(check.agency.lost)), _shown(check.agency.lost)
        impossible = check.agency.impossible
        yield "here, never authorized", str(len(impossible)), _shown(impossible)
        different = check.agency.different
        yield "another CAE than the agency's", str(len(different)), _shown(different)


def _number(one: LostRow) -> str:
    """Return the number of a lost invoice, and what became of it."""
    invoice = one.invoice
    told = "" if one.acknowledged_ns is not None else ", never acknowledged"
    again = ", issued again" if one.again else ""
    return f"{invoice.point_of_sale:05}-{invoice.number:08} {one.fate}{told}{again}"


INDEX_TITLES = ("date", "kind", "stacks", "where", "RTO", "alarms green", "RPO", "verdict")


def index_row(record: Record) -> tuple[str, ...]:
    """Return the record's row in the table of results (docs/drills/README.md)."""
    verdict = judge(record)
    first = f": {verdict.reasons[0]}" if verdict.reasons else ""
    moved = record.kind != "restore-test"
    rpo = "not proved" if record.rpo_seconds is None else duration(record.rpo_seconds)
    return (
        f"{record.declared:%Y-%m-%d}",
        kind(record),
        f"{record.primary} to {record.secondary}" if moved else record.primary,
        record.environment,
        *((_span(record.rto_seconds), _span(record.green_seconds), rpo) if moved else "---"),
        f"{'passed' if verdict.passed else 'FAILED'}{first}",
    )


def _span(seconds: float | None) -> str:
    return NEVER if seconds is None else duration(seconds)


def _against(seconds: float | None, limit: float, *, none: str = NEVER) -> str:
    found = none if seconds is None else duration(seconds)
    return f"{found}, allowed are less than {duration(limit)}"


def _shown(keys: Iterable[str]) -> str:
    found = list(keys)
    more = len(found) - KEYS_SHOWN
    return ", ".join(found[:KEYS_SHOWN]) + (f" and {more} more" if more > 0 else "")
