"""Why tasks of a revision do not live: the likeliest reasons and their last words."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from arca.clients import client, explained
from arca.release.service import Service, short

MOST_REASONS = 3
MOST_LINES = 20
DIED = frozenset({"TaskFailedToStart", "EssentialContainerExited"})
"""Stop codes of a task that nobody wanted to end."""
UNHEALTHY = re.compile(r"failed (?:ELB|container) health checks")


@dataclass(frozen=True)
class Failures:
    """What became of a revision's tasks."""

    number: int
    reasons: tuple[str, ...]
    tasks: tuple[str, ...]
    """ARNs, the latest first."""


def of(service: Service, task_definition: str, *, since: datetime) -> Failures:
    """The tasks of a task definition that died since a moment, by reason, likeliest first."""
    died = [
        task
        for task in service.tasks(stopped=True)
        if task["taskDefinitionArn"] == task_definition
        and task.get("createdAt", since) >= since
        and _died(task)
    ]
    died.sort(key=lambda task: task.get("stoppedAt", since), reverse=True)
    counted = Counter(map(reason, died))
    return Failures(
        len(died),
        tuple(f"{text} ({number} tasks)" for text, number in counted.most_common(MOST_REASONS)),
        tuple(task["taskArn"] for task in died),
    )


def last_lines(service: Service, tasks: Sequence[str]) -> tuple[str, ...]:
    """The last log lines of the first of these tasks that wrote any."""
    logs = client(service.stack, "logs")
    group = service.stack.outputs.service.log_group
    for task in tasks[:MOST_REASONS]:
        with explained(service.stack, "The log lines of a failed task cannot be read"):
            try:
                events: list[dict[str, Any]] = logs.get_log_events(
                    logGroupName=group,
                    logStreamName=f"api/api/{short(task)}",
                    limit=MOST_LINES,
                    startFromHead=False,
                )["events"]
            except logs.exceptions.ResourceNotFoundException:
                continue
        if events:
            return tuple(event["message"].rstrip() for event in events)
    return ()


def reason(task: Mapping[str, Any]) -> str:
    """In words: the container's own where it has some, and its exit code."""
    for container in task.get("containers", []):
        code = container.get("exitCode")
        if container.get("reason"):
            return f"{container['name']}: {container['reason']}"
        if code:
            return f"{container['name']} exited with {code}: {task.get('stoppedReason', '')}"
    return task.get("stoppedReason", "no reason given")


def _died(task: Mapping[str, Any]) -> bool:
    return task.get("stopCode") in DIED or bool(UNHEALTHY.search(task.get("stoppedReason", "")))
