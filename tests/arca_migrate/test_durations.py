"""Tests of durations in plain words."""

from datetime import timedelta

import pytest
from arca_migrate.durations import in_words


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(0), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=10), "10 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(minutes=90), "1 hour 30 minutes"),
        (timedelta(days=1), "24 hours"),
        (timedelta(days=1, minutes=1), "24 hours 1 minute"),
        (timedelta(days=7), "7 days"),
        (timedelta(seconds=59.6), "1 minute"),
    ],
)
def test_in_words(span: timedelta, words: str) -> None:
    """Each duration is said in the units of which it is made."""
    assert in_words(span) == words
