"""What the tests of a failover share."""

from pathlib import Path

import pytest

from tests.arca.recovery.stage import Stage


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    """A primary with its standby, in one emulated AWS."""
    return Stage(monkeypatch, tmp_path)
