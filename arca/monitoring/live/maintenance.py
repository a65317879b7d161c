"""A maintenance window: a mute rule of CloudWatch on every alarm that notifies, but SEV1's.

While the rule is active the alarms change their states and notify nobody; one that is still in
ALARM at its end notifies then (Amazon CloudWatch User Guide, "Alarm mute rules").
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from arca.clients import client, explained
from arca.errors import ArcaError
from arca.stack import Stack

LONGEST_WINDOW = timedelta(hours=8)
MOST_ALARMS = 100
"""Alarms that a rule may name (CloudWatch API reference, PutAlarmMuteRule)."""
NOTICE = timedelta(seconds=30)
"""A rule of one time begins at a full minute; one that has passed already would never begin."""
AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2})\)")
DURATION = re.compile(r"PT(\d+)M")


@dataclass(frozen=True)
class Window:
    """A window's beginning, end and reason."""

    begin: datetime
    end: datetime
    reason: str

    @classmethod
    def plan(cls, length: timedelta, reason: str, *, now: datetime) -> Self:
        """Return a window from the next minute on.

        Raises ArcaError where it is too long or has no reason.
        """
        if length > LONGEST_WINDOW or not reason.strip():
            raise ArcaError(
                f"A window of {length} for {reason!r} is not opened.",
                where="arca maintenance start",
                wanted=f"{LONGEST_WINDOW} at most, and a reason",
                do="open a shorter one, and another when it ends",
            )
        minute = (now + NOTICE).replace(second=0, microsecond=0) + timedelta(minutes=1)
        return cls(minute, minute + length, reason.strip())

    def as_json(self) -> dict[str, str]:
        """Return the window for `--json`."""
        return {
            "begin": self.begin.isoformat(),
            "end": self.end.isoformat(),
            "reason": self.reason,
        }


def open_window(stack: Stack, window: Window) -> int:
    """Mute the alarms for the window; return their number. Raises ArcaError where AWS refuses.

    A window that is open already is replaced.
    """
    with explained(stack, "The window cannot be opened"):
        names = _muted(stack)
        if not names:
            raise ArcaError(
                "The stack has no alarm to mute.",
                where=stack.where,
                wanted="alarms of SEV2, SEV3 or SEV4",
                do="nothing: without `observability.alarms` nobody is notified",
            )
        if len(names) > MOST_ALARMS:
            raise ArcaError(
                f"The stack has {len(names)} alarms to mute.",
                where=stack.where,
                wanted=f"{MOST_ALARMS} at most, which is what a mute rule may name",
                do="mute them in CloudWatch by two rules of your own, or declare fewer alarms",
            )
        minutes = int((window.end - window.begin).total_seconds()) // 60
        client(stack, "cloudwatch").put_alarm_mute_rule(
            Name=_rule_name(stack),
            Description=window.reason,
            Rule={
                "Schedule": {
                    "Expression": f"at({window.begin:%Y-%m-%dT%H:%M})",
                    "Duration": f"PT{minutes}M",
                }
            },
            MuteTargets={"AlarmNames": names},
        )
    return len(names)


def close_window(stack: Stack) -> None:
    """End a window now; raises ArcaError where AWS refuses."""
    with explained(stack, "The window cannot be ended"):
        client(stack, "cloudwatch").delete_alarm_mute_rule(AlarmMuteRuleName=_rule_name(stack))


def open_now(stack: Stack, *, now: datetime) -> Window | None:
    """Return the window that is open or about to begin; None where there is none."""
    cloudwatch = client(stack, "cloudwatch")
    with explained(stack, "The window cannot be read"):
        try:
            rule = cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName=_rule_name(stack))
        except cloudwatch.exceptions.ResourceNotFoundException:
            return None
    schedule = rule["Rule"]["Schedule"]
    at, duration = AT.fullmatch(schedule["Expression"]), DURATION.fullmatch(schedule["Duration"])
    if at is None or duration is None:
        raise ArcaError(
            f"The rule {_rule_name(stack)} was written by something else: {schedule}",
            where=stack.where,
            wanted="a rule of `arca maintenance start`",
            do="look at it in CloudWatch, and end it with `arca maintenance end`",
        )
    begin = datetime.strptime(at[1], "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)
    end = begin + timedelta(minutes=int(duration[1]))
    return Window(begin, end, rule.get("Description", "")) if now < end else None


def _muted(stack: Stack) -> list[str]:
    """Return the alarms that notify another topic than SEV1's."""
    topics = {
        arn for severity, arn in stack.outputs.observability.topics.items() if severity != "SEV1"
    }
    pages = (
        client(stack, "cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(
            AlarmNamePrefix=f"arca-{stack.name}-", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
    )
    return sorted(
        alarm["AlarmName"]
        for page in pages
        for alarm in (*page["MetricAlarms"], *page["CompositeAlarms"])
        if topics & set(alarm["AlarmActions"])
    )


def _rule_name(stack: Stack) -> str:
    return f"arca-{stack.name}-maintenance"
