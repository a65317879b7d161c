"""The arithmetic of error budgets: how much is used, how fast it burns, when it is gone.

This file imports nothing: the publisher in AWS Lambda carries it.
"""

BUDGET_DAYS = 30
YEAR_DAYS = 365


def consumed(
    bad: float, total: float, target: float, *, elapsed: float = 1.0, least_bad: float = 0
) -> float:
    """Return the percentage of the budget that is used; above 100 when it is overdrawn.

    The budget is the share 1 - target of all events or slices (SRE workbook, chapter 2), and at
    least `least_bad` of them. `elapsed` below 1 says that only this share of the window is over:
    the budget is then that of the whole window at the traffic so far. So one bad hour of a new
    service does not use half a month's budget.
    """
    whole = total / elapsed if 0 < elapsed < 1 else total
    return 100 * burn_rate(bad, whole, target, least_bad=least_bad)


def burn_rate(bad: float, total: float, target: float, *, least_bad: float = 0) -> float:
    """Return how many times too fast the budget burns; at 1 it lasts exactly its window."""
    allowed = max((1 - target) * total, least_bad)
    return bad / allowed if allowed else 0.0


def days_left(consumed_percent: float, rate: float, *, window_days: int = BUDGET_DAYS) -> float:
    """Return the days until the budget is gone at this rate; infinite where nothing burns."""
    left = max(0.0, 100 - consumed_percent) / 100
    if left == 0:
        return 0.0
    return left * window_days / rate if rate > 0 else float("inf")


def allowed_minutes(target: float, *, window_days: int = BUDGET_DAYS) -> float:
    """Return the minutes that may be bad: 21.6 in 30 days at 99.95%."""
    return (1 - target) * window_days * 24 * 60
