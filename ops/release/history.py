"""What was deployed when, and how it ended; ECS keeps it for 90 days."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from errors import ArcaError
from ops.release.service import Deployment, Service, image_of, short


@dataclass(frozen=True)
class Past:
    """A deployment of before."""

    deployment: Deployment
    task_definition: str
    image: str
    replaced: datetime | None
    """When the next one began; None of what is still there."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        one = self.deployment
        return {
            "id": short(one.arn),
            "status": one.status,
            "reason": one.reason,
            "created": one.created.isoformat(),
            "finished": one.finished.isoformat() if one.finished else None,
            "task_definition": short(self.task_definition),
            "image": self.image,
        }


def read(service: Service, *, most: int) -> list[Past]:
    """The latest deployments, newest first."""
    found: list[Past] = []
    replaced: datetime | None = None
    for one in service.deployments(most=most):
        target = service.task_definition(one.target.arn)
        found.append(Past(one, target, image_of(service.definition(target)), replaced))
        if one.status == "SUCCESSFUL":
            replaced = one.created
    return found


def before(service: Service, current: str) -> Past:
    """The last release that was live and is not what runs; raises ArcaError where none is."""
    for past in read(service, most=20):
        if past.deployment.status == "SUCCESSFUL" and past.task_definition != current:
            return past
    raise ArcaError(
        "There is nothing to roll back to: ECS knows no other release that was live.",
        where=service.stack.where,
        wanted="an earlier successful deployment of the last 90 days",
        do=f"deploy an image that worked: `arca deploy IMAGE --stack {service.stack.name}`",
    )


def live_since(service: Service, task_definition: str) -> datetime | None:
    """When what runs became live; None where ECS does not say."""
    for past in read(service, most=20):
        if past.deployment.status == "SUCCESSFUL" and past.task_definition == task_definition:
            return past.deployment.finished
    return None
