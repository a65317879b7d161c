"""Whether all that a task needs is there: an OK / FAILED / SKIPPED tree."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

from arca.check import Check
from arca.clients import client, explained
from arca.release.service import Service, image_of, short

Job = Callable[[], list[Check]]


def tree(service: Service, *, images: bool = True) -> list[Check]:
    """Every reference of both task definitions and of the service's load balancing.

    A release that brings an image of its own does not ask for the images of the definitions.
    """
    outputs = service.stack.outputs.service
    families = (outputs.task_family, outputs.migration_family)
    with ThreadPoolExecutor(4) as pool:
        definitions = list(pool.map(service.definition, families))
        jobs: list[Job] = [lambda: _target_groups(service)]
        for definition in definitions:
            jobs += _jobs(service, definition)
        named = dict.fromkeys(map(image_of, definitions)) if images else ()
        jobs += [lambda image=image: [_image(service, image)] for image in named]
        found = list(chain.from_iterable(pool.map(_done, jobs)))
    return list(dict.fromkeys(found))


def _done(job: Job) -> list[Check]:
    return job()


def _jobs(service: Service, definition: Mapping[str, Any]) -> list[Job]:
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


def _role(service: Service, arn: str) -> Check:
    iam = client(service.stack, "iam")
    name = f"role {short(arn)}"
    with explained(service.stack, f"The {name} cannot be read"):
        try:
            iam.get_role(RoleName=short(arn))
        except iam.exceptions.NoSuchEntityException:
            return Check(name, "FAILED", f"{arn} does not exist; bring the stack up")
    return Check(name, "OK", arn)


def _secret(service: Service, value_from: str) -> Check:
    """`valueFrom` is a parameter's ARN, or a secret's with `:key::` behind it."""
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
        return _without_value(service, name, arn)
    return Check(name, "OK", arn)


def _without_value(service: Service, name: str, arn: str) -> Check:
    emulated = service.stack.endpoint is not None
    if emulated and any(one in arn for one in service.stack.outputs.secrets_without_value):
        return Check(name, "SKIPPED", "has no value; the emulated tasks ask for none")
    return Check(name, "FAILED", "has no value; put one in (docs/service-contract.md)")


def _parameter(service: Service, value_from: str) -> Check:
    name = value_from.partition(":parameter")[2] or value_from
    ssm = client(service.stack, "ssm")
    with explained(service.stack, f"The parameter {name} cannot be read"):
        missing = ssm.get_parameters(Names=[name])["InvalidParameters"]
    if missing:
        return Check(f"parameter {name}", "FAILED", "does not exist; bring the stack up")
    return Check(f"parameter {name}", "OK", value_from)


def _log_group(service: Service, group: str) -> Check:
    logs = client(service.stack, "logs")
    with explained(service.stack, f"The log group {group} cannot be read"):
        found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    exists = any(one["logGroupName"] == group for one in found)
    detail = "exists" if exists else "does not exist; bring the stack up"
    return Check(f"log group {group}", "OK" if exists else "FAILED", detail)


def _image(service: Service, image: str) -> Check:
    registry = service.stack.outputs.registry
    name = image.removeprefix(registry.repository_url)
    if name == image or not name.startswith((":", "@")):
        return Check(f"image {image}", "SKIPPED", "not of the stack's registry")
    wanted = {"imageDigest": name[1:]} if name.startswith("@") else {"imageTag": name[1:]}
    ecr = client(service.stack, "ecr")
    with explained(service.stack, f"The image {image} cannot be read"):
        try:
            ecr.describe_images(repositoryName=registry.repository_name, imageIds=[wanted])
        except ecr.exceptions.ImageNotFoundException:
            return Check(f"image {image}", "FAILED", "is not in the registry; push it")
    return Check(f"image {image}", "OK", "is in the registry")


def _target_groups(service: Service) -> list[Check]:
    outputs = service.stack.outputs.service
    elb = client(service.stack, "elbv2")
    return list(_each_target_group(service, elb, outputs.blue_target_group_arn)) + list(
        _each_target_group(service, elb, outputs.green_target_group_arn)
    )


def _each_target_group(service: Service, elb: Any, arn: str) -> Iterator[Check]:
    name = f"target group {arn.split('/')[-2]}"
    with explained(service.stack, f"The {name} cannot be read"):
        try:
            elb.describe_target_groups(TargetGroupArns=[arn])
        except elb.exceptions.TargetGroupNotFoundException:
            yield Check(name, "FAILED", f"{arn} does not exist; bring the stack up")
            return
    yield Check(name, "OK", arn)
