"""ECS's API as a server sees it: requests read against botocore's model, and errors.

Sources: botocore's service model (ecs, 2014-11-13); Amazon ECS API Reference, "UpdateService" and
"Common Errors".
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from botocore.model import ServiceModel
from botocore.validate import ParamValidator

Json = dict[str, Any]
SIMULATED = "(simulated)"
"""The end of each reason and event that AWS would word in its own way."""
DEPLOYED = (
    "networkConfiguration",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
)
"""Inputs of UpdateService that begin a deployment when they change (Amazon ECS API Reference,
"UpdateService": "This parameter triggers a new service deployment")."""
LAUNCHED = (
    "capacityProviderStrategy",
    "propagateTags",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
)
"""Inputs of UpdateService that begin no deployment and apply to tasks that start later."""
STORED = (
    "deploymentConfiguration",
    "availabilityZoneRebalancing",
    "placementConstraints",
    "placementStrategy",
)
"""Inputs of UpdateService that the next deployment reads."""


class ApiError(Exception):
    """An error with one of ECS's own codes; it is answered with HTTP status 400."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def invalid(message: str) -> ApiError:
    """Make the error for a parameter that ECS does not accept."""
    return ApiError("InvalidParameterException", message)


def structure(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a member that is a structure; an absent or null one is empty."""
    return content.get(name) or {}


def structures(content: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return a member that is a list of structures; an absent or null one is empty."""
    return content.get(name) or []


def read_request(model: ServiceModel, operation: str, body: bytes) -> Json:
    """Read a call's parameters without those that are null; raises ApiError.

    The service model decides what is valid, because not every client checks before it sends.
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
        members = cast("Json", content)
        return {name: _without_nulls(one) for name, one in members.items() if one is not None}
    if isinstance(content, list):
        return [_without_nulls(one) for one in cast("list[Any]", content)]
    return content
