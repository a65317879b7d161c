"""Which of a stack's alarms say that it is well, and which cannot say it during a failover."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from arca.clients import client, explained
from arca.stack import Stack

MOST_ALARMS = 100
"""Names in one call (Amazon CloudWatch API Reference, DescribeAlarms)."""
SLOW_SECONDS = 3600
"""An alarm with such a period says nothing within an hour: `backups-missing` counts a day."""
QUIET = ("missing", "ignore")
"""Treatments of missing data by which an alarm without data stays INSUFFICIENT_DATA.

With the others it becomes OK or ALARM at its first evaluation (Amazon CloudWatch User Guide,
"Configuring how CloudWatch alarms treat missing data")."""


@dataclass(frozen=True)
class Alarms:
    """What a stack's alarms say."""

    red: tuple[str, ...]
    """Each alarm that does not say that the stack is well, and why."""
    slow: tuple[str, ...]
    """The names of those that nobody waits for, since their period is too long."""


def look(stack: Stack) -> Alarms:
    """Return what the stack's alarms say; one that does not exist is no good sign."""
    names = sorted(stack.outputs.observability.alarm_names.values())
    found = {one["AlarmName"]: one for one in _described(stack, names)}
    slow = tuple(name for name in names if found.get(name, {}).get("Period", 0) >= SLOW_SECONDS)
    waited = [name for name in names if name not in slow]
    evaluated = stack.endpoint is None
    red = ((name, _wrong(found.get(name), evaluated=evaluated)) for name in waited)
    return Alarms(tuple(f"{name} {why}" for name, why in red if why), slow)


def _described(stack: Stack, names: list[str]) -> Iterator[Any]:
    for start in range(0, len(names), MOST_ALARMS):
        with explained(stack, "The alarms cannot be read"):
            some = client(stack, "cloudwatch").describe_alarms(
                AlarmNames=names[start : start + MOST_ALARMS],
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
                MaxRecords=MOST_ALARMS,
            )
        yield from some["MetricAlarms"]
        yield from some.get("CompositeAlarms", [])


def _wrong(alarm: Any, *, evaluated: bool) -> str:
    """Return why an alarm is no good sign; empty where it is one.

    The emulated cloud evaluates none, and does not have all: only one that fires counts there.
    """
    if not evaluated:
        return "fires" if alarm is not None and alarm["StateValue"] == "ALARM" else ""
    if alarm is None:
        return "does not exist"
    state = alarm["StateValue"]
    quiet = alarm.get("TreatMissingData", "missing") in QUIET
    if state == "OK" or (state == "INSUFFICIENT_DATA" and quiet):
        return ""
    return "fires" if state == "ALARM" else "has no data yet"
