"""Physical names: within AWS's limits, and different for different stacks."""

from hypothesis import given
from hypothesis import strategies as st

from arca.naming import physical

names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=80)


@given(st.lists(names, min_size=2, max_size=2, unique=True), st.integers(12, 63))
def test_physical_names_are_within_limits_and_apart(pair: list[str], limit: int) -> None:
    """Different stacks get different names, however short the limit."""
    first, second = (physical("arca", part, limit=limit) for part in pair)
    assert len(first) <= limit
    assert first == physical("arca", pair[0], limit=limit)
    assert first != second


@given(names)
def test_a_salt_changes_the_name(stack: str) -> None:
    """Another salt gives another name."""
    assert physical(stack, limit=32, salt="8080") != physical(stack, limit=32, salt="9090")
