"""Whether all that a task refers to exists: roles, secrets, parameters, log groups, images."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

from arca.check import Check
from arca.clients import client, explained
from arca.release.image import image_of, registered_digest
from arca.release.service import EcsService, short

LookUp = Callable[[], list[Check]]


def check_references(service: EcsService, *, images: bool = True) -> list[Check]:
    """Look up every reference of both task definitions, and the service's target groups.

    A release brings an image of its own, so it leaves the images of the definitions out.
    """
    outputs = service.stack.outputs.service
    families = (outputs.task_family, outputs.migration_family)
    with ThreadPoolExecutor(4) as pool:
        definitions = list(pool.map(service.definition, families))
        look_ups: list[LookUp] = [lambda: list(_target_groups(service))]
        for definition in definitions:
            look_ups += _look_ups(service, definition)
        named = dict.fromkeys(map(image_of, definitions)) if images else ()
        look_ups += [lambda image=image: [_image(service, image)] for image in named]
        found = list(chain.from_iterable(pool.map(_call, look_ups)))
    return list(dict.fromkeys(found))


def _call(look_up: LookUp) -> list[Check]:
    return look_up()


def _look_ups(service: EcsService, definition: Mapping[str, Any]) -> list[LookUp]:
    containers: list[Any] = definition["containerDefinitions"]
    roles = {definition.get("executionRoleArn"), definition.get("taskRoleArn")} - {None}
    secrets = {s["valueFrom"] for one in containers for s in one.get("secrets", [])}
    groups = {
        one["logConfiguration"]["options"]["awslogs-group"]
        for one in containers
        if one.get("logConfiguration", {}).get("logDriver") == "awslogs"
    }
    return [
        *(lambda role=role: [_role(service, role)] for role in sorted(map(str, roles))),
        *(lambda value=value: [_secret(service, value)] for value in sorted(secrets)),
        *(lambda group=group: [_log_group(service, group)] for group in sorted(groups)),
    ]


def _role(service: EcsService, arn: str) -> Check:
    iam = client(service.stack, "iam")
    name = f"role {short(arn)}"
    with explained(service.stack, f"The {name} cannot be read"):
        try:
            iam.get_role(RoleName=short(arn))
        except iam.exceptions.NoSuchEntityException:
            return Check(name, "FAILED", f"{arn} does not exist; bring the stack up")
    return Check(name, "OK", arn)


def _secret(service: EcsService, value_from: str) -> Check:
    """Look up a `valueFrom`: a parameter's ARN, or a secret's with `:key::` behind it."""
    if ":ssm:" in value_from or value_from.startswith("/"):
        return _parameter(service, value_from)
    arn = ":".join(value_from.split(":")[:7])
    manager = client(service.stack, "secretsmanager")
    name = f"secret {short(arn)}"
    with explained(service.stack, f"The {name} cannot be read"):
        try:
            found = manager.describe_secret(SecretId=arn)
        except manager.exceptions.ResourceNotFoundException:
            return Check(name, "FAILED", f"{arn} does not exist; bring the stack up")
    stages = chain.from_iterable(found.get("VersionIdsToStages", {}).values())
    if "AWSCURRENT" not in stages:
        return Check(name, "FAILED", "has no value; put one in (docs/service-contract.md)")
    return Check(name, "OK", arn)


def _parameter(service: EcsService, value_from: str) -> Check:
    name = value_from.partition(":parameter")[2] or value_from
    ssm = client(service.stack, "ssm")
    with explained(service.stack, f"The parameter {name} cannot be read"):
        missing = ssm.get_parameters(Names=[name])["InvalidParameters"]
    if missing:
        return Check(f"parameter {name}", "FAILED", "does not exist; bring the stack up")
    return Check(f"parameter {name}", "OK", value_from)


def _log_group(service: EcsService, group: str) -> Check:
    logs = client(service.stack, "logs")
    with explained(service.stack, f"The log group {group} cannot be read"):
        found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    exists = any(one["logGroupName"] == group for one in found)
    detail = "exists" if exists else "does not exist; bring the stack up"
    return Check(f"log group {group}", "OK" if exists else "FAILED", detail)


def _image(service: EcsService, image: str) -> Check:
    url = service.stack.outputs.registry.repository_url
    if not image.startswith((f"{url}:", f"{url}@")):
        return Check(f"image {image}", "SKIPPED", "not of the stack's registry")
    if registered_digest(service.stack, image) is None:
        return Check(f"image {image}", "FAILED", "is not in the registry; push it")
    return Check(f"image {image}", "OK", "is in the registry")


def _target_groups(service: EcsService) -> Iterator[Check]:
    outputs = service.stack.outputs.service
    elb = client(service.stack, "elbv2")
    for arn in (outputs.blue_target_group_arn, outputs.green_target_group_arn):
        name = f"target group {arn.split('/')[-2]}"
        with explained(service.stack, f"The {name} cannot be read"):
            try:
                elb.describe_target_groups(TargetGroupArns=[arn])
            except elb.exceptions.TargetGroupNotFoundException:
                yield Check(name, "FAILED", f"{arn} does not exist; bring the stack up")
                continue
        yield Check(name, "OK", arn)
