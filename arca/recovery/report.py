"""The parts of a report on a record, as rows for tables in the terminal, on a page and in docs."""

from collections.abc import Iterable, Iterator

from arca.recovery.record import Record
from arca.recovery.timeline import duration
from arca.recovery.verdict import judge

KEYS_SHOWN = 10
"""Keys that a table shows; JSON has all of them."""
NEVER = "never"


def summary_rows(record: Record) -> tuple[tuple[str, str], ...]:
    """Return what the record is about, and what was measured against what is allowed."""
    programs = ", ".join(f"{name} {version}" for name, version in record.versions.programs.items())
    place = "AWS" if record.endpoint is None else f"emulated, at {record.endpoint}"
    return (
        ("kind", f"{record.kind}, {record.primary} to {record.secondary}"),
        ("environment", place),
        ("operator", record.operator),
        ("declared", f"{record.declared:%Y-%m-%d %H:%M:%S} UTC"),
        (
            "RTO to the first good smoke test",
            _against(record.rto_seconds, record.rto_limit_seconds),
        ),
        ("customers served", _span(record.served_seconds)),
        ("RTO to green alarms", _span(record.green_seconds)),
        ("RPO", _against(record.rpo_seconds, record.rpo_limit_seconds, none="not proved")),
        ("schema", f"{record.schema_before or 'unknown'}, then {record.schema_after or 'unknown'}"),
        ("commit", f"{record.versions.commit}{' with changes' if record.versions.dirty else ''}"),
        ("programs", programs or "none"),
    )


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
    for one in check.series:
        gaps = _shown(f"{low}-{high}" for low, high in one.gaps)
        repeats = _shown(map(str, one.repeats))
        yield (
            f"numbers of {one.series}",
            str(one.count),
            f"{one.first} to {one.last}; gaps: {gaps or 'none'}; repeats: {repeats or 'none'}",
        )
    if check.agency is not None:
        yield "authorized by the agency", str(check.agency.authorized), ""
        yield "authorized there, lost here", str(len(check.agency.lost)), _shown(check.agency.lost)
        impossible = check.agency.impossible
        yield "here, never authorized", str(len(impossible)), _shown(impossible)
        different = check.agency.different
        yield "another CAE than the agency's", str(len(different)), _shown(different)


INDEX_TITLES = ("date", "kind", "stacks", "where", "RTO", "alarms green", "RPO", "verdict")


def index_row(record: Record) -> tuple[str, ...]:
    """Return the record's row in the table of results (docs/drills/README.md)."""
    verdict = judge(record)
    first = f": {verdict.reasons[0]}" if verdict.reasons else ""
    return (
        f"{record.declared:%Y-%m-%d}",
        record.kind,
        f"{record.primary} to {record.secondary}",
        record.environment,
        _span(record.rto_seconds),
        _span(record.green_seconds),
        "not proved" if record.rpo_seconds is None else duration(record.rpo_seconds),
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
