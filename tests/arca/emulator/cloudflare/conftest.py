"""Fixtures of the tests of the emulated Cloudflare."""

import pytest

from tests.arca.emulator.cloudflare.official_client import Emulated, emulated


@pytest.fixture
def pro() -> Emulated:
    """Return a double with an empty zone of the plan pro."""
    return emulated("pro")


@pytest.fixture
def free() -> Emulated:
    """Return a double with an empty zone of the plan free."""
    return emulated("free")
