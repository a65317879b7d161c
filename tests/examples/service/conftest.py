"""One platform for the tests of a process, and one task that most of them share."""

from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from tests import postgres, redis
from tests.examples.service import collector as collectors
from tests.examples.service import platform as platforms
from tests.examples.service.collector import Collector
from tests.examples.service.platform import Account, Platform, Task


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave what needs the whole platform to the long tests: each worker would start one."""
    for item in items:
        if "platform" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    """PostgreSQL, Redis, S3 and the agency."""
    s3 = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    s3.start()
    host, port = s3.get_host_and_port()
    try:
        with (
            postgres.running() as server,
            redis.running() as cache,
            platforms.running(server, cache, f"http://{host}:{port}") as made,
        ):
            yield made
    finally:
        s3.stop()


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """A collector of traces."""
    with collectors.running() as made:
        yield made


@pytest.fixture(scope="session")
def shared_task(platform: Platform, collector: Collector) -> Iterator[Task]:
    """A task of the service, whose traces the collector has."""
    with platform.task(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as made:
        yield made


@pytest.fixture
def task(platform: Platform, shared_task: Task) -> Iterator[Task]:
    """The shared task, without planned faults afterwards."""
    yield shared_task
    platform.no_faults()


@pytest.fixture
def account(platform: Platform, task: Task) -> Account:
    """A new account with a token."""
    return platform.account(task)
