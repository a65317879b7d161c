"""The fixture of tests with the real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.double import Drift, doubles
from tests.engine.names import Cloud
from tests.engine.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Yield a project whose providers are doubles."""
    drift: Drift = {}
    cloud = Cloud()
    with doubles(drift, cloud) as providers:
        yield Project(tmp_path, providers, drift, cloud)
