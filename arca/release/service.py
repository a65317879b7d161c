"""The service as ECS describes it: revisions, deployments, tasks. Read only.

Source: Amazon ECS API Reference, DescribeServiceDeployments and DescribeServiceRevisions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from arca.clients import client, explained
from arca.errors import ArcaError
from arca.stack import Stack

UNDER_WAY = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED",
             "ROLLBACK_IN_PROGRESS")  # fmt: skip # statuses
POLL_SECONDS = 5.0
POLL_EMULATED_SECONDS = 0.2
MOST_TASKS = 100
"""DescribeTasks takes so many at once."""
MOST_DEPLOYMENTS = 20
"""DescribeServiceDeployments takes so many at once."""


@dataclass(frozen=True)
class Revision:
    """A service revision: what ECS says it would run, and what of it runs."""

    arn: str
    requested: int
    running: int
    pending: int
    production_percent: float | None
    """None where the strategy has no traffic weights."""
    test_percent: float | None

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> "Revision":
        """From the API's shape."""
        return cls(
            found["arn"],
            found.get("requestedTaskCount", 0),
            found.get("runningTaskCount", 0),
            found.get("pendingTaskCount", 0),
            found.get("requestedProductionTrafficWeight"),
            found.get("requestedTestTrafficWeight"),
        )


@dataclass(frozen=True)
class Deployment:
    """A service deployment."""

    arn: str
    status: str
    reason: str
    stage: str | None
    created: datetime
    finished: datetime | None
    target: Revision
    sources: tuple[Revision, ...]
    triggered_alarms: tuple[str, ...]
    paused_hook: str | None
    """Id of the PAUSE hook that waits for an answer."""

    @property
    def under_way(self) -> bool:
        """Whether ECS still works on it."""
        return self.status in UNDER_WAY

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> "Deployment":
        """From the API's shape."""
        hooks = found.get("lifecycleHookDetails", [])
        waiting = [hook["hookId"] for hook in hooks if hook.get("status") == "AWAITING_ACTION"]
        return cls(
            arn=found["serviceDeploymentArn"],
            status=found["status"],
            reason=found.get("statusReason", ""),
            stage=found.get("lifecycleStage"),
            created=found["createdAt"],
            finished=found.get("finishedAt"),
            target=Revision.read(found["targetServiceRevision"]),
            sources=tuple(map(Revision.read, found.get("sourceServiceRevisions", []))),
            triggered_alarms=tuple(found.get("alarms", {}).get("triggeredAlarmNames", [])),
            paused_hook=waiting[0] if waiting else None,
        )


class Service:
    """A stack's service in ECS."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.names = {
            "cluster": stack.outputs.service.cluster,
            "service": stack.outputs.service.name,
        }
        self.ecs = client(stack, "ecs")
        self.poll_seconds = POLL_SECONDS if stack.endpoint is None else POLL_EMULATED_SECONDS
        """Between two looks at a deployment."""
        self._definitions: dict[str, str] = {}

    def describe(self) -> Mapping[str, Any]:
        """DescribeServices' answer; raises ArcaError where there is no such service."""
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

    def deployments(self, *, most: int = MOST_DEPLOYMENTS) -> list[Deployment]:
        """The latest deployments, newest first."""
        with explained(self.stack, "The deployments cannot be read"):
            briefs = self.ecs.list_service_deployments(**self.names, maxResults=most)[
                "serviceDeployments"
            ]
            arns = [brief["serviceDeploymentArn"] for brief in briefs]
            found = self._describe(arns)
        return sorted(found, key=lambda one: one.created, reverse=True)

    def under_way(self) -> Deployment | None:
        """The deployment that is not at its end, if there is one."""
        latest = self.deployments(most=1)
        return latest[0] if latest and latest[0].under_way else None

    def deployment(self, arn: str) -> Deployment:
        """One deployment, by its id."""
        with explained(self.stack, "The deployment cannot be read"):
            found = self._describe([arn])
        if not found:
            raise ArcaError(
                "The deployment is gone.",
                where=f"{self.stack.where}, {arn}",
                wanted="a service deployment that ECS knows",
                do=f"look at what runs: `arca status --stack {self.stack.name}`",
            )
        return found[0]

    def _describe(self, arns: list[str]) -> list[Deployment]:
        if not arns:
            return []
        answer = self.ecs.describe_service_deployments(serviceDeploymentArns=arns)
        return [Deployment.read(one) for one in answer["serviceDeployments"]]

    def task_definition(self, revision_arn: str) -> str:
        """The task definition of a service revision; it never changes."""
        if revision_arn not in self._definitions:
            with explained(self.stack, "The service revision cannot be read"):
                found = self.ecs.describe_service_revisions(serviceRevisionArns=[revision_arn])
            self._definitions |= {
                one["serviceRevisionArn"]: one["taskDefinition"]
                for one in found["serviceRevisions"]
            }
        if revision_arn not in self._definitions:
            raise ArcaError(
                "A service revision is gone.",
                where=f"{self.stack.where}, {revision_arn}",
                wanted="a revision that ECS knows",
                do=f"look at what runs: `arca status --stack {self.stack.name}`",
            )
        return self._definitions[revision_arn]

    def tasks(self, *, stopped: bool = False) -> list[Mapping[str, Any]]:
        """The service's tasks; those that stopped are known for about an hour."""
        wanted = "STOPPED" if stopped else "RUNNING"
        with explained(self.stack, "The tasks cannot be read"):
            arns = self.ecs.list_tasks(
                cluster=self.names["cluster"],
                serviceName=self.names["service"],
                desiredStatus=wanted,
            )["taskArns"][:MOST_TASKS]
            if not arns:
                return []
            return self.ecs.describe_tasks(cluster=self.names["cluster"], tasks=arns)["tasks"]

    def definition(self, name: str) -> Mapping[str, Any]:
        """A task definition, by ARN or by family (then its latest revision)."""
        with explained(self.stack, f"The task definition {name} cannot be read"):
            return self.ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]


def image_of(definition: Mapping[str, Any]) -> str:
    """The image of the container that serves: the first one."""
    return definition["containerDefinitions"][0]["image"]


def short(arn: str) -> str:
    """`family:revision`, or the last part of any ARN."""
    return arn.rpartition("/")[2]
