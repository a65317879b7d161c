"""What was deployed when, and how it ended. ECS keeps deployments for 90 days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from arca.errors import ArcaError, Refused
from arca.release.image import image_of, is_active, own_fields
from arca.release.service import (
    ALL_DEPLOYMENTS,
    MOST_DEPLOYMENTS,
    EcsDeployment,
    EcsService,
    short,
)
from arca.release.verdict import read_serving


@dataclass(frozen=True)
class PastDeployment:
    """A past deployment, and what it deployed."""

    deployment: EcsDeployment
    definition: Mapping[str, Any]
    """The task definition, as DescribeTaskDefinition has it."""
    replaced: datetime | None
    """When the next successful deployment began; None where there was none."""
    followed: datetime | None = None
    """When the next deployment began, however that one ended; None where there was none."""

    @property
    def task_definition(self) -> str:
        """The ARN of the task definition."""
        return self.definition["taskDefinitionArn"]

    @property
    def image(self) -> str:
        """The image of the container that serves."""
        return image_of(self.definition)

    @property
    def active(self) -> bool:
        """False where the task definition was deregistered since."""
        return is_active(self.definition)

    def same_as(self, other: "PastDeployment") -> bool:
        """Tell whether both deployed the same; a copy of a deregistered revision is the same."""
        return own_fields(self.definition) == own_fields(other.definition)

    @property
    def tag(self) -> str:
        """The image without the registry."""
        return self.image.rpartition("/")[2]

    @property
    def names(self) -> frozenset[str]:
        """Everything by which an operator may call the release."""
        tag = self.image.rpartition(":")[2]
        revision = self.task_definition
        return frozenset({revision, short(revision), self.image, self.tag, tag})

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
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


def read_history(service: EcsService, *, most: int) -> list[PastDeployment]:
    """Return the latest deployments, newest first."""
    found: list[PastDeployment] = []
    replaced: datetime | None = None
    followed: datetime | None = None
    for one in service.deployments(most=most):
        target = service.task_definition(one.target.arn)
        found.append(PastDeployment(one, service.definition(target), replaced, followed))
        followed = one.created
        if one.status == "SUCCESSFUL":
            replaced = one.created
    return found


def previous_release(service: EcsService) -> PastDeployment:
    """Return the release that was live before the latest deployment, for a rollback.

    Raises Refused where that release serves already, ArcaError where ECS knows no such release.
    """
    for most in (MOST_DEPLOYMENTS, ALL_DEPLOYMENTS):
        found = read_history(service, most=most)
        if not found:
            raise _nothing_to_roll_back_to(service, "ECS knows no deployment")
        latest, live = found[0], _live(found)
        if latest.deployment.status == "ROLLBACK_SUCCESSFUL":
            return _undone(service, latest, live)
        if latest.deployment.status != "SUCCESSFUL":
            return _source_of_failed(service, latest, live)
        others = [past for past in live if not past.same_as(latest)]
        if not others:
            # Perhaps one release was deployed again and again: look further back.
            continue
        earlier = live[live.index(others[0]) :]
        if any(past.same_as(latest) for past in earlier):
            raise _serves_already(service, latest, "was a rollback")
        return others[0]
    raise _nothing_to_roll_back_to(service, "ECS knows no other release that was live")


def named_release(service: EcsService, name: str) -> PastDeployment:
    """Return the last release that was live as this revision, image or tag.

    Raises ArcaError where none was, Refused where that release serves all customers already.
    """
    live: list[PastDeployment] = []
    for most in (MOST_DEPLOYMENTS, ALL_DEPLOYMENTS):
        live = _live(read_history(service, most=most))
        for past in live:
            if name in past.names:
                _refuse_serving(service, past)
                return past
    known = dict.fromkeys(f"{short(one.task_definition)} ({one.tag})" for one in live)
    raise ArcaError(
        f"{name!r} is not a release that was live.",
        where=service.stack.where,
        wanted=f"one of {', '.join(known) or 'none'}",
        do=f"choose from `arca history --stack {service.stack.name}`",
    )


def live_since(service: EcsService, task_definition: str) -> datetime | None:
    """Return when a task definition last became live; None where ECS does not know."""
    for past in _live(read_history(service, most=MOST_DEPLOYMENTS)):
        if past.task_definition == task_definition:
            return past.deployment.finished
    return None


def last_live(service: EcsService, task_definition: str) -> datetime | None:
    """Return the last moment at which a release was alone; None where ECS does not know.

    That is when the next successful deployment began, or the latest one where none succeeded.
    """
    for most in (MOST_DEPLOYMENTS, ALL_DEPLOYMENTS):
        found = read_history(service, most=most)
        for past in _live(found):
            if past.task_definition == task_definition:
                return past.replaced or found[0].deployment.created
    return None


def source_of(service: EcsService, deployment: EcsDeployment) -> str:
    """Return the task definition that a deployment replaces; raises ArcaError for the first."""
    if not deployment.sources:
        raise _nothing_to_roll_back_to(service, "it is the service's first deployment")
    return service.task_definition(deployment.sources[0].arn)


def _live(found: Sequence[PastDeployment]) -> list[PastDeployment]:
    return [past for past in found if past.deployment.status == "SUCCESSFUL"]


def _undone(
    service: EcsService, latest: PastDeployment, live: Sequence[PastDeployment]
) -> PastDeployment:
    """Return the release that a rollback was to bring back when ECS undid the rollback.

    Raises Refused where ECS undid the deployment of a new release: the previous one serves.
    """
    for past in live:
        if past.same_as(latest):
            return past
    raise _serves_already(service, latest, "was rolled back by ECS")


def _source_of_failed(
    service: EcsService, failed: PastDeployment, live: Sequence[PastDeployment]
) -> PastDeployment:
    """Return what served before a deployment that neither succeeded nor was rolled back."""
    source = source_of(service, failed.deployment)
    for past in live:
        if past.task_definition == source:
            return past
    return replace(
        failed, definition=service.definition(source), replaced=failed.deployment.created
    )


def _refuse_serving(service: EcsService, past: PastDeployment) -> None:
    """Raise Refused where nothing but this release serves, and customers reach it."""
    serving = read_serving(service)
    serves = serving.alone
    if serves is None or not (serving.only(serves) and serving.reaches(1)):
        return
    if own_fields(service.definition(serves)) == own_fields(past.definition):
        raise Refused(
            f"{short(serves)} serves already.",
            where=f"{service.stack.where}, {past.tag}",
            wanted="a release to go back to; nothing was done",
            do=f"name another one of `arca history --stack {service.stack.name}`",
        )


def _nothing_to_roll_back_to(service: EcsService, why: str) -> ArcaError:
    return ArcaError(
        f"There is nothing to roll back to: {why}.",
        where=service.stack.where,
        wanted="an earlier successful deployment of the last 90 days",
        do=f"deploy an image that worked: `arca deploy IMAGE --stack {service.stack.name}`",
    )


def _serves_already(service: EcsService, latest: PastDeployment, why: str) -> Refused:
    return Refused(
        f"The previous release serves already: the latest deployment {why}.",
        where=f"{service.stack.where}, {short(latest.deployment.arn)} of {latest.tag}",
        wanted="a release to go back to; nothing was done",
        do=f"name one of `arca history --stack {service.stack.name}` with --to REVISION",
    )
