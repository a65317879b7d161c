"""The arithmetic of error budgets at its limits."""

import math

import pytest

from arca.monitoring.slo import budget


def test_a_handful_of_failures_burns_no_budget_of_a_few_events() -> None:
    """At 99.9% ten events allow a hundredth of one: `least_bad` may fail whatever the traffic."""
    assert budget.burn_rate(1, 10, 0.999) == pytest.approx(100)
    assert budget.burn_rate(1, 10, 0.999, least_bad=10) == pytest.approx(0.1)
    assert budget.consumed(1, 10, 0.999, least_bad=10) == pytest.approx(10)
    assert budget.burn_rate(40, 20_000, 0.999, least_bad=10) == pytest.approx(2)
    assert budget.consumed(1, 100, 0.999) == pytest.approx(1000)


def test_nothing_burns_nothing() -> None:
    """Nothing is used without traffic or without a failure."""
    assert budget.burn_rate(0, 0, 0.999) == 0
    assert budget.consumed(0, 1000, 0.999) == 0


def test_when_it_is_gone() -> None:
    """The time is infinite where nothing burns, 0 where nothing is left, else in proportion."""
    assert math.isinf(budget.days_left(40, 0))
    assert budget.days_left(100, 5) == budget.days_left(130, 0) == 0
    assert budget.days_left(50, 2) == pytest.approx(7.5)
    assert budget.days_left(50, 0.5) == pytest.approx(30)


@pytest.mark.parametrize("elapsed", [0.0, 1.0, 1.5, 2.0])
def test_a_whole_window_is_what_it_is(elapsed: float) -> None:
    """Only a part of a window is extended to the whole."""
    assert budget.consumed(1, 1000, 0.999, elapsed=elapsed) == pytest.approx(100)
    assert budget.consumed(1, 1000, 0.999, elapsed=0.5) == pytest.approx(50)
