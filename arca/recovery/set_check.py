"""Check a history for lost and duplicated invoices, as Jepsen's set checkers do.

Source of the outcomes: github.com/jepsen-io/jepsen, jepsen/src/jepsen/checker.clj, `set` and
`set-full`, read at commit c4c7473. Three things differ. Times decide instead of indexes, because
threads write their lines a moment late. Unknown writes are counted apart: one that timed out may
be there or not. Duplicates are counted here; there, `set-full` compares with `(< v 1)`, which is
never true, so it finds none.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from arca.history import Operation, Stored, byte_position
from arca.invoice import Authorized, Invoice
from arca.recovery.numbers import Agency, SeriesNumbers, compare, numbers

SECOND_NS = 1_000_000_000


class SetCheck(BaseModel):
    """What became of each write; the lists hold idempotency keys, in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempted: int
    acknowledged: int
    reads: int
    """Reads that answered."""
    stable: int
    """Acknowledged, and there in the last read."""
    lost: tuple[str, ...] = ()
    """Acknowledged, and missing in the last read that began after that."""
    recovered: tuple[str, ...] = ()
    """Acknowledged and lost, and its number and CAE are there again as the agency has them: neither
    missing nor twice. What was lost with it is the order, so that it counts for the RPO."""
    never_read: tuple[str, ...] = ()
    """Acknowledged, and no read began after that: nobody knows."""
    unknown_found: tuple[str, ...] = ()
    """Never answered, and there."""
    unknown_missing: tuple[str, ...] = ()
    """Never answered, and not there, which is allowed."""
    vanished: tuple[str, ...] = ()
    """Never answered, seen by a read, and missing in a later one."""
    failed_found: tuple[str, ...] = ()
    """Told to the customer as failed, and there."""
    unexpected: tuple[str, ...] = ()
    """There, and nobody asked for it."""
    duplicated: tuple[str, ...] = ()
    """One key, and several invoices."""
    altered: tuple[str, ...] = ()
    """There with another id, number or CAE than was acknowledged."""
    recovered_rows: int = 0
    """Invoices that the service took over from the agency, whether or not a customer was told."""
    series: tuple[SeriesNumbers, ...] = ()
    """The numbers in the last read, and those that were recovered."""
    agency: Agency | None = None
    rpo_seconds: float = 0
    """From the acknowledgement of the oldest lost write to the failure; 0 where nothing is lost. A
    recovered one was lost too."""
    lost_after_failure: tuple[str, ...] = ()
    """Lost, and acknowledged only after the failure: the fence let a write through."""
    complete_until_ns: int | None = None
    """The last acknowledgement before the oldest lost one: up to here, nothing is lost."""
    complete_position: str | None = None
    """The log position of that acknowledgement."""
    lost_before_promotion: tuple[str, ...] = ()
    """Lost, although their log position is at or before the promoted one; must be empty."""

    @property
    def wrong(self) -> tuple[str, ...]:
        """What must never happen, whatever was lost; empty where all is well."""
        lists = {
            "keys with several invoices": self.duplicated,
            "invoices that nobody asked for": self.unexpected,
            "invoices that were told as failed": self.failed_found,
            "invoices that changed after their acknowledgement": self.altered,
            "invoices lost before the promoted position": self.lost_before_promotion,
            "invoices acknowledged after the failure and lost": self.lost_after_failure,
            "numbers used twice": [n for one in self.series for n in one.repeats],
            "ranges of missing numbers": [gap for one in self.series for gap in one.gaps],
            "CAEs that the agency never gave": self.agency.impossible if self.agency else (),
            "CAEs that differ from the agency's": self.agency.different if self.agency else (),
        }
        return tuple(f"{len(found)} {what}" for what, found in lists.items() if found)

    @property
    def proves(self) -> bool:
        """Whether anything was acknowledged and read afterwards; without that, nothing is known."""
        return bool(self.stable or self.lost or self.recovered)


@dataclass
class _Key:
    """What the history says about one idempotency key; times in nanoseconds, -1 for never."""

    acknowledged: int | None = None
    position: str | None = None
    invoices: dict[str, Invoice] = field(default_factory=dict[str, Invoice])
    open: int = 0
    """Requests whose outcome is not known."""
    known: int | None = None
    present: int = -1
    """The beginning of the last read that found it."""
    absent: int = -1
    copies: int = 0

    @property
    def is_stable(self) -> bool:
        return self.present > self.absent

    @property
    def is_lost(self) -> bool:
        """Missing in the last read, which began after the key was known to be there."""
        return self.known is not None and self.absent > self.present and self.absent > self.known


