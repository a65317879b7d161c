"""Fixtures of the tests of the emulated ECS."""

from collections.abc import Iterator

import pytest

from tests.arca.emulator.ecs.emulated_ecs import Emulated, fresh


@pytest.fixture
def cloud() -> Iterator[Emulated]:
    """Return an empty emulated AWS; its stand-ins and faults end with the test."""
    made = fresh()
    yield made
    made.control("DELETE", "/arca/faults")
    made.end_stand_ins()
