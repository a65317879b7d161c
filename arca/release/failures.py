"""Why tasks of a revision stopped: the likeliest reasons, and their last log lines."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from arca.clients import client, explained
from arca.release.service import EcsService, short

MOST_REASONS = 3
MOST_LINES = 20
FAILED_STOP_CODES = frozenset({"TaskFailedToStart", "EssentialContainerExited"})
"""Stop codes of tasks that nobody asked to stop (Amazon ECS API Reference, Task)."""
UNHEALTHY = re.compile(r"failed (?:ELB|container) health checks")
EXIT_CODES: Mapping[int, str] = {
    126: "the command cannot be executed",
    127: "the command was not found",
    134: "aborted, SIGABRT",
    137: "out of memory, or killed with SIGKILL",
    139: "segmentation fault, SIGSEGV",
    143: "ended with SIGTERM",
}
"""Meanings of exit codes: 128 and a signal's number (POSIX shell), 126 and 127 (the shell)."""

FailureKind = Literal["start", "exit", "health"]
"""A task never started, its container exited, or its health checks failed."""


@dataclass(frozen=True)
class TaskFailures:
    """The failed tasks of a revision."""

    number: int
    counts: tuple[tuple[str, int], ...]
    """The likeliest reasons, each with its number of tasks."""
    tasks: tuple[str, ...]
    """ARNs, the latest first."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """The likeliest reasons, each with the tasks that the whole deployment lost to it."""
        return tuple(f"{why} ({tasks_text(number)} in all)" for why, number in self.counts)

    @property
    def so_far(self) -> str:
        """The reasons while the deployment is under way: ECS may lose more tasks until its end.

        Each has its number only where several reasons share the tasks.
        """
        only = len(self.counts) == 1
        reasons = (why if only else f"{why} ({number} of them)" for why, number in self.counts)
        return f"{tasks_text(self.number)} had died by then: {'; '.join(reasons)}"


@dataclass(frozen=True)
class FailedTask:
    """A task that nobody asked to stop."""

    arn: str
    kind: FailureKind
    reason: str
    exit_code: int | None
    """The container's; None where no container exited with an error."""
    stopped: datetime


def failed_tasks(service: EcsService, task_definition: str, *, since: datetime) -> TaskFailures:
    """Return the tasks of a task definition that were created since then and failed."""
    failed = read_failed(service.tasks(stopped=True), task_definition, since=since)
    counted = Counter(task.reason for task in failed)
    return TaskFailures(
        number=len(failed),
        counts=tuple(counted.most_common(MOST_REASONS)),
        tasks=tuple(task.arn for task in failed),
    )


def read_failed(
    tasks: Iterable[Mapping[str, Any]], task_definition: str, *, since: datetime
) -> list[FailedTask]:
    """Return the failed ones of stopped tasks, the latest first.

    `tasks` are of DescribeTasks, or the details of ECS's events, whose fields are the same.
    """
    failed = [
        FailedTask(
            arn=task["taskArn"],
            kind=_failure_kind(task),
            reason=_stop_reason(task),
            exit_code=_exit_code(task),
            stopped=task.get("stoppedAt", since),
        )
        for task in tasks
        if task["taskDefinitionArn"] == task_definition
        and task.get("createdAt", since) >= since
        and _has_failed(task)
    ]
    return sorted(failed, key=lambda task: task.stopped, reverse=True)


def tasks_text(number: int) -> str:
    """Return a number of tasks in words."""
    return "1 task" if number == 1 else f"{number} tasks"


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


def _failure_kind(task: Mapping[str, Any]) -> FailureKind:
    if UNHEALTHY.search(task.get("stoppedReason", "")):
        return "health"
    return "start" if task.get("stopCode") == "TaskFailedToStart" else "exit"


def _exit_code(task: Mapping[str, Any]) -> int | None:
    codes = (container.get("exitCode") for container in task.get("containers", []))
    return next((code for code in codes if code), None)


def _stop_reason(task: Mapping[str, Any]) -> str:
    """Return the container's own reason and exit code where it has them, else the task's."""
    for container in task.get("containers", []):
        code = container.get("exitCode")
        if container.get("reason"):
            return f"{container['name']}: {container['reason']}"
        if code:
            meaning = f" ({EXIT_CODES[code]})" if code in EXIT_CODES else ""
            reason = task.get("stoppedReason", "")
            return f"{container['name']} exited with {code}{meaning}: {reason}"
    return task.get("stoppedReason", "no reason given")
