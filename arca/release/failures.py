"""Why tasks of a revision stopped: the likeliest reasons, and their last log lines."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from arca.clients import client, explained
from arca.release.service import EcsService, short

MOST_REASONS = 3
MOST_LINES = 20
FAILED_STOP_CODES = frozenset({"TaskFailedToStart", "EssentialContainerExited"})
"""Stop codes of tasks that nobody asked to stop (Amazon ECS API Reference, Task)."""
UNHEALTHY = re.compile(r"failed (?:ELB|container) health checks")


@dataclass(frozen=True)
class TaskFailures:
    """The failed tasks of a revision."""

    number: int
    reasons: tuple[str, ...]
    """The likeliest reasons, each with its number of tasks."""
    tasks: tuple[str, ...]
    """ARNs, the latest first."""


def failed_tasks(service: EcsService, task_definition: str, *, since: datetime) -> TaskFailures:
    """Return the tasks of a task definition that were created since then and failed."""
    failed = [
        task
        for task in service.tasks(stopped=True)
        if task["taskDefinitionArn"] == task_definition
        and task.get("createdAt", since) >= since
        and _has_failed(task)
    ]
    failed.sort(key=lambda task: task.get("stoppedAt", since), reverse=True)
    counted = Counter(map(_stop_reason, failed))
    return TaskFailures(
        number=len(failed),
        reasons=tuple(
            f"{text} ({number} tasks)" for text, number in counted.most_common(MOST_REASONS)
        ),
        tasks=tuple(task["taskArn"] for task in failed),
    )


def last_lines(service: EcsService, tasks: Sequence[str]) -> tuple[str, ...]:
    """Return the last log lines of the first of these tasks that wrote any."""
    logs = client(service.stack, "logs")
    group = service.stack.outputs.service.log_group
    for task in tasks[:MOST_REASONS]:
        with explained(service.stack, "The log lines of a failed task cannot be read"):
            try:
                events = logs.get_log_events(
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


def _has_failed(task: Mapping[str, Any]) -> bool:
    if task.get("stopCode") in FAILED_STOP_CODES:
        return True
    return bool(UNHEALTHY.search(task.get("stoppedReason", "")))


def _stop_reason(task: Mapping[str, Any]) -> str:
    """Return the container's own reason and exit code where it has them, else the task's."""
    for container in task.get("containers", []):
        code = container.get("exitCode")
        if container.get("reason"):
            return f"{container['name']}: {container['reason']}"
        if code:
            return f"{container['name']} exited with {code}: {task.get('stoppedReason', '')}"
    return task.get("stoppedReason", "no reason given")
