"""What the releases' tests share."""

from collections.abc import Iterator

import pytest

from tests.arca.release.stage import Arca, Stage


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
