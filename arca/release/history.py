"""What was deployed when, and how it ended; ECS keeps it for 90 days."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from arca.errors import ArcaError, Refused
from arca.release.service import MOST_DEPLOYMENTS, Deployment, Service, image_of, short


@dataclass(frozen=True)
class Past:
    """A deployment of before."""

    deployment: Deployment
    task_definition: str
    image: str
    replaced: datetime | None
    """When the next one began; None of what is still there."""

    @property
    def tag(self) -> str:
        """Its image without the registry."""
        return self.image.rpartition("/")[2]

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


def before(service: Service) -> Past:
    """What a rollback goes back to: the release that was live before the latest deployment.

    Raises Refused where that release serves already, and ArcaError where ECS knows of none.
    """
    found = read(service, most=MOST_DEPLOYMENTS)
    if not found:
        raise _unknown(service, "ECS knows no deployment")
    latest, live = found[0], _live(found)
    if latest.deployment.status == "ROLLBACK_SUCCESSFUL":
        raise _serves_already(service, latest, "was rolled back by ECS")
    if latest.deployment.status != "SUCCESSFUL":
        return _source(service, latest, live)
    others = [past for past in live if past.task_definition != latest.task_definition]
    if not others:
        raise _unknown(service, "ECS knows no other release that was live")
    earlier = live[live.index(others[0]) :]
    if latest.task_definition in {past.task_definition for past in earlier}:
        raise _serves_already(service, latest, "was a rollback")
    return others[0]


def named(service: Service, revision: str) -> Past:
    """A release that was live, by its revision as `arca history` shows it; raises ArcaError."""
    live = _live(read(service, most=MOST_DEPLOYMENTS))
    for past in live:
        if revision in (past.task_definition, short(past.task_definition)):
            return past
    known = dict.fromkeys(f"{short(one.task_definition)} ({one.tag})" for one in live)
    raise ArcaError(
        f"{revision!r} is no release that was live.",
        where=service.stack.where,
        wanted=f"one of {', '.join(known) or 'none'}",
        do=f"choose from `arca history --stack {service.stack.name}`",
    )


def live_since(service: Service, task_definition: str) -> datetime | None:
    """When what runs became live; None where ECS does not say."""
    for past in _live(read(service, most=MOST_DEPLOYMENTS)):
        if past.task_definition == task_definition:
            return past.deployment.finished
    return None


def source_of(service: Service, deployment: Deployment) -> str:
    """The task definition that a deployment replaces; raises ArcaError where it is the first."""
    if not deployment.sources:
        raise _unknown(service, "it is the service's first deployment")
    return service.task_definition(deployment.sources[0].arn)


def _live(found: Sequence[Past]) -> list[Past]:
    return [past for past in found if past.deployment.status == "SUCCESSFUL"]


def _source(service: Service, failed: Past, live: Sequence[Past]) -> Past:
    """What served before a deployment that neither ended well nor was rolled back."""
    source = source_of(service, failed.deployment)
    for past in live:
        if past.task_definition == source:
            return past
    image = image_of(service.definition(source))
    return replace(failed, task_definition=source, image=image, replaced=failed.deployment.created)


def _unknown(service: Service, why: str) -> ArcaError:
    return ArcaError(
        f"There is nothing to roll back to: {why}.",
        where=service.stack.where,
        wanted="an earlier successful deployment of the last 90 days",
        do=f"deploy an image that worked: `arca deploy IMAGE --stack {service.stack.name}`",
    )


def _serves_already(service: Service, latest: Past, why: str) -> Refused:
    return Refused(
        f"What was live before serves already: the latest deployment {why}.",
        where=f"{service.stack.where}, {short(latest.deployment.arn)} of {latest.tag}",
        wanted="a release to go back to; nothing was done",
        do=f"name one of `arca history --stack {service.stack.name}` with --to REVISION",
    )
