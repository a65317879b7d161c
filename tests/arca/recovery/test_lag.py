"""When a replica has everything: the age of the last replayed transaction against a moment."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from arca.outputs import Outputs
from arca.recovery import ask
from arca.recovery.facts import caught_up
from arca.stack import Stack
from tests.arca.recovery.aws import ScriptedAws
from tests.stacks import graph

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


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        (
            {"HTTPHeaders": {"date": "Sun, 01 Mar 2026 12:04:30 GMT"}},
            ENDED + timedelta(seconds=241),
        ),
        ({"HTTPHeaders": {"date": "yesterday"}}, ENDED),
        ({}, ENDED),
    ],
)
def test_the_time_is_that_of_aws(
    monkeypatch: pytest.MonkeyPatch, metadata: Mapping[str, Any], told: datetime
) -> None:
    """The header's second may have gone by; without the header this machine's time is left."""
    identity = {"Arn": "arn:aws:iam::123456789012:user/ana", "ResponseMetadata": metadata}
    ScriptedAws(GetCallerIdentity=identity).use(monkeypatch)
    stack = Stack("dr", Outputs.model_validate(graph("dr").outputs), None)
    assert ask.moment(stack, ENDED) == told
