"""Why a deployment failed or rolled back: the causes, ranked, each with its evidence.

The rule of the rank: a cause that ended the deployment comes before one that only happened during
it. ECS or `arca` names what ended it. Among equals, what a task or a hook did comes before an
alarm, because an alarm shows a failure and not where it is.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Literal, get_args

from arca.clients import client, explained
from arca.errors import ArcaError
from arca.release import ecs_events, failures, given_reasons
from arca.release.given_reasons import GivenReason
from arca.release.history import PastDeployment
from arca.release.service import EcsService, short
from arca.stack import Stack

CauseKind = Literal[
    "migrations",
    "arca",
    "start",
    "exit",
    "health",
    "hook",
    "alarm",
    "service",
    "breaker",
    "ecs",
]
RANKS: Sequence[CauseKind] = get_args(CauseKind)
"""The order of causes that equally ended, or did not end, the deployment."""
MOST_EVIDENCE = 3
"""Tasks or events that are shown of each cause."""
TASKS_KNOWN = timedelta(hours=1)
"""How long ECS knows a stopped task (Amazon ECS API Reference, DescribeTasks)."""
ALARMS_KNOWN = timedelta(days=30)
"""How long CloudWatch keeps an alarm's history (CloudWatch API Reference, DescribeAlarmHistory)."""
SLACK = timedelta(minutes=5)
"""How long after a deployment's end its last events may come."""
STOP_CALLED = "StopServiceDeployment"
DEAD_TASKS = re.compile(
    r"\d+ tasks? (?:had )?(?:died|failed)|circuit breaker|failed to start", re.IGNORECASE
)
TROUBLE = re.compile(r"unhealthy|health check|unable to|cannot|failed|error|exited", re.IGNORECASE)
"""A service event about a failure (Amazon ECS Developer Guide, "Service event messages")."""
NAMED_DEPLOYMENT = re.compile(r"\(deployment (?!ecs-svc/)([^)]+)\)")
"""The service deployment that a service event names. An id `ecs-svc/NUMBER` is of DescribeServices'
deployments, and tells no service deployment (Amazon ECS API Reference, Deployment)."""


@dataclass(frozen=True)
class Evidence:
    """One thing that was observed."""

    text: str
    at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {"at": self.at.isoformat() if self.at else None, "text": self.text}


@dataclass(frozen=True)
class Cause:
    """A cause; `ended` says whether it ended the deployment."""

    kind: CauseKind
    what: str
    ended: bool
    evidence: tuple[Evidence, ...] = ()
    log_lines: tuple[str, ...] = ()
    """The last log lines of a task that failed so."""

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "kind": self.kind,
            "cause": self.what,
            "ended_the_deployment": self.ended,
            "evidence": [one.as_json() for one in self.evidence],
            "log_lines": list(self.log_lines),
        }


@dataclass(frozen=True)
class Explanation:
    """A deployment, its causes with the likeliest first, and what nobody knows any more."""

    past: PastDeployment
    causes: tuple[Cause, ...]
    unknown: tuple[str, ...]
    given: GivenReason | None = None
    """What `arca` noted; None where it noted nothing, or where that cannot be read."""

    @property
    def noted(self) -> str | None:
        """What `arca` noted, in words; None where it noted nothing."""
        return self.given.in_words(self.past.deployment) if self.given else None

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        deployment = self.past.deployment
        return {
            "deployment": {
                **self.past.as_json(),
                "stage": deployment.stage,
                "rollback_reason": deployment.rollback_reason,
                "noted": self.noted,
            },
            "causes": [cause.as_json() for cause in self.causes],
            "unknown": list(self.unknown),
        }


@dataclass(frozen=True)
class Undeployed:
    """A release that ended before its deployment began, because its migrations failed."""

    given: GivenReason

    @property
    def cause(self) -> Cause:
        """What `arca deploy` noted, as a cause of no deployment."""
        found = Evidence(f"noted by {self.given.by}", self.given.at)
        return Cause("migrations", self.given.why, ended=False, evidence=(found,))

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "deployment": None,
            "task_definition": self.given.deployment,
            "causes": [self.cause.as_json()],
            "unknown": [],
        }


