"""What both databases show after a failover: the lost primary's data against the promoted one's.

The customers' history says what was acknowledged and is gone. This says the same without asking any
customer: the rows that only the lost primary has, and the end of its log against the position up to
which the replica had replayed it. `differences` tells where the two do not agree.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from arca.history import POSITION, Operation, byte_position
from arca.invoice import Invoice
from arca.recovery.set_check import SECOND_NS, SetCheck

ROUNDED_SECONDS = 0.001
"""Figures of a record are floats."""
Position = Field(pattern=POSITION)


class Row(BaseModel):
    """An invoice with its CAE, as a row of a database."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    invoice: Invoice
    key: str = ""
    """The idempotency key; empty where the service took the invoice over from the agency."""
    stored_ns: int
    """When the service stored the CAE, right before the commit."""

    @property
    def recovered(self) -> bool:
        """Whether a database had lost it, and the service took it over from the agency."""
        return not self.key


class LostRow(Row):
    """An invoice that only the lost primary has as it was."""

    asked_ns: int | None = None
    """When the customer first asked for it, by the history."""
    acknowledged_ns: int | None = None
    """When the customer was told of it; None where nobody was."""
    fate: Literal["recovered", "missing"] = "missing"
    """`recovered` where the promoted database has its number and CAE from the agency."""
    again: bool = False
    """Whether the same key got another invoice afterwards: the agency has the order twice."""


class LogEnd(BaseModel):
    """Where a database's log ends, or up to where a replica replayed it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    position: str = Position
    commit_ns: int
    """The moment of the newest commit up to there."""


class Databases(BaseModel):
    """The comparison; each fact is an answer of a database, or of the customers' history."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    told_position: str = Position
    """What the primary said moments before it was lost."""
    primary: LogEnd
    """The end of the log on the lost primary's disk."""
    promoted: LogEnd
    """What the replica had replayed when it was promoted."""
    rows: int
    """Invoices with a CAE in the lost primary."""
    lost: tuple[LostRow, ...] = ()
    invented: tuple[str, ...] = ()
    """Invoices of before the loss that only the promoted database has."""

    @property
    def acknowledged(self) -> tuple[LostRow, ...]:
        """The lost invoices that a customer was told of."""
        return tuple(one for one in self.lost if one.acknowledged_ns is not None)

    @property
    def lost_bytes(self) -> int:
        """The part of the primary's log that the replica never replayed."""
        return byte_position(self.primary.position) - byte_position(self.promoted.position)

    def rpo_seconds(self, failed_ns: int) -> float:
        """Return the age of the oldest acknowledged row that is lost; 0 where none is."""
        oldest = min((one.stored_ns for one in self.acknowledged), default=failed_ns)
        return max(0, failed_ns - oldest) / SECOND_NS


def compared(
    primary: Sequence[Row],
    promoted: Sequence[Row],
    history: Iterable[Operation],
    *,
    failed_ns: int,
    told_position: str,
    ends: tuple[LogEnd, LogEnd],
) -> Databases:
    """Compare the rows of both databases; `ends` are the log of the primary and of the replica."""
    asked, told = _moments(history)
    kept = {_whole(one) for one in promoted}
    keys = {one.key for one in promoted if one.key}
    back = {_authorized(one) for one in promoted if one.recovered}
    ours = {_whole(one) for one in primary}
    return Databases(
        told_position=told_position,
        primary=ends[0],
        promoted=ends[1],
        rows=len(primary),
        lost=tuple(
            LostRow(
                **one.model_dump(),
                asked_ns=asked.get(one.key),
                acknowledged_ns=told.get(one.invoice.id),
                fate="recovered" if _authorized(one) in back else "missing",
                again=one.key in keys,
            )
            for one in sorted(primary, key=lambda one: (one.stored_ns, one.invoice.id))
            if _whole(one) not in kept
        ),
        invented=tuple(
            one.invoice.id
            for one in promoted
            if one.stored_ns < failed_ns and _whole(one) not in ours
        ),
    )


def differences(found: Databases, check: SetCheck, failed_ns: int) -> Iterator[str]:
    """Yield what the databases and the customers' history do not agree about."""
    yield from _positions(found)
    told = {one.key for one in found.acknowledged}
    yield from _only("lost", told, {*check.lost, *check.recovered})
    back = {one.key for one in found.acknowledged if one.fate == "recovered"}
    yield from _only("recovered from the agency", back, {*check.recovered})
    for one in found.acknowledged:
        yield from _moved(one, found.promoted)
    # A row is stored before its customer is told, and after the customer asked.
    answer_ns = max(
        ((one.acknowledged_ns or 0) - (one.asked_ns or 0) for one in found.acknowledged), default=0
    )
    shown, measured = found.rpo_seconds(failed_ns), check.rpo_seconds
    spare = answer_ns / SECOND_NS + ROUNDED_SECONDS
    if not -ROUNDED_SECONDS <= shown - measured <= spare:
        yield (
            f"the RPO is {measured:,.3f} s by the history and {shown:,.3f} s by the databases, "
            f"and the longest answer took {answer_ns / SECOND_NS:,.3f} s"
        )


def _positions(found: Databases) -> Iterator[str]:
    end = byte_position(found.primary.position)
    if end < byte_position(found.told_position):
        told = found.told_position
        yield f"the primary's log ends at {found.primary.position}, and it told {told}"
    if found.lost_bytes < 0:
        yield f"the replica replayed {-found.lost_bytes:,} bytes that the primary does not have"
    if found.lost and found.lost_bytes == 0:
        yield "rows are lost, though the replica replayed the whole log"
    if found.invented:
        yield f"only the promoted database has these of before the loss: {_listed(found.invented)}"


def _only(what: str, databases: set[str], history: set[str]) -> Iterator[str]:
    if only := databases - history:
        yield f"{what} by the databases only: {_listed(only)}"
    if only := history - databases:
        yield f"{what} by the history only: {_listed(only)}"


def _moved(one: LostRow, promoted: LogEnd) -> Iterator[str]:
    """Tell of moments that cannot be: a row is stored between its request and its answer."""
    assert one.acknowledged_ns is not None
    if not (one.asked_ns or 0) <= one.stored_ns <= one.acknowledged_ns:
        yield f"{one.key} was not stored between its request and its acknowledgement"
    if one.acknowledged_ns < promoted.commit_ns:
        yield f"{one.key} was acknowledged before the last replayed commit, and is lost"


def _moments(history: Iterable[Operation]) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return when each key was first asked for, and when each invoice was first acknowledged."""
    asked: dict[str, int] = {}
    told: dict[str, int] = {}
    for one in sorted(history, key=lambda one: one.time_ns):
        if one.operation == "issue" and one.type == "invoke":
            asked.setdefault(one.key, one.time_ns)
        elif one.invoice is not None:
            told.setdefault(one.invoice.id, one.time_ns)
    return asked, told


def _authorized(one: Row) -> tuple[int, int, int, str]:
    """Return what the agency knows an invoice by."""
    invoice = one.invoice
    return invoice.point_of_sale, invoice.kind, invoice.number, invoice.cae


def _whole(one: Row) -> tuple[str, tuple[int, int, int, str]]:
    return one.invoice.id, _authorized(one)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
