"""What a failover may lose: the lag, its age, and the moment when the last writer ended."""

from datetime import timedelta

import pytest

from arca.errors import ExitCode, Refused
from tests.arca.recovery.stage import Stage, failed, last, mended


@pytest.mark.parametrize(
    ("lag", "accepted", "passes"),
    [
        # The metric is a minute or two old, which counts too.
        (170.0, None, True),
        (301.0, None, False),
        (None, None, False),
        (-1.0, None, False),
        (301.0, "500", True),
        (900.0, "301", False),
        (200.0, "100", False),
        (None, "600", True),
    ],
)
def test_the_lag_of_a_lost_region(
    stage: Stage, lag: float | None, accepted: str | None, *, passes: bool
) -> None:
    """Above what may be lost, or unknown, nothing is promoted until the loss is accepted."""
    stage.lag, stage.lost = lag, True
    words = ("--accept-data-loss", accepted) if accepted else ()
    result = stage.arca("--yes", "--until", "lag", *words)
    if passes:
        assert result.exit_code == ExitCode.DONE
        return
    assert isinstance(result.exception, Refused)
    assert result.exception.exit_code == ExitCode.REFUSED
    assert stage.follows
    assert last(stage) == ("lag", "FAILED")
    assert "--resume --accept-data-loss" in str(result.exception)
    mended(stage, "--accept-data-loss", "1500")


@pytest.mark.parametrize("lag", [2000.0, None])
def test_a_fenced_primary_loses_nothing(stage: Stage, lag: float | None) -> None:
    """It has sent everything, so a replica that lacks something is waited for, and refused."""
    stage.lag = lag
    began = stage.clock.now()
    error = failed(stage)
    assert isinstance(error, Refused)
    assert "prod is fenced and has sent everything" in error.do
    assert 480 <= (stage.clock.now() - began).total_seconds() < 700
    assert stage.follows
    stage.lag = 2
    mended(stage)
    seen = {one["name"]: one["seen"] for one in stage.record()["phases"]}
    assert "Nothing is lost" in seen["promote"]


def test_a_replica_of_a_fenced_primary_catches_up(stage: Stage) -> None:
    """A lag below the RPO is no reason to lose what the fenced primary has."""
    stage.lag = 250.0
    began = stage.clock.now()
    assert stage.arca("--yes", "--until", "lag").exit_code == ExitCode.DONE
    assert (stage.clock.now() - began).total_seconds() > 250


def test_the_moment_of_the_loss_bounds_it(stage: Stage) -> None:
    """Nothing that was committed later is lost, however long the failover took to begin."""
    stage.lost, stage.lag = True, 900.0
    assert isinstance(failed(stage), Refused)
    at = f"{stage.clock.now() - timedelta(seconds=920):%Y-%m-%dT%H:%M:%SZ}"
    mended(stage, "--failed-at", at)
    seen = {one["name"]: one["seen"] for one in stage.record()["phases"]}
    assert "At most" in seen["lag"]


def test_the_lag_is_judged_again_before_the_promotion(stage: Stage) -> None:
    """A phase that was done hours ago says nothing of now."""
    stage.lost = True
    assert stage.arca("--yes", "--until", "lag").exit_code == ExitCode.DONE
    stage.lag = 1800.0
    assert isinstance(failed(stage, "--resume"), Refused)
    assert stage.follows
    assert last(stage) == ("promote", "FAILED")
