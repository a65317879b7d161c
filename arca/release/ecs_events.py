"""ECS's events in the stack's log group: failed tasks and deployments of the last 90 days.

EventBridge writes them there (components/observability/events.py), because ECS forgets a stopped
task after about an hour. Source: Amazon ECS Developer Guide, "Amazon ECS task state change events"
and "Amazon ECS service deployment state change events".
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from arca.clients import client, explained
from arca.stack import Stack

GROUP = "events"
"""Key of the log group in the stack's exports."""
TASK_STOPPED = "ECS Task State Change"
DEPLOYMENT_CHANGED = "ECS Deployment State Change"
TIMES = ("createdAt", "startedAt", "stoppedAt")


@dataclass(frozen=True)
class PastEvents:
    """What ECS reported in a span of time."""

    tasks: tuple[Mapping[str, Any], ...] = ()
    """Stopped tasks, with the fields of DescribeTasks."""
    deployments: tuple[tuple[datetime, str], ...] = ()
    """When a deployment failed, and ECS's reason."""


def group_name(stack: Stack) -> str:
    """Return the log group's name; empty for a stack without one."""
    return stack.outputs.observability.log_groups.get(GROUP, "")


def read_events(stack: Stack, *, start: datetime, end: datetime) -> PastEvents:
    """Return the events of a span of time; raises ArcaError where they cannot be read."""
    if not group_name(stack):
        return PastEvents()
    tasks: list[Mapping[str, Any]] = []
    deployments: list[tuple[datetime, str]] = []
    for event in _events(stack, start, end):
        detail = event.get("detail", {})
        if event.get("detail-type") == TASK_STOPPED:
            times = {name: _moment(detail[name]) for name in TIMES if name in detail}
            tasks.append({**detail, **times})
        elif event.get("detail-type") == DEPLOYMENT_CHANGED:
            deployments.append((_moment(event["time"]), str(detail.get("reason", ""))))
    return PastEvents(tuple(tasks), tuple(deployments))


def _events(stack: Stack, start: datetime, end: datetime) -> Iterator[Mapping[str, Any]]:
    logs, page = client(stack, "logs"), {"nextToken": ""}
    while "nextToken" in page:
        more = {"nextToken": page["nextToken"]} if page["nextToken"] else {}
        with explained(stack, "ECS's past events cannot be read"):
            page: Any = logs.filter_log_events(
                logGroupName=group_name(stack),
                startTime=int(start.timestamp() * 1000),
                endTime=int(end.timestamp() * 1000),
                **more,
            )
        for line in page["events"]:
            found = _content(line["message"])
            if isinstance(found, dict):
                yield cast("dict[str, Any]", found)


def _content(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