@dataclass
class _Facts:
    """What was read about a deployment, and what could not be read."""

    given: Mapping[str, GivenReason] = field(default_factory=dict[str, GivenReason])
    stopped: Sequence[Mapping[str, Any]] = ()
    events: ecs_events.PastEvents = field(default_factory=ecs_events.PastEvents)
    messages: Sequence[Evidence] = ()
    """The service's own events."""
    alarms: Mapping[str, Sequence[Evidence]] = field(default_factory=dict[str, Sequence[Evidence]])
    """When each alarm of the deployments fired."""
    unread: list[str] = field(default_factory=list[str])


def find_undeployed(
    service: EcsService, found: Sequence[PastDeployment], name: str | None
) -> Undeployed | None:
    """Return the release of this revision where its migrations ended it; None where none did.

    Without a name it is the latest, unless a deployment of the history that failed is later.
    """
    try:
        given = given_reasons.read_reasons(service.stack)
    except ArcaError:
        # What is known about the deployment is explained without them.
        return None
    deployed = {short(past.task_definition) for past in found}
    # A release without a deployment has its reason under its revision: `family:number`.
    ended = [one for key, one in given.items() if ":" in key and key not in deployed]
    if name is not None:
        wanted = short(name)
        ended = [
            one for one in ended if wanted in (one.deployment, one.deployment.rpartition(":")[2])
        ]
    latest = max(ended, key=lambda one: one.at, default=None)
    if latest is None:
        return None
    failed = next((past for past in found if _failed(past, given)), None)
    if name is None and failed is not None and failed.deployment.created > latest.at:
        return None
    return Undeployed(latest)


def chosen_deployment(
    service: EcsService, found: Sequence[PastDeployment], name: str | None
) -> PastDeployment:
    """Return the deployment of the history with this id, beginning of an id, or revision.

    Without a name it is the latest that did not succeed. Raises ArcaError where there is none, and
    where several ids begin so.
    """
    if name is None:
        given = given_reasons.read_reasons(service.stack)
        for past in found:
            if _failed(past, given):
                return past
        raise ArcaError(
            f"None of the latest {len(found)} deployments failed.",
            where=service.stack.where,
            wanted="a deployment that failed or rolled back",
            do=f"look at what runs: `arca status --stack {service.stack.name}`",
        )
    wanted = short(name)
    exact = [past for past in found if wanted == short(past.deployment.arn)]
    revision = [
        past
        for past in found
        if wanted in (short(past.task_definition), short(past.task_definition).rpartition(":")[2])
    ]
    begins = [past for past in found if short(past.deployment.arn).startswith(wanted)]
    if exact or revision:
        return (exact or revision)[0]
    if len(begins) == 1:
        return begins[0]
    known = ", ".join(short(past.deployment.arn) for past in begins or found)
    raise ArcaError(
        f"Several deployments begin with {wanted!r}."
        if begins
        else f"No deployment is {wanted!r}.",
        where=f"{service.stack.where}, the latest {len(found)} deployments",
        wanted=f"one of {known or 'none'}, or a revision",
        do=f"choose from `arca history --stack {service.stack.name} --last 20`",
    )


def success_after(found: Sequence[PastDeployment], moment: datetime) -> PastDeployment | None:
    """Return the latest deployment that succeeded, where it began after a moment; else None."""
    live = next((past for past in found if past.deployment.status == "SUCCESSFUL"), None)
    return live if live is not None and live.deployment.created > moment else None


