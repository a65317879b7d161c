"""A new revision of a task: the family's latest, with another image (ADR 0007)."""

from collections.abc import Mapping
from typing import Any

from arca.clients import explained
from arca.release.service import Service, image_of

GIVEN_BY_ECS = frozenset(
    {
        *("taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities"),
        *("registeredAt", "registeredBy", "deregisteredAt", "deleteRequestedAt"),
    }
)
"""What DescribeTaskDefinition adds and RegisterTaskDefinition does not take."""


def with_image(latest: Mapping[str, Any], image: str) -> dict[str, Any]:
    """RegisterTaskDefinition's input: the container that serves gets the image, no other."""
    first, *beside = latest["containerDefinitions"]
    kept = {key: value for key, value in latest.items() if key not in GIVEN_BY_ECS}
    return {**kept, "containerDefinitions": [{**first, "image": image}, *beside]}


def register(service: Service, family: str, image: str) -> str:
    """Give the ARN of a revision that runs the image; the latest itself where it does."""
    latest = service.definition(family)
    if image_of(latest) == image:
        return latest["taskDefinitionArn"]
    wanted = with_image(latest, image)
    with explained(service.stack, "The new revision cannot be registered"):
        # ECS keeps tags apart from the definition; propagated ones come from the service.
        made = service.ecs.register_task_definition(**wanted)
    return made["taskDefinition"]["taskDefinitionArn"]
