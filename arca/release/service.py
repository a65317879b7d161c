"""The service as ECS describes it: deployments, service revisions, tasks. Nothing here writes.

Source: Amazon ECS API Reference, DescribeServiceDeployments and DescribeServiceRevisions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypedDict

from arca.clients import client, explained
from arca.errors import ArcaError
from arca.stack import Stack

DEPLOYMENT_UNDER_WAY = (
    "PENDING",
    "IN_PROGRESS",
    "STOP_REQUESTED",
    "ROLLBACK_REQUESTED",
    "ROLLBACK_IN_PROGRESS",
)
"""Statuses of a deployment that ECS still works on."""
DEPLOYMENT_POLL_SECONDS = 5.0
EMULATED_POLL_SECONDS = 0.2
MOST_TASKS = 100
"""The most tasks that one DescribeTasks call takes."""
MOST_DEPLOYMENTS = 20
"""The most deployments that one DescribeServiceDeployments call takes."""
LARGEST_PAGE = 100
"""The most deployments on a page of ListServiceDeployments."""
MOST_SUCCESSORS = 10
"""How often a deployment may end between its listing and its description."""
ALL_DEPLOYMENTS = 1000
"""More deployments than a service has in the 90 days for which ECS keeps them, as a limit."""


@dataclass(frozen=True)
class EcsRevision:
    """A service revision: how many tasks ECS wants of it, and how many it runs."""

    arn: str
    requested: int
    running: int
    pending: int
    production_percent: float | None
    """Share of the production traffic; None where the strategy has no traffic weights."""
    test_percent: float | None

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> "EcsRevision":
        """Read a revision from the API's answer."""
        return cls(
            arn=found["arn"],
            requested=found.get("requestedTaskCount", 0),
            running=found.get("runningTaskCount", 0),
            pending=found.get("pendingTaskCount", 0),
            production_percent=found.get("requestedProductionTrafficWeight"),
            test_percent=found.get("requestedTestTrafficWeight"),
        )


@dataclass(frozen=True)
class EcsDeployment:
    """A service deployment."""

    arn: str
    status: str
    reason: str
    stage: str | None
    created: datetime
    finished: datetime | None
    target: EcsRevision
    sources: tuple[EcsRevision, ...]
    """The revisions that the deployment replaces."""
    triggered_alarms: tuple[str, ...]
    paused_hook: str | None
    """Id of the PAUSE hook that waits for an answer."""
    rollback_reason: str = ""
    """Why ECS began to roll the deployment back; empty where it did not."""
    failed_hooks: tuple[str, ...] = ()
    """Each lifecycle hook that failed or got no answer in time, with its target and status."""
    breaker: str = ""
    """What made the circuit breaker open; empty where it did not."""

    @property
    def under_way(self) -> bool:
        """True while ECS still works on the deployment."""
        return self.status in DEPLOYMENT_UNDER_WAY

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> "EcsDeployment":
        """Read a deployment from the API's answer."""
        hooks = found.get("lifecycleHookDetails", [])
        waiting = [hook["hookId"] for hook in hooks if hook.get("status") == "AWAITING_ACTION"]
        return cls(
            arn=found["serviceDeploymentArn"],
            status=found["status"],
            reason=found.get("statusReason", ""),
            stage=found.get("lifecycleStage"),
            created=found["createdAt"],
            finished=found.get("finishedAt"),
            target=EcsRevision.read(found["targetServiceRevision"]),
            sources=tuple(map(EcsRevision.read, found.get("sourceServiceRevisions", []))),
            triggered_alarms=tuple(found.get("alarms", {}).get("triggeredAlarmNames", [])),
            paused_hook=waiting[0] if waiting else None,
            rollback_reason=found.get("rollback", {}).get("reason", ""),
            failed_hooks=tuple(_hook_text(hook) for hook in hooks if _hook_failed(hook)),
            breaker=_breaker_text(found.get("deploymentCircuitBreaker", {})),
        )


class ServiceNames(TypedDict):
    """The names by which most calls of ECS take a service."""

    cluster: str
    service: str