def explain(service: EcsService, past: PastDeployment, *, now: datetime) -> Explanation:
    """Return the causes; what cannot be read is listed as unknown, and raises nothing."""
    facts = _read(service, past, now)
    given = facts.given.get(short(past.deployment.arn))
    known = {str(task["taskArn"]): task for task in (*facts.events.tasks, *facts.stopped)}
    failed = _failed_tasks(known.values(), past)
    causes = [
        *_causes_of_tasks(service, past, facts, failed, given),
        *_causes_of_ecs(past, facts),
        *_causes_of_service(past, facts, failed),
    ]
    if given is not None and not (DEAD_TASKS.match(given.why) and _of_tasks(causes)):
        said = Evidence(f"noted by {given.by}", given.at)
        what = f"{given.in_words(past.deployment)}."
        causes.append(Cause("arca", what, ended=True, evidence=(said,)))
    succeeded = past.deployment.status == "SUCCESSFUL"
    if not succeeded and not any(cause.ended for cause in causes) and _why_of_ecs(past):
        # Only what ECS says is left, and it names no cause.
        named = STOP_CALLED not in _why_of_ecs(past)
        causes.append(Cause("ecs", f"ECS gives this reason: {_why_of_ecs(past)}", ended=named))
    if past.deployment.status == "ROLLBACK_FAILED":
        causes.append(_failure_of_rollback(past, facts))
    causes.sort(key=lambda cause: (not cause.ended, RANKS.index(cause.kind)))
    unknown = _unknown(service, past, facts, causes, now)
    return Explanation(past, tuple(causes), tuple(unknown), given)


def reasons(service: EcsService, found: Sequence[PastDeployment]) -> Mapping[str, str]:
    """Return the reason of each deployment by its ARN, in the words of whoever knows most.

    What `arca` noted comes before the failed tasks, and these before ECS's own words.
    """
    try:
        given = given_reasons.read_reasons(service.stack)
    except ArcaError:
        given = dict[str, GivenReason]()
    said = {past.deployment.arn: _why_of_ecs(past) for past in found}
    said |= {
        past.deployment.arn: given[short(past.deployment.arn)].why
        for past in found
        if short(past.deployment.arn) in given
    }
    silent = [past for past in found if STOP_CALLED in said[past.deployment.arn]]
    if silent:
        tasks = _failed_tasks_of(service, silent)
        for past in silent:
            failed = _failed_tasks(tasks, past)
            if failed:
                said[past.deployment.arn] += f" Before that: {failed[0].reason}"
    return said


def _failed_tasks_of(
    service: EcsService, found: Sequence[PastDeployment]
) -> list[Mapping[str, Any]]:
    """Return the stopped tasks that ECS or the log group knows; none where they cannot be read."""
    start = min(past.deployment.created for past in found)
    ends = [past.deployment.finished or past.deployment.created for past in found]
    tasks: list[Mapping[str, Any]] = []
    try:
        tasks += service.tasks(stopped=True)
        tasks += ecs_events.read_events(service.stack, start=start, end=max(ends) + SLACK).tasks
    except ArcaError:
        pass
    return tasks


def _failed_tasks(
    tasks: Iterable[Mapping[str, Any]], past: PastDeployment
) -> list[failures.FailedTask]:
    """Return the failed tasks of a deployment, and none of a later one of the same revision."""
    since = past.deployment.created
    own = (task for task in tasks if _before_next(past, task.get("createdAt", since)))
    return failures.read_failed(own, past.task_definition, since=since)


def _before_next(past: PastDeployment, moment: datetime) -> bool:
    """Return whether a moment is before the next deployment began."""
    return past.followed is None or moment < past.followed


def _failed(past: PastDeployment, given: Mapping[str, GivenReason]) -> bool:
    status = past.deployment.status
    return status not in ("SUCCESSFUL", "PENDING", "IN_PROGRESS") or (
        short(past.deployment.arn) in given
    )


def _why_of_ecs(past: PastDeployment) -> str:
    return past.deployment.reason or past.deployment.rollback_reason


def _read(service: EcsService, past: PastDeployment, now: datetime) -> _Facts:
    """Read all sources at once."""
    stack, facts = service.stack, _Facts()
    start, end = past.deployment.created, (past.deployment.finished or now) + SLACK
    with ThreadPoolExecutor(5) as pool:
        given = pool.submit(lambda: given_reasons.read_reasons(stack))
        stopped = pool.submit(lambda: service.tasks(stopped=True))
        events = pool.submit(lambda: ecs_events.read_events(stack, start=start, end=end))
        messages = pool.submit(lambda: _messages(service, past, end))
        alarms = pool.submit(lambda: _alarms(stack, past, end))
    facts.given = _or_unread(facts, given.result) or {}
    facts.stopped = _or_unread(facts, stopped.result) or ()
    facts.events = _or_unread(facts, events.result) or ecs_events.PastEvents()
    facts.messages = _or_unread(facts, messages.result) or ()
    facts.alarms = _or_unread(facts, alarms.result) or {}
    return facts


