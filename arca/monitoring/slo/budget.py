"""Error budgets: how much is used, how fast it burns, when it is gone.

Nothing but the standard library: the publisher in AWS Lambda carries this file.
"""

BUDGET_DAYS = 30
YEAR_DAYS = 365


def consumed(
    bad: float, total: float, target: float, *, elapsed: float = 1.0, least_bad: float = 0
) -> float:
    """Percent of the budget that is used up; more than 100 when it is overdrawn.

    The budget is the share 1 - target of all events or slices (SRE workbook, chapter 2), and
    `least_bad` of them at least. Where only a part of the window has been, `elapsed` below 1, it
    is that of the whole window at the traffic so far: one bad hour of a new service is not half a
    month's budget.
    """
    whole = total / elapsed if 0 < elapsed < 1 else total
    return 100 * burn_rate(bad, whole, target, least_bad=least_bad)


def burn_rate(bad: float, total: float, target: float, *, least_bad: float = 0) -> float:
    """How many times faster than allowed; 1 uses the budget up exactly in its window."""
    allowed = max((1 - target) * total, least_bad)
    return bad / allowed if allowed else 0.0


def days_left(consumed_percent: float, rate: float, *, window_days: int = BUDGET_DAYS) -> float:
    """Days until the budget is gone if it burns on at this rate; infinite where it does not."""
    left = max(0.0, 100 - consumed_percent) / 100
    if left == 0:
        return 0.0
    return left * window_days / rate if rate > 0 else float("inf")


def allowed_minutes(target: float, *, window_days: int = BUDGET_DAYS) -> float:
    """Minutes that may be bad: 21.6 in 30 days at 99.95%."""
    return (1 - target) * window_days * 24 * 60
