"""What a task needs before it starts: its images, and the values of its secrets.

Only the emulated account's own registry and secrets are looked up; any other image is taken as
there. The lookups read moto's own objects, because calls would take most of a deployment's time.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from moto.backends import get_backend
from moto.core.exceptions import JsonRESTError

from arca.emulator.ecs.api import structures

ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/"
    r"(?P<repository>[^:@]+)(?::(?P<tag>[^@]+)|@(?P<digest>sha256:[0-9a-f]{64}))$"
)


def image_missing(image: str) -> str:
    """Return why a task of an image that nobody pushed does not start.

    Source: Amazon ECS Developer Guide, "Stopped tasks error codes".
    """
    return f"CannotPullContainerError: pull image manifest: {image}: not found"


def missing(account: str, definition: Mapping[str, Any]) -> str | None:
    """Return why a task of the definition does not start; None where it has all it needs."""
    for container in structures(definition, "containerDefinitions"):
        for secret in structures(container, "secrets"):
            source = str(secret["valueFrom"])
            if ":secretsmanager:" in source and not _has_value(account, source):
                return (
                    "ResourceInitializationError: unable to pull secrets or registry auth: unable "
                    "to retrieve secret from asm: ResourceNotFoundException: Secrets Manager can't "
                    "find the specified secret value for staging label: AWSCURRENT"
                )
        image = str(container["image"])
        if not _is_there(account, image):
            return image_missing(image)
    return None


def _is_there(account: str, image: str) -> bool:
    found = ECR_IMAGE.match(image)
    if found is None or found["account"] != account:
        return True
    repository = backends("ecr")[account][found["region"]].repositories.get(found["repository"])
    images: list[Any] = repository.images if repository else []
    return any(
        found["tag"] in one.image_tags if found["tag"] else found["digest"] == one.image_digest
        for one in images
    )


def _has_value(account: str, source: str) -> bool:
    arn = ":".join(source.split(":")[:7])
    manager = backends("secretsmanager")[account][arn.split(":")[3]]
    try:
        manager.get_secret_value(secret_id=arn, version_id="", version_stage="AWSCURRENT")
    except JsonRESTError:
        return False
    return True


def backends(service: str) -> Any:
    """Return moto's own objects of a service, by account and region."""
    return cast("Callable[[str], Any]", get_backend)(service)