def _or_unread(facts: _Facts, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except ArcaError as error:
        facts.unread.append(error.what)
        return None


def _messages(service: EcsService, past: PastDeployment, end: datetime) -> Sequence[Evidence]:
    """Return the service's events about a deployment, and none about another one."""
    return tuple(
        Evidence(event["message"], event["createdAt"])
        for event in service.describe().get("events", [])
        if past.deployment.created <= event["createdAt"] <= end
        and _is_about(past, event["message"], event["createdAt"])
    )


def _is_about(past: PastDeployment, message: str, at: datetime) -> bool:
    named = NAMED_DEPLOYMENT.search(message)
    if named is None:
        return _before_next(past, at)
    return named[1] == short(past.deployment.arn)


def _alarms(stack: Stack, past: PastDeployment, end: datetime) -> Mapping[str, Sequence[Evidence]]:
    """Return when each alarm of the deployments fired, until the next deployment began."""
    cloudwatch = client(stack, "cloudwatch")
    names = stack.outputs.service.alarm_names
    found: dict[str, Sequence[Evidence]] = {}
    with explained(stack, "The history of the alarms cannot be read"):
        if stack.endpoint is not None:
            # The emulated CloudWatch keeps no history: it knows only what fires now, which is no
            # evidence about a deployment that another one has followed.
            names = names if past.followed is None else []
            known = cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"] if names else []
            return {
                alarm["AlarmName"]: (
                    Evidence(alarm["StateReason"], alarm["StateUpdatedTimestamp"]),
                )
                for alarm in known
                if alarm["StateValue"] == "ALARM"
            }
        start, end = past.deployment.created, min(end, past.followed or end)
        for name in names:
            items = cloudwatch.describe_alarm_history(
                AlarmName=name, HistoryItemType="StateUpdate", StartDate=start, EndDate=end
            )["AlarmHistoryItems"]
            fired = [
                Evidence(item["HistorySummary"], item["Timestamp"])
                for item in items
                if item["HistorySummary"].endswith("to ALARM")
            ]
            if fired:
                found[name] = fired
    return found


def _causes_of_tasks(
    service: EcsService,
    past: PastDeployment,
    facts: _Facts,
    failed: Sequence[failures.FailedTask],
    given: GivenReason | None,
) -> list[Cause]:
    """Return a cause for each way in which tasks failed, the most frequent way first."""
    trigger = " ".join(
        (_why_of_ecs(past), past.deployment.rollback_reason, given.why if given else "")
    )
    ended = bool(DEAD_TASKS.search(trigger) or past.deployment.breaker)
    groups = [
        list(group)
        for _, group in groupby(
            sorted(failed, key=lambda one: (one.kind, one.reason)),
            key=lambda one: (one.kind, one.reason),
        )
    ]
    groups.sort(key=len, reverse=True)
    return [
        Cause(
            group[0].kind,
            _task_sentence(group),
            ended,
            _shown([Evidence(_task_text(one), one.stopped) for one in group]),
            _log_lines(service, facts, [one.arn for one in group]),
        )
        for group in groups
    ]


def _task_text(task: failures.FailedTask) -> str:
    code = f", exit code {task.exit_code}" if task.exit_code is not None else ""
    return f"task {short(task.arn)}{code}"


def _task_sentence(group: Sequence[failures.FailedTask]) -> str:
    first = group[0]
    number = f"{failures.tasks_text(len(group))} in all"
    if first.kind == "start":
        return f"{number} could not start: {first.reason}"
    if first.kind == "health":
        return f"{number} failed the health checks, so ECS replaced them: {first.reason}"
    return f"{number} ended by an exit of a container: {first.reason}"


def _log_lines(service: EcsService, facts: _Facts, tasks: Sequence[str]) -> tuple[str, ...]:
    try:
        return failures.last_lines(service, tasks)
    except ArcaError as error:
        facts.unread.append(error.what)
        return ()


def _causes_of_ecs(past: PastDeployment, facts: _Facts) -> list[Cause]:
    """Return what ECS itself records of a deployment: alarms, hooks, the circuit breaker."""
    deployment = past.deployment
    said = f"{deployment.reason} {deployment.rollback_reason}"
    triggered = set(deployment.triggered_alarms)
    triggered |= {name for name in facts.alarms if name in said}
    causes = [
        Cause(
            "alarm",
            f"The alarm {name} fired"
            + (", and ECS rolls back when it does." if name in triggered else "."),
            ended=name in triggered,
            evidence=_shown(facts.alarms.get(name) or _messages_about(facts, name)),
        )
        for name in sorted(triggered | {*facts.alarms})
    ]
    causes += [
        Cause("hook", f"A lifecycle hook failed at {deployment.stage}: {hook}.", ended=True)
        for hook in deployment.failed_hooks
    ]
    if deployment.breaker:
        causes.append(
            Cause("breaker", f"The circuit breaker opened: {deployment.breaker}.", ended=True)
        )
    return causes


def _messages_about(facts: _Facts, alarm: str) -> Sequence[Evidence]:
    """Return the service's events that name an alarm, for when its history is not known."""
    return [one for one in facts.messages if alarm in one.text]


def _failure_of_rollback(past: PastDeployment, facts: _Facts) -> Cause:
    """Return why ECS could not roll a deployment back, with its events about the deployment."""
    why = past.deployment.reason or "no reason given"
    named = [one for one in facts.messages if NAMED_DEPLOYMENT.search(one.text)]
    what = f"The rollback failed. ECS gives this reason: {why}"
    return Cause("ecs", what, ended=True, evidence=_shown(named))


def _causes_of_service(
    past: PastDeployment, facts: _Facts, failed: Sequence[failures.FailedTask]
) -> list[Cause]:
    names = {short(task.arn) for task in failed}
    found = [
        *(one for one in facts.messages if TROUBLE.search(one.text) and _is_new(one.text, names)),
        *(
            Evidence(reason, at)
            for at, reason in facts.events.deployments
            if _before_next(past, at)
        ),
    ]
    if not found:
        return []
    what = "The service reported trouble during the deployment."
    return [Cause("service", what, ended=False, evidence=_shown(found))]


def _is_new(message: str, failed: Collection[str]) -> bool:
    """Return whether a message says more than that a task stopped which is a cause already.

    ECS's message about an unhealthy target gives the health check's answer after "due to".
    """
    return "due to" in message or not any(name in message for name in failed)


def _of_tasks(causes: Sequence[Cause]) -> bool:
    return any(cause.kind in ("start", "exit", "health") for cause in causes)


def _shown(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Return the first pieces of evidence, and the number of those that are left out."""
    more = len(evidence) - MOST_EVIDENCE
    rest = (Evidence(f"and {more} more"),) if more > 0 else ()
    return (*evidence[:MOST_EVIDENCE], *rest)


def _unknown(
    service: EcsService,
    past: PastDeployment,
    facts: _Facts,
    causes: Sequence[Cause],
    now: datetime,
) -> list[str]:
    """Return what is not known any more, a sentence each."""
    ended = past.deployment.finished or now
    group = ecs_events.group_name(service.stack) or "the log group of ECS's events"
    found = [f"Not read: {what}" for what in facts.unread]
    if now - ended > TASKS_KNOWN and not _of_tasks(causes):
        found.append(
            "ECS forgets stopped tasks after about an hour, and "
            f"{group} (90 days) has no failed task of this deployment."
        )
    if now - ended > ALARMS_KNOWN:
        found.append("CloudWatch keeps the history of alarms for 30 days.")
    if STOP_CALLED in _why_of_ecs(past) and short(past.deployment.arn) not in facts.given:
        found.append(
            "ECS was asked to stop the deployment, and `arca` noted no reason. CloudTrail names "
            "the caller of StopServiceDeployment."
        )
    return found