class EcsService:
    """A stack's service in ECS."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.names: ServiceNames = {
            "cluster": stack.outputs.service.cluster,
            "service": stack.outputs.service.name,
        }
        self.ecs = client(stack, "ecs")
        self.ecs_once = client(stack, "ecs", once=True)
        """A client that sends a call once, for one that must not take effect twice."""
        emulated = stack.endpoint is not None
        self.poll_seconds = EMULATED_POLL_SECONDS if emulated else DEPLOYMENT_POLL_SECONDS
        """Seconds between two looks at a deployment."""
        self._task_definitions: dict[str, str] = {}

    def describe(self) -> Mapping[str, Any]:
        """Return DescribeServices' answer; raises ArcaError where the service does not exist."""
        with explained(self.stack, "The service cannot be read"):
            found = self.ecs.describe_services(
                cluster=self.names["cluster"], services=[self.names["service"]]
            )["services"]
        if not found or found[0]["status"] == "INACTIVE":
            raise ArcaError(
                f"There is no service {self.names['service']}.",
                where=f"{self.stack.where}, cluster {self.names['cluster']}",
                wanted="the service of the stack's exports",
                do=f"bring the stack {self.stack.name} up",
            )
        return found[0]

    def deployments(self, *, most: int = MOST_DEPLOYMENTS) -> list[EcsDeployment]:
        """Return the latest deployments, newest first, from as many pages as `most` needs."""
        with explained(self.stack, "The deployments cannot be read"):
            page = self.ecs.list_service_deployments(**self.names, maxResults=LARGEST_PAGE)
            briefs = [*page["serviceDeployments"]]
            while len(briefs) < most and (token := page.get("nextToken")):
                page = self.ecs.list_service_deployments(
                    **self.names, maxResults=LARGEST_PAGE, nextToken=token
                )
                briefs += page["serviceDeployments"]
            # ECS's reference says nothing about their order.
            briefs.sort(key=lambda brief: brief["createdAt"], reverse=True)
            arns = [brief["serviceDeploymentArn"] for brief in briefs]
            found = self._describe_deployments(arns[:most])
        return sorted(found, key=lambda one: one.created, reverse=True)

    def newest_after(self, deployment: EcsDeployment) -> EcsDeployment | None:
        """Return the deployment that has taken the place of another one, or None."""
        latest = self.deployments(most=1)
        if not latest or latest[0].arn == deployment.arn:
            return None
        return latest[0] if latest[0].created >= deployment.created else None

    def under_way(self) -> EcsDeployment | None:
        """Return the deployment that has not ended, or None."""
        for _ in range(MOST_SUCCESSORS):
            with explained(self.stack, "The deployments cannot be read"):
                listed = self.ecs.list_service_deployments(
                    **self.names, status=[*DEPLOYMENT_UNDER_WAY]
                )["serviceDeployments"]
            if not listed:
                return None
            newest = max(listed, key=lambda brief: brief["createdAt"])
            found = self.deployment(newest["serviceDeploymentArn"])
            # Another one may have taken its place between the two calls.
            if found.under_way:
                return found
        return None

    def deployment(self, arn: str) -> EcsDeployment:
        """Return one deployment; raises ArcaError where ECS does not know it."""
        with explained(self.stack, "The deployment cannot be read"):
            found = self._describe_deployments([arn])
        if not found:
            raise ArcaError(
                "The deployment is gone.",
                where=f"{self.stack.where}, {arn}",
                wanted="a service deployment that ECS knows",
                do=f"look at what runs: `arca status --stack {self.stack.name}`",
            )
        return found[0]

    def _describe_deployments(self, arns: list[str]) -> list[EcsDeployment]:
        return [
            EcsDeployment.read(one)
            for some in _parts(arns, MOST_DEPLOYMENTS)
            for one in self.ecs.describe_service_deployments(serviceDeploymentArns=some)[
                "serviceDeployments"
            ]
        ]

    def task_definition(self, revision_arn: str) -> str:
        """Return the ARN of a service revision's task definition, which never changes."""
        if revision_arn not in self._task_definitions:
            with explained(self.stack, "The service revision cannot be read"):
                found = self.ecs.describe_service_revisions(serviceRevisionArns=[revision_arn])
            self._task_definitions |= {
                one["serviceRevisionArn"]: one["taskDefinition"]
                for one in found["serviceRevisions"]
            }
        if revision_arn not in self._task_definitions:
            raise ArcaError(
                "A service revision is gone.",
                where=f"{self.stack.where}, {revision_arn}",
                wanted="a revision that ECS knows",
                do=f"look at what runs: `arca status --stack {self.stack.name}`",
            )
        return self._task_definitions[revision_arn]

    def tasks(self, *, stopped: bool = False) -> Sequence[Mapping[str, Any]]:
        """Return the service's tasks; ECS knows stopped ones for about an hour."""
        list_tasks = partial(
            self.ecs.list_tasks,
            cluster=self.names["cluster"],
            serviceName=self.names["service"],
            desiredStatus="STOPPED" if stopped else "RUNNING",
        )
        with explained(self.stack, "The tasks cannot be read"):
            page = list_tasks()
            arns = [*page["taskArns"]]
            while token := page.get("nextToken"):
                page = list_tasks(nextToken=token)
                arns += page["taskArns"]
            return [
                task
                for some in _parts(arns, MOST_TASKS)
                for task in self.ecs.describe_tasks(cluster=self.names["cluster"], tasks=some)[
                    "tasks"
                ]
            ]

    def definition(self, name: str) -> Mapping[str, Any]:
        """Return a task definition by ARN, or a family's latest one."""
        with explained(self.stack, f"The task definition {name} cannot be read"):
            return self.ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]

    def current_definition(self) -> Mapping[str, Any]:
        """Return the task definition that the service is set to."""
        return self.definition(str(self.describe()["taskDefinition"]))


def _parts(arns: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Yield the ARNs in parts that one call takes."""
    for begin in range(0, len(arns), size):
        yield arns[begin : begin + size]


def _hook_failed(hook: Mapping[str, Any]) -> bool:
    # A pause that still waits when the deployment ends is closed as failed, and is no cause.
    fails = ("TIMED_OUT",) if hook.get("targetType") == "PAUSE" else ("FAILED", "TIMED_OUT")
    return hook.get("status") in fails


def _hook_text(hook: Mapping[str, Any]) -> str:
    target = hook.get("targetArn") or hook.get("targetType", "")
    return f"{target} {hook['status']}".lstrip()


def _breaker_text(breaker: Mapping[str, Any]) -> str:
    if breaker.get("status") != "TRIGGERED":
        return ""
    return f"{breaker.get('failureCount')} failed tasks, threshold {breaker.get('threshold')}"


def short(arn: str) -> str:
    """Return `family:revision` of a task definition, or the last part of any other ARN."""
    return arn.rpartition("/")[2]
