"""A failover that goes well, and one whose world is not as it should be."""

from pathlib import Path

import pytest

from tests.arca.recovery.stage import Stage, ended_well


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    """A primary with its standby."""
    return Stage(monkeypatch, tmp_path)


def test_the_standby_takes_over(stage: Stage) -> None:
    """Each phase is done once, in its order, and recorded."""
    import time
    t=time.time()
    result = stage.arca("--yes")
    print(result.output, result.exception, time.time()-t)
    import traceback
    if result.exc_info: traceback.print_exception(*result.exc_info)
    assert result.exit_code == 0
    ended_well(stage)
    assert 0
