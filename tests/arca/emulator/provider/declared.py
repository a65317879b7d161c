"""Graphs and made resources that the tests of the provider's tables share."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from arca.emulator.provider.cloud import Providers
from arca.emulator.provider.made import MadeResource
from tests.changes import ROUTES
from tests.graph import Graph
from tests.registrations import registration
from tests.stacks import STACKS, graph

INSTANCE = "urn:pulumi:dr::arca-api::aws:rds/instance:Instance::database"


def graphs() -> list[Graph]:
    """Return the graphs of all stacks, and one in which alarms take every route."""
    return [*(graph(stack) for stack in STACKS), graph("staging", ROUTES)]


def made(inputs: Mapping[str, Any], urn: str = INSTANCE, *flags: str) -> MadeResource:
    """Return a resource with these inputs as it was made; it may have `protect` and `retain`."""
    resource = Providers().wanted(registration(urn, inputs))
    return replace(
        resource, id="x", outputs=dict(inputs), protect="protect" in flags, retain="retain" in flags
    )
