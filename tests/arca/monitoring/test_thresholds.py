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


def last(alarm: Alarm, series: dict[str, list[float]]) -> bool:
    """Return whether an alarm is on after an ordinary hour and these minutes."""
    length = len(next(iter(series.values())))
    ordinary = {key: LEVELS[reading.metric].ordinary for key, reading in alarm.readings.items()}
    read = {
        key: np.array([ordinary[key]] * 60 + series.get(key, [ordinary[key]] * length))
        for key in alarm.readings
    }
    seen = evaluate(alarm.expression, read) if alarm.expression else next(iter(read.values()))
    return bool(evaluate_alarm(alarm, seen)[-1])


SILENT = math.nan
LATE: list[tuple[str, dict[str, list[float]], dict[str, list[float]]]] = [
    (
        "api-no-healthy-tasks",
        {"blue": [SILENT] * 2, "green": [SILENT] * 2},
        {"blue": [SILENT] * 3, "green": [SILENT] * 3},
    ),
    ("api-unreachable", {"value": [0, 0]}, {"value": [0, 0, 0]}),
    # Failures are there before the requests among which they are.
    (
        "api-failing",
        {"failed": [8, 8], "served": [SILENT] * 2},
        {"failed": [8] * 3, "served": [SILENT] * 3},
    ),
]
"""A sign of an outage, two minutes in which data is late, and three that are no chance."""


@pytest.mark.parametrize(("name", "late", "down"), LATE, ids=[case[0] for case in LATE])
def test_late_data_is_no_outage(
    name: str, late: dict[str, list[float]], down: dict[str, list[float]]
) -> None:
    """CloudWatch's counts are there within two minutes: SEV1 needs a third."""
    assert not last(ALARMS[name], late)
    assert last(ALARMS[name], down)


@pytest.mark.parametrize("name", ["api-unreachable", "api-failing"])
def test_an_outage_that_comes_and_goes_is_one(name: str) -> None:
    """Three bad minutes of thirty are enough, and the pauses between them are no recovery."""
    alarm = ALARMS[name]
    pattern = {key: [SICK[name][key], *[HEALED[key]] * 9] * 3 for key in alarm.readings}
    assert last(alarm, {key: values[:21] for key, values in pattern.items()})
    assert last(alarm, pattern)
    assert not last(alarm, {key: values[10:] for key, values in pattern.items()})


HEALED = {"value": 100.0, "failed": 0.0, "served": 100.0, "unserved": 0.0}


def test_errors_of_the_balancer_alone_are_an_outage() -> None:
    """With no task nobody counts requests: the balancer's 5xx are all that there is."""
    unserved = {"failed": [SILENT] * 3, "served": [SILENT] * 3, "unserved": [40.0] * 3}
    assert last(ALARMS["api-failing"], unserved)
