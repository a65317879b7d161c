"""A directory for real servers, which ends them with the test."""

from collections.abc import Iterator

import pytest

from arca.emulator import server_children
from arca.emulator.live import processes
from tests.arca.emulator.live.standing import Home


@pytest.fixture
def home() -> Iterator[Home]:
    """A directory as the living cloud makes it; all that was started with its mark is ended."""
    yield from _made()


@pytest.fixture(scope="module")
def shared_home() -> Iterator[Home]:
    """One for all tests of a module."""
    yield from _made()


def _made() -> Iterator[Home]:
    path = processes.home()
    yield Home(path, {processes.HOME_VARIABLE: str(path)})
    server_children.end_marked(processes.HOME_VARIABLE, str(path))
    processes.remove_home(path)
