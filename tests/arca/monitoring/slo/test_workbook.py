"""The tables of the SRE workbook's chapter 5, "Alerting on SLOs", by our own code."""

import numpy as np
import pytest

from arca.monitoring.slo import budget
from arca.monitoring.slo.duration import seconds
from arca.monitoring.slo.objectives import read_objectives
from arca.monitoring.slo.replay import EventSeries, consumed_at

OBJECTIVES = {objective.name: objective for objective in read_objectives()}
DAY = 24 * 60

EXHAUSTION = [(1, 0.001, 30 * DAY), (2, 0.002, 15 * DAY), (10, 0.01, 3 * DAY), (1000, 1.0, 43.2)]
"""Burn rate, error rate at 99.9%, minutes until the budget of 30 days is gone."""


@pytest.mark.parametrize(("rate", "errors", "minutes"), EXHAUSTION)
def test_burn_rates_and_the_time_to_exhaustion(rate: float, errors: float, minutes: float) -> None:
    """The formula agrees with the count of what a month of that error rate uses."""
    assert budget.burn_rate(errors * 1e6, 1e6, 0.999) == pytest.approx(rate)
    assert budget.days_left(0, rate) * DAY == pytest.approx(minutes)
    total = np.full(30 * DAY, 1000.0)
    recorded = EventSeries(total * (1 - errors), total)
    last = int(minutes) - 1
    assert consumed_at(OBJECTIVES["errors"], recorded, last, days=30) <= 100 + 1e-6
    if last + 2 < len(total):
        assert consumed_at(OBJECTIVES["errors"], recorded, last + 2, days=30) > 100


RECOMMENDED = [
    ("SEV2", "1h", "5m", 14.4, 2),
    ("SEV2", "6h", "30m", 6, 5),
    ("SEV3", "3d", "6h", 1, 10),
]
"""Severity, long window, short window, burn rate, percent of the budget, as in table 5-8."""


def test_windows_and_burn_rates_are_those_recommended() -> None:
    """Each alert burns its share of 30 days in its long window."""
    policies = OBJECTIVES["errors"].alerts
    assert [(p.severity, p.long, p.short, p.rate) for p in policies] == [
        (severity, seconds(long), seconds(short), rate)
        for severity, long, short, rate, _ in RECOMMENDED
    ]
    for policy, (*_, percent) in zip(policies, RECOMMENDED, strict=True):
        share = 100 * policy.rate * policy.long / seconds("30d")
        assert share == pytest.approx(percent)


@pytest.mark.parametrize("name", sorted(OBJECTIVES))
def test_every_objective_has_these_windows(name: str) -> None:
    """SEV1 is no objective's: it is the API's outage, whatever the budget."""
    assert {policy.severity for policy in OBJECTIVES[name].alerts} == {"SEV2", "SEV3"}
    wanted = [(seconds(long), seconds(short), rate) for _, long, short, rate, _ in RECOMMENDED]
    assert [(p.long, p.short, p.rate) for p in OBJECTIVES[name].alerts] == wanted
