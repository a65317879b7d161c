"""The table of changes: how each resource type is updated, replaced and deleted.

The inputs that replace a resource are those of the provider's schema (ForceNew), and the calls are
those that it makes. README.md in the folder above says how a type gets its changes.
"""

from collections.abc import Mapping

from arca.emulator.provider.changes import (
    balancing,
    containers,
    data,
    edge,
    identity,
    monitoring,
    network,
    recovery,
    storage,
)
from arca.emulator.provider.changes.definition import Changes

CHANGES: Mapping[str, Changes] = {
    **network.CHANGES,
    **balancing.CHANGES,
    **containers.CHANGES,
    **data.CHANGES,
    **storage.CHANGES,
    **identity.CHANGES,
    **edge.CHANGES,
    **monitoring.CHANGES,
    **recovery.CHANGES,
}
"""How each resource type of AWS and Cloudflare changes, by its type token."""

__all__ = ["CHANGES", "Changes"]
