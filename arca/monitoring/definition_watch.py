"""The watch over task definitions: fails where a release registered one that is not the stack's.

Whoever may release can register a definition of the service's family with a command of their own,
such as `env`, and read the secrets of its log; IAM limits neither images nor commands. So AWS
Lambda runs this file every five minutes, with the `declared.json` that the stack writes beside the
package. It compares what the release role registered since Pulumi's last revision with what the
stack declares. A difference ends the function with an error, and so does a call that AWS refuses:
the alarm on the function's errors covers both.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import boto3

COMPARED = ("command", "entryPoint", "environment", "environmentFiles", "user", "privileged")
"""What decides which code a container runs, besides its image (Amazon ECS API Reference,
ContainerDefinition)."""
ROLES = ("executionRoleArn", "taskRoleArn")
NEWEST = 20
"""Revisions of a family that one run looks at; a release registers one."""


class UnknownDefinition(Exception):
    """A definition that is not the stack's; the text names what differs."""


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Look once; the entry point that Lambda calls."""
    del event, context
    declared = json.loads((Path(__file__).parents[2] / "declared.json").read_text("utf-8"))
    make = cast("Callable[..., Any]", boto3.client)
    found = list(findings(make("ecs"), declared))
    if found:
        raise UnknownDefinition("; ".join(found))
    return {"unknown": found}


def findings(ecs: Any, declared: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each difference of a definition that a release registered.

    `declared` has `releaser`, a part of the release role's ARN, `images`, the stack's images and
    repositories, and by family in `families` its containers and roles.
    """
    for family, wanted in declared["families"].items():
        # `familyPrefix` is a whole family's name (Amazon ECS API Reference, ListTaskDefinitions).
        listed = ecs.list_task_definitions(
            familyPrefix=family, status="ACTIVE", sort="DESC", maxResults=NEWEST
        )["taskDefinitionArns"]
        for arn in listed:
            content = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
            if declared["releaser"] not in content.get("registeredBy", ""):
                # Pulumi's: an older one was registered for older settings.
                break
            for line in differences(content, wanted, declared["images"]):
                yield f"{arn.rpartition('/')[2]}, by {content['registeredBy']}: {line}"


def differences(
    content: Mapping[str, Any], wanted: Mapping[str, Any], images: list[str]
) -> Iterator[str]:
    """Yield what a definition has that the stack does not declare; image versions may differ."""
    for role in ROLES:
        if content.get(role) != wanted[role]:
            yield f"{role} is {content.get(role)}"
    known = {one["name"]: one for one in wanted["containers"]}
    for one in content["containerDefinitions"]:
        name, declared = one["name"], known.get(one["name"])
        if declared is None:
            yield f"container {name} is unknown"
            continue
        if not any(_runs(one["image"], image) for image in images):
            yield f"{name} runs {one['image']}"
        for key in COMPARED:
            if (one.get(key) or None) != (declared.get(key) or None):
                yield f"{name} has {key} {json.dumps(one.get(key))}"
        if _secrets(one) - _secrets(declared):
            yield f"{name} reads {sorted(_secrets(one) - _secrets(declared))}"


def _runs(found: str, image: str) -> bool:
    return found == image or found.startswith((f"{image}@sha256:", f"{image}:"))


def _secrets(container: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(one["name"], one["valueFrom"]) for one in container.get("secrets") or ()}
