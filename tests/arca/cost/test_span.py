"""Figures with bounds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from arca.cost.span import Span, between, exactly

figures = st.floats(0, 1e9)
spans = st.lists(figures, min_size=3, max_size=3).map(lambda three: between(*sorted(three)))


@settings(deadline=None)
@given(spans, spans, figures)
def test_what_is_computed_of_spans_ascends(one: Span, other: Span, factor: float) -> None:
    """Each operation checks its own result, so that a wrong order is an error here."""
    for found in (one + other, one * other, one * factor, one.at_most(factor), one.at_least(other)):
        assert found.low <= found.expected <= found.high


@settings(deadline=None)
@given(spans, spans)
def test_bounds_are_added_one_by_one(one: Span, other: Span) -> None:
    """Both at their worst together are the worst of the sum."""
    assert (one + other).high == one.high + other.high
    assert (one + other).low == one.low + other.low


def test_limits() -> None:
    """A limit cuts each bound on its own."""
    assert between(1, 5, 9).at_most(6) == between(1, 5, 6)
    assert between(1, 5, 9).at_least(exactly(3)) == between(3, 5, 9)


@pytest.mark.parametrize(
    "wrong",
    [
        {"low": 2, "expected": 1, "high": 3},
        {"low": 1, "expected": 3, "high": 2},
        {"low": -1, "expected": 1, "high": 2},
        {"low": True, "expected": 1, "high": 2},
        {"low": 0, "expected": 1, "high": float("inf")},
        {"low": 0, "expected": 1},
    ],
)
def test_other_spans_are_refused(wrong: dict[str, float]) -> None:
    """Neither the order nor the sign is corrected in silence."""
    with pytest.raises(ValidationError):
        Span.model_validate(wrong)
