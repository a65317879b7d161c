"""Cloudflare's own types and its plans, over what the stacks declare."""

import pytest

from arca.emulator.provider.resources import CLOUDFLARE_CALLS
from tests.judges import cloudflare_plans, cloudflare_types
from tests.stacks import STACKS, graph, settings_of


def test_every_type_of_cloudflare_has_its_parameters() -> None:
    """A type without them would be judged by nobody."""
    assert set(cloudflare_types.PARAMETERS) == set(CLOUDFLARE_CALLS)


@pytest.mark.parametrize("stack", STACKS)
def test_cloudflares_types_accept_the_stack(stack: str) -> None:
    """Each parameter exists, and has a value that Cloudflare's schema knows."""
    assert cloudflare_types.judge(graph(stack)) == []


@pytest.mark.parametrize("stack", STACKS)
def test_the_zones_plan_accepts_the_stack(stack: str) -> None:
    """A free zone refuses health checks, a second rate limit and long periods."""
    assert cloudflare_plans.judge(graph(stack), settings_of(stack).edge.plan) == []
