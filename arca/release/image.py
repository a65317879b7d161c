"""An image of a stack: its reference, what the registry says of it, the revision that runs it."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from arca.clients import client, explained
from arca.errors import ArcaError
from arca.release.service import EcsService, short
from arca.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_ecr.type_defs import ImageIdentifierTypeDef

_TAG, _DIGEST = r"(?P<tag>\w[\w.-]{0,127})", r"(?P<digest>sha256:[0-9a-f]{64})"
ALONE = re.compile(rf"{_TAG}|{_DIGEST}", re.ASCII)
BEHIND_REPOSITORY = re.compile(rf":{_TAG}|@{_DIGEST}", re.ASCII)
"""How an image is named alone, and behind its repository. Source: OCI Distribution Specification
1.1, "Pulling manifests": a reference is a tag or a digest."""
ADDED_BY_ECS = frozenset(
    {
        *("taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities"),
        *("registeredAt", "registeredBy", "deregisteredAt", "deleteRequestedAt"),
    }
)
"""Fields that DescribeTaskDefinition adds and RegisterTaskDefinition does not take."""


def image_reference(stack: Stack, image: str) -> "tuple[str, ImageIdentifierTypeDef]":
    """Return the whole reference and ECR's id of `1.2.3`, `sha256:...` or a whole reference.

    Raises ArcaError for an image of another repository, and for one without a tag or digest.
    """
    found = _parse(stack, image)
    url = stack.outputs.registry.repository_url
    if found is None:
        raise ArcaError(
            f"{image} is not an image of this stack.",
            where=stack.where,
            wanted=f"TAG, sha256:DIGEST, {url}:TAG or {url}@sha256:DIGEST",
            do="push the image there first, and name it by its tag",
        )
    if found["digest"]:
        return f"{url}@{found['digest']}", {"imageDigest": found["digest"]}
    return f"{url}:{found['tag']}", {"imageTag": found["tag"]}


def _parse(stack: Stack, image: str) -> re.Match[str] | None:
    url = stack.outputs.registry.repository_url
    if image.startswith(url):
        return BEHIND_REPOSITORY.fullmatch(image, len(url))
    return ALONE.fullmatch(image)


def registered_digest(stack: Stack, image: str) -> str | None:
    """Return the digest of an image; None where the registry does not have the image.

    Raises ArcaError where `image_reference` does.
    """
    reference, identity = image_reference(stack, image)
    ecr = client(stack, "ecr")
    with explained(stack, f"The image {reference} cannot be looked up"):
        try:
            found = ecr.describe_images(
                repositoryName=stack.outputs.registry.repository_name, imageIds=[identity]
            )["imageDetails"]
        except ecr.exceptions.ImageNotFoundException:
            return None
    return found[0]["imageDigest"] if found else None


def require_registered(stack: Stack, image: str) -> str:
    """Return the whole reference of an image; raises ArcaError where the registry lacks it."""
    reference, _ = image_reference(stack, image)
    if registered_digest(stack, image) is None:
        raise ArcaError(
            f"{reference} is not in the registry.",
            where=stack.where,
            wanted="an image that a deployment could run",
            do="push it first, or name one that is there",
        )
    return reference


def same_image(stack: Stack, one: str, other: str) -> bool:
    """Tell whether two references name the same image, by tag or by digest.

    Two different references that the registry does not know are never the same.
    """
    if one == other:
        return True
    if _parse(stack, one) is None or _parse(stack, other) is None:
        return False
    found = registered_digest(stack, one)
    return found is not None and found == registered_digest(stack, other)


def image_of(definition: Mapping[str, Any]) -> str:
    """Return the image of the container that serves, which is a task definition's first."""
    return definition["containerDefinitions"][0]["image"]


def own_fields(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task definition without the fields that ECS adds."""
    return {key: value for key, value in definition.items() if key not in ADDED_BY_ECS}


def with_image(latest: Mapping[str, Any], image: str) -> dict[str, Any]:
    """Return RegisterTaskDefinition's input in which the container that serves runs the image.

    The other containers keep their images.
    """
    first, *others = latest["containerDefinitions"]
    return {**own_fields(latest), "containerDefinitions": [{**first, "image": image}, *others]}


def register_again(service: EcsService, past: Mapping[str, Any], template: str) -> str:
    """Return the ARN of an ACTIVE revision with the contents of a deregistered one.

    A service cannot be updated to a deregistered revision, which is INACTIVE, but ECS describes it
    still. So its contents are registered again. Source: Amazon ECS Developer Guide, "Amazon ECS
    task definition states" and "Deregistering an Amazon ECS task definition revision".

    `template` is the revision that was the family's latest before the first such call. It becomes
    the latest again, because the next release takes the latest as its template (ADR 0007).
    """
    wanted, kept = own_fields(past), own_fields(service.definition(template))
    latest = service.definition(past["family"])
    if own_fields(latest) == wanted:
        copy = latest["taskDefinitionArn"]
    else:
        copy = _register(service, wanted)
    if kept != wanted:
        _register(service, kept, f"{short(template)}, the template of the next release,")
    return copy


def is_active(definition: Mapping[str, Any]) -> bool:
    """Tell whether a service can be updated to a task definition."""
    return definition["status"] == "ACTIVE"


def register_revision(service: EcsService, family: str, image: str) -> str:
    """Return the ARN of a revision of the family's latest task definition that runs the image.

    The latest itself is returned where it runs the image already (ADR 0007).
    """
    latest = service.definition(family)
    if image_of(latest) == image:
        return latest["taskDefinitionArn"]
    return _register(service, with_image(latest, image))


def _register(
    service: EcsService, content: Mapping[str, Any], what: str = "The new revision"
) -> str:
    with explained(service.stack, f"{what} cannot be registered"):
        # ECS keeps tags apart from the definition; propagated ones come from the service.
        made = service.ecs.register_task_definition(**cast("Any", content))
    return made["taskDefinition"]["taskDefinitionArn"]
