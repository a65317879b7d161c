"""What the releases' tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from arca.release import run_lock
from tests.arca.release.stage import Arca, Stage


@pytest.fixture(autouse=True)
def run_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the files of runs that no test ends in a directory of the test's own."""
    monkeypatch.setattr(run_lock.tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A stack whose image 2 can be released."""
    made = Stage(monkeypatch)
    made.push("2")
    yield made
    made.cloud.end_stand_ins()


@pytest.fixture
def arca(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Arca:
    """A function that runs a command line against the stage's stack."""
    return stage.commands(monkeypatch)
