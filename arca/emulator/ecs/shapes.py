"""Requests as they come: what is absent or null reads as nothing."""

import json
from collections.abc import Mapping
from typing import Any, cast

from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from arca.emulator.ecs.refusals import ApiError, invalid

DEPLOYED = (
    "networkConfiguration",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
)
"""Inputs of UpdateService that begin a deployment where they change something (Amazon ECS API
Reference, "UpdateService": "This parameter triggers a new service deployment")."""
LAUNCHED = (
    "capacityProviderStrategy",
    "propagateTags",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
)
"""Inputs that begin none; tasks that start later heed them."""
STORED = (
    "deploymentConfiguration",
    "availabilityZoneRebalancing",
    "placementConstraints",
    "placementStrategy",
)
"""Inputs that the next deployment reads."""


def part(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A structure's member that is a structure itself."""
    return content.get(name) or {}


def parts(content: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A structure's member that is a list of structures."""
    return content.get(name) or []


def read(model: ServiceModel, operation: str, body: bytes) -> dict[str, Any]:
    """The parameters of a call without those that are null; raises ApiError.

    They are held against the service model, for not every client does so before it sends them.
    """
    try:
        content = _without_nulls(json.loads(body or b"{}"))
    except ValueError:
        raise ApiError("SerializationException", "The body is no JSON.") from None
    shape: Any = model.operation_model(operation).input_shape
    found = ParamValidator().validate(content, shape)
    # Newer clients send members that this model does not know yet.
    wrong = [
        line
        for line in found.generate_report().splitlines()
        if not line.startswith("Unknown parameter")
    ]
    if wrong:
        raise invalid(" ".join(wrong))
    return content


def _without_nulls(content: Any) -> Any:
    if isinstance(content, dict):
        members = cast("dict[str, Any]", content)
        return {name: _without_nulls(one) for name, one in members.items() if one is not None}
    if isinstance(content, list):
        return [_without_nulls(one) for one in cast("list[Any]", content)]
    return content
