"""Fixtures of the emulator's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from arca.emulator import up
from arca.emulator.state import State


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """A state directory of its own, whose server is ended after the test."""
    own = State(tmp_path / "state")
    yield own
    up.down(state=own)
