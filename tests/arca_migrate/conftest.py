"""A PostgreSQL for the session, and an empty database for each test."""

from collections.abc import Iterator

import pytest
from arca_migrate.database import Database

from tests import postgres


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """One PostgreSQL server for all tests of a process."""
    with postgres.running() as found:
        yield found


@pytest.fixture
def environment(server: postgres.Server) -> dict[str, str]:
    """The variables of an empty database."""
    return server.database()


@pytest.fixture
def database(environment: dict[str, str]) -> Database:
    """An empty database."""
    return Database.of(environment)
