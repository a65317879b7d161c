"""Each alarm of the table is OK on an ordinary day and fires in its own trouble."""

import math

import numpy as np
import pytest

from arca.monitoring import table
from arca.monitoring.alarm import Alarm
from arca.monitoring.sample import LEVELS
from arca.monitoring.slo.metric_math import evaluate
from arca.monitoring.slo.replay import evaluate_alarm
from arca.monitoring.thresholds import Thresholds

ALARMS = {
    alarm.name: alarm
    for alarm in (
        *table.serving_alarms(Thresholds(), sessions=1802).alarms,
        *table.standby_alarms(Thresholds(), tasks=1).alarms,
    )
}
GB = 1e9
SICK: dict[str, dict[str, float]] = {
    "api-no-healthy-tasks": {"blue": 0, "green": 0},
    "standby-no-healthy-tasks": {"blue": 0, "green": 0},
    "api-unreachable": {"value": 0},
    "api-failing": {"failed": 55, "served": 100, "unserved": 0},
    "api-no-traffic": {"value": 0},
    "api-rate-limited": {"value": 150},
    "api-authentication": {"part": 70, "whole": 100},
    "api-queue": {"value": 600},
    "database-pool-waiting": {"value": 1},
    "database-sessions": {"value": 1500},
    "database-cpu": {"value": 92},
    "database-memory": {"value": 0.2 * GB},
    "database-storage": {"value": 9 * GB},
    "database-replica-lag": {"value": 160},
    "copies-behind": {"value": 160},
    "backups-failed": {"value": 1},
    "backups-missing": {"value": 0},
    "copies-failed": {"value": 1},
    "cache-memory": {"value": 88},
    "cache-evictions": {"value": 150},
    "cache-hit-rate": {"value": 40},
    "service-cpu": {"value": 95},
    "service-memory": {"value": 90},
    "service-crashes": {"value": 3},
    "service-tasks-missing": {"desired": 4, "running": 3},
    "definition-unknown": {"value": 1},
    "deployment-failed": {"value": 1},
    "migration-failed": {"value": 1},
    "certificate-balancer": {"value": 29},
    "certificate-arca": {"value": 29},
    "certificate-arca-week": {"value": 6},
    "arca-latency": {"value": 8000},
    "arca-rejected": {"part": 30, "whole": 100},
    "arca-token-hits": {"part": 60, "whole": 100},
}
HEALTHY: dict[str, dict[str, float]] = {
    "api-authentication": {"part": 97, "whole": 100},
    "arca-rejected": {"part": 4, "whole": 100},
    "arca-token-hits": {"part": 98, "whole": 100},
}
QUIET = {"api-authentication", "arca-rejected", "arca-token-hits"}
"""Alarms that ignore a handful of events."""


def fires(alarm: Alarm, values: dict[str, float]) -> bool:
    """Return whether an alarm fires after these values for as long as it looks back."""
    minutes = alarm.period // 60 * alarm.evaluation_periods
    read = {key: np.full(minutes, values[key]) for key in alarm.readings}
    seen = evaluate(alarm.expression, read) if alarm.expression else next(iter(read.values()))
    return bool(evaluate_alarm(alarm, seen)[-1])


def test_every_alarm_is_here() -> None:
    """A new alarm needs values of its trouble here."""
    assert set(SICK) == set(ALARMS)


@pytest.mark.parametrize("name", SICK)
def test_an_alarm_speaks_in_its_trouble_only(name: str) -> None:
    """The threshold lies between an ordinary day and the trouble."""
    alarm = ALARMS[name]
    ordinary = {key: LEVELS[reading.metric].ordinary for key, reading in alarm.readings.items()}
    assert fires(alarm, SICK[name])
    assert not fires(alarm, HEALTHY.get(name, ordinary))


@pytest.mark.parametrize("name", sorted(QUIET))
def test_a_share_of_a_handful_says_nothing(name: str) -> None:
    """One failed attempt of three does not fire an alarm."""
    sick = {key: value / 50 for key, value in SICK[name].items()}
    assert not fires(ALARMS[name], sick)


@pytest.mark.parametrize("name", ["api-no-healthy-tasks", "api-no-traffic", "database-replica-lag"])
def test_silence_speaks(name: str) -> None:
    """These alarms fire when no value arrives."""
    assert fires(ALARMS[name], dict.fromkeys(ALARMS[name].readings, math.nan))
