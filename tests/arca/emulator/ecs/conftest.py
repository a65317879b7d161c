"""What the controller's tests share."""

from collections.abc import Iterator

import pytest

from tests.arca.emulator.ecs.emulated_ecs import Emulated, fresh


@pytest.fixture
def cloud() -> Iterator[Emulated]:
    """An empty one."""
    made = fresh()
    yield made
    made.control("DELETE", "/arca/faults")
    made.end_stand_ins()
