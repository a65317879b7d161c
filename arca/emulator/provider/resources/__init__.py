"""The table of all resource types that the program declares, one file for each group of services.

README.md in the folder above says how to add a type.
"""

from collections.abc import Mapping

from arca.emulator.provider.resources import (
    backup,
    cloudflare,
    ec2,
    ecs,
    edge,
    elasticache,
    experiments,
    functions,
    identity_and_keys,
    load_balancing,
    monitoring,
    rds,
    recorded,
    registry,
    s3,
)
from arca.emulator.provider.resources.definition import ApiCall, CloudflareCall, Resource
from arca.emulator.provider.resources.recorded import RECORDED

RESOURCES: Mapping[str, Resource] = {
    **ec2.RESOURCES,
    **load_balancing.RESOURCES,
    **ecs.RESOURCES,
    **registry.RESOURCES,
    **functions.RESOURCES,
    **rds.RESOURCES,
    **backup.RESOURCES,
    **experiments.RESOURCES,
    **elasticache.RESOURCES,
    **s3.RESOURCES,
    **identity_and_keys.RESOURCES,
    **edge.RESOURCES,
    **monitoring.RESOURCES,
    **cloudflare.RESOURCES,
    **recorded.RESOURCES,
}
"""How each resource type is created, by its type token."""
CALLS: Mapping[str, tuple[ApiCall, ...]] = {
    token: resource.calls for token, resource in RESOURCES.items() if resource.calls
}
"""The API calls of each resource type of AWS that has any."""
CLOUDFLARE_CALLS: Mapping[str, CloudflareCall] = {
    token: resource.cloudflare for token, resource in RESOURCES.items() if resource.cloudflare
}
"""The call of each resource type of Cloudflare."""

__all__ = ["CALLS", "CLOUDFLARE_CALLS", "RECORDED", "RESOURCES"]