def check(
    history: Iterable[Operation],
    *,
    failed_ns: int,
    promoted: str | None = None,
    authorized: Sequence[Authorized] | None = None,
    first_number: int | None = None,
    recovered: Sequence[Invoice] = (),
    lost: Sequence[Invoice] = (),
) -> SetCheck:
    """Check a history, whose last read is what is left after the failover.

    `failed_ns` is the moment of the failure, or of the fence where the primary was still alive:
    after it, the primary acknowledged nothing. `promoted` is the log position at which the replica
    was promoted. `authorized` is what the tax agency says about the series in question. `recovered`
    are the invoices that the last read found besides: taken over from the agency, without a key.
    `lost` are those that only the lost primary has.
    """
    keys: dict[str, _Key] = {}
    unexpected: set[str] = set()
    began: dict[str, Operation] = {}
    reads, last_began = 0, -1
    last: tuple[Stored, ...] = ()
    for one in sorted(history, key=lambda one: one.time_ns):
        if one.operation == "issue":
            _note(keys, one)
        elif one.type == "invoke":
            began[one.process] = one
        elif one.found is not None:
            since = began.pop(one.process).time_ns
            reads += 1
            unexpected |= _read(keys, one.found, since, one.time_ns)
            if since >= last_began:
                last_began, last = since, one.found
    there = [*(one.invoice for one in last), *recovered]
    return _result(
        keys,
        last,
        failed_ns=failed_ns,
        promoted=promoted,
        reads=reads,
        # A key that a read saw before its request was sent is unexpected no more.
        unexpected=unexpected - set(keys),
        series=numbers(there, first_number, lost),
        agency=None if authorized is None else compare(there, authorized),
        recovered=recovered,
    )


def _note(keys: dict[str, _Key], one: Operation) -> None:
    """Note a line about a key."""
    key = keys.setdefault(one.key, _Key())
    if one.type == "invoke":
        key.open += 1
    elif one.type == "fail":
        key.open -= 1
    elif one.invoice is not None:
        key.open -= 1
        key.invoices[one.invoice.id] = one.invoice
        if key.acknowledged is None:
            key.acknowledged, key.position = one.time_ns, one.position
        key.known = key.known if key.known is not None else one.time_ns


def _read(keys: dict[str, _Key], found: Sequence[Stored], since: int, until: int) -> set[str]:
    """Note a read from its beginning to its end; return the keys that nobody asked for so far."""
    copies = Counter(one.key for one in found)
    for name, key in keys.items():
        if name in copies:
            key.present = max(key.present, since)
            key.known = until if key.known is None else key.known
            key.copies = max(key.copies, copies[name])
        else:
            key.absent = max(key.absent, since)
    return set(copies) - set(keys)


def _result(
    keys: dict[str, _Key],
    last: Sequence[Stored],
    *,
    failed_ns: int,
    promoted: str | None,
    reads: int,
    unexpected: set[str],
    series: tuple[SeriesNumbers, ...],
    agency: Agency | None,
    recovered: Sequence[Invoice],
) -> SetCheck:
    told = {name: one for name, one in keys.items() if one.acknowledged is not None}
    unknown = {name: one for name, one in keys.items() if name not in told and one.open > 0}
    failed = {name: one for name, one in keys.items() if name not in told and one.open <= 0}
    found: dict[str, list[Invoice]] = {}
    for stored in last:
        found.setdefault(stored.key, []).append(stored.invoice)
    altered = {
        name
        for name, one in told.items()
        if name in found and not _holds(found[name], one.invoices.values())
    }
    gone = {name: one for name, one in told.items() if one.is_lost}
    back = _back({**gone, **{name: told[name] for name in altered}}, recovered)
    # What the replica had without its number got another one, and the agency has the order twice.
    lost = gone | back
    oldest = min((one.acknowledged or 0 for one in lost.values()), default=None)
    kept = [
        one
        for one in told.values()
        if one.acknowledged is not None and (oldest is None or one.acknowledged < oldest)
    ]
    newest = max(kept, key=lambda one: one.acknowledged or 0, default=None)
    return SetCheck(
        attempted=len(keys),
        acknowledged=len(told),
        reads=reads,
        stable=sum(one.is_stable for name, one in told.items() if name not in back),
        lost=_names(set(lost) - set(back)),
        recovered=_names(back),
        recovered_rows=len(recovered),
        never_read=_names(n for n, one in told.items() if not one.is_stable and not one.is_lost),
        unknown_found=_names(n for n, one in unknown.items() if one.is_stable),
        unknown_missing=_names(
            n for n, one in unknown.items() if not one.is_stable and not one.is_lost
        ),
        vanished=_names(n for n, one in {**unknown, **failed}.items() if one.is_lost),
        failed_found=_names(n for n, one in failed.items() if one.is_stable),
        unexpected=_names(unexpected),
        duplicated=_names(n for n, one in keys.items() if one.copies > 1 or len(one.invoices) > 1),
        altered=_names(altered - set(back)),
        series=series,
        agency=agency,
        rpo_seconds=0 if oldest is None else max(0, failed_ns - oldest) / SECOND_NS,
        lost_after_failure=_names(
            name for name, one in lost.items() if (one.acknowledged or 0) > failed_ns
        ),
        complete_until_ns=newest.acknowledged if newest else None,
        complete_position=newest.position if newest else None,
        lost_before_promotion=_names(
            name
            for name, one in lost.items()
            if promoted is not None
            and one.position is not None
            and byte_position(one.position) <= byte_position(promoted)
        ),
    )


def _back(gone: dict[str, _Key], recovered: Sequence[Invoice]) -> dict[str, _Key]:
    """Return the keys whose acknowledged number and CAE were recovered from the agency."""
    places = {(one.series, one.number, one.cae) for one in recovered}
    return {
        name: key
        for name, key in gone.items()
        if any((one.series, one.number, one.cae) in places for one in key.invoices.values())
    }


def _holds(stored: Iterable[Invoice], acknowledged: Collection[Invoice]) -> bool:
    """Whether an acknowledged invoice is stored as it was; a CAE may have come later."""
    return any(
        one in acknowledged or one.model_copy(update={"cae": ""}) in acknowledged for one in stored
    )


def _names(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(keys)))
