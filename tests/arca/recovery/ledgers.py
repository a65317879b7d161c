"""Rows of a lost primary and of the promoted database for tests, with the history beside them."""

from collections.abc import Sequence

from arca.history import Operation, Stored
from arca.recovery.databases import Databases, LogEnd, Row, compared
from arca.recovery.set_check import SetCheck, check
from tests.arca.recovery.histories import SECOND, acknowledged, asked, found, invoice, reading

FAILED_NS = 100 * SECOND
END, REPLAYED = "0/5000", "0/3000"
KEPT = 3
"""Of five invoices, stored at 10 s to 50 s, the replica has replayed so many."""


def row(number: int, *, key: str | None = None, cae: str = "", id_: str = "") -> Row:
    """Return the row of an invoice that was stored at ten times its number's second."""
    told = invoice(number, cae=cae or f"{number:014}", id_=id_)
    return Row(
        invoice=told, key=f"k{number}" if key is None else key, stored_ns=number * 10 * SECOND
    )


def recovered(number: int, *, cae: str = "") -> Row:
    """Return the row that the service took over from the agency after the failover."""
    one = row(number, key="", cae=cae, id_=f"recovered-{number}")
    return one.model_copy(update={"stored_ns": FAILED_NS + SECOND})


PRIMARY = [row(number) for number in range(1, 6)]
PROMOTED = PRIMARY[:KEPT]


def history(rows: Sequence[Row] = PRIMARY) -> list[Operation]:
    """Return what customers saw: asked a second before, and told a second after it was stored."""
    return [
        line
        for one in rows
        for line in (
            asked(one.stored_ns - SECOND, one.key),
            acknowledged(one.stored_ns + SECOND, one.key, one.invoice),
        )
    ]


def checked(promoted: Sequence[Row], operations: Sequence[Operation] | None = None) -> SetCheck:
    """Check a history against what is read of the promoted database."""
    read = [reading(200 * SECOND), found(201 * SECOND, _stored(promoted))]
    return check(
        [*(history() if operations is None else operations), *read],
        failed_ns=FAILED_NS,
        recovered=[one.invoice for one in promoted if one.recovered],
    )


def databases(
    promoted: Sequence[Row],
    *,
    primary: Sequence[Row] = PRIMARY,
    operations: Sequence[Operation] | None = None,
    told: str = REPLAYED,
    ends: tuple[str, str] = (END, REPLAYED),
    replayed_ns: int = 30 * SECOND,
) -> Databases:
    """Compare the rows; the replica has replayed up to the third invoice's commit."""
    return compared(
        primary,
        promoted,
        history() if operations is None else operations,
        failed_ns=FAILED_NS,
        told_position=told,
        ends=(
            LogEnd(position=ends[0], commit_ns=50 * SECOND),
            LogEnd(position=ends[1], commit_ns=replayed_ns),
        ),
    )


def _stored(rows: Sequence[Row]) -> list[Stored]:
    return [Stored(key=one.key, invoice=one.invoice) for one in rows if not one.recovered]
