"""What both databases show against the history: where they agree, and each difference."""

from typing import Any

import pytest

from arca.recovery.databases import Databases, differences
from arca.recovery.set_check import SetCheck
from tests.arca.recovery.histories import SECOND, acknowledged, asked
from tests.arca.recovery.ledgers import (
    END,
    FAILED_NS,
    PRIMARY,
    PROMOTED,
    checked,
    databases,
    history,
    recovered,
    row,
)


def told(found: Databases, check: SetCheck) -> list[str]:
    """Return the differences."""
    return list(differences(found, check, FAILED_NS))


def test_a_loss_is_the_same_by_both() -> None:
    """The two that the replica never got, from the older one's commit, and the log's bytes."""
    found, check = databases(PROMOTED), checked(PROMOTED)
    assert told(found, check) == []
    assert [one.invoice.number for one in found.lost] == [4, 5]
    assert check.lost == ("k4", "k5")
    assert (found.lost_bytes, found.rpo_seconds(FAILED_NS)) == (0x2000, 60)
    # The customer was told a second after the row was stored.
    assert check.rpo_seconds == 59


def test_nothing_is_lost_where_the_replica_has_all() -> None:
    """Both say 0."""
    found = databases(PRIMARY, ends=(END, END), replayed_ns=50 * SECOND)
    assert told(found, checked(PRIMARY)) == []
    assert (found.lost, found.lost_bytes, found.rpo_seconds(FAILED_NS)) == ((), 0, 0)


def test_what_the_agency_gave_back_is_neither_missing_nor_twice() -> None:
    """It counts for the RPO, because the order is gone."""
    promoted = [*PROMOTED, recovered(4), recovered(5), row(6)]
    operations = history([*PRIMARY, row(6)])
    found = databases(promoted, primary=[*PRIMARY, row(6)], operations=operations)
    check = checked(promoted, operations)
    assert told(found, check) == []
    assert [one.fate for one in found.lost] == ["recovered", "recovered"]
    assert (check.lost, check.recovered, check.rpo_seconds) == ((), ("k4", "k5"), 59)
    assert check.series[0].gaps == ()


def test_an_order_that_is_issued_again_is_told() -> None:
    """Its customer repeated the key after the loss: the agency has it twice."""
    again = row(6, key="k5").model_copy(update={"stored_ns": FAILED_NS + SECOND})
    # Nobody was told of the fifth before the loss.
    operations = [
        *(one for one in history() if one.key != "k5"),
        asked(49 * SECOND, "k5"),
        acknowledged(FAILED_NS + 2 * SECOND, "k5", again.invoice),
    ]
    promoted = [*PROMOTED, recovered(4), recovered(5), again]
    found = databases(promoted, operations=operations)
    assert told(found, checked(promoted, operations)) == []
    assert [(one.key, one.again) for one in found.lost] == [("k4", False), ("k5", True)]
    assert [one.key for one in found.acknowledged] == ["k4"]


LONGEST = "and 60.000 s by the databases, and the longest answer took 2.000 s"
WHOLE: dict[str, Any] = {"ends": (END, END), "replayed_ns": 50 * SECOND}


@pytest.mark.parametrize(
    ("found", "check", "difference"),
    [
        # The databases show a loss that the read did not, and the other way round.
        (databases(PROMOTED), checked(PRIMARY), "lost by the databases only: k4, k5"),
        (databases(PRIMARY), checked(PROMOTED), "lost by the history only: k4, k5"),
        (
            databases([*PROMOTED, recovered(4), recovered(5)]),
            checked(PROMOTED),
            "recovered from the agency by the databases only: k4, k5",
        ),
        # An acknowledged row is deleted from the promoted database, which had replayed it.
        (
            databases(PRIMARY[1:], **WHOLE),
            checked(PRIMARY[1:]),
            "rows are lost, though the replica replayed the whole log",
        ),
        (
            databases(PROMOTED[1:]),
            checked(PROMOTED[1:]),
            "k1 was acknowledged before the last replayed commit, and is lost",
        ),
        (
            databases([*PROMOTED, row(7, id_="x")]),
            checked(PROMOTED),
            "only the promoted database has these of before the loss: x",
        ),
        (
            databases(PROMOTED, told="0/5001"),
            checked(PROMOTED),
            "the primary's log ends at 0/5000, and it told 0/5001",
        ),
        (
            databases(PRIMARY, ends=("0/5000", "0/5010"), replayed_ns=50 * SECOND),
            checked(PRIMARY),
            "the replica replayed 16 bytes that the primary does not have",
        ),
        (
            databases(
                PROMOTED,
                primary=[
                    *PRIMARY[:3],
                    row(4),
                    PRIMARY[4].model_copy(update={"stored_ns": 52 * SECOND}),
                ],
            ),
            checked(PROMOTED),
            "k5 was not stored between its request and its acknowledgement",
        ),
        (
            databases(PROMOTED),
            checked(PROMOTED).model_copy(update={"rpo_seconds": 57.9}),
            f"the RPO is 57.900 s by the history {LONGEST}",
        ),
        (
            databases(PROMOTED),
            checked(PROMOTED).model_copy(update={"rpo_seconds": 60.1}),
            f"the RPO is 60.100 s by the history {LONGEST}",
        ),
    ],
)
def test_each_difference_is_told(found: Databases, check: SetCheck, difference: str) -> None:
    """One planted fault each; what cannot follow from it is not told."""
    assert difference in told(found, check)
