"""When a replica has everything: the age of the last replayed transaction against a moment."""

from datetime import UTC, datetime, timedelta

import pytest

from arca.recovery.facts import caught_up

ENDED = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
"""When the last writer ended."""


@pytest.mark.parametrize(
    ("lag", "minutes", "has_all"),
    [
        # Measured before the end of the last writer: it says nothing of what followed.
        (0.0, -1, False),
        (0.0, 0, False),
        # Afterwards, but the last transaction is older: it may be the one before the last.
        (91.0, 2, False),
        (299.0, 4, False),
        # A transaction of RDS's own arrived after the last writer's.
        (90.0, 2, True),
        (10.0, 6, True),
        (0.0, 1, True),
    ],
)
def test_a_transaction_after_the_last_writer(lag: float, minutes: int, *, has_all: bool) -> None:
    """RDS's lag saws between 0 and 300 s without writers, so its height alone says nothing."""
    at = ENDED.replace(second=0) + timedelta(minutes=minutes)
    assert caught_up(lag, at, ENDED) is has_all


@pytest.mark.parametrize(("lag", "at"), [(None, ENDED), (0.0, None), (None, None)])
def test_without_a_value_nobody_knows(lag: float | None, at: datetime | None) -> None:
    """An unknown lag proves nothing."""
    assert not caught_up(lag, at, ENDED)
