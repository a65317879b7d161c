"""Tests of the length of a simulated minute."""

import sys

import pytest

from arca.emulator import up
from arca.emulator.ecs import __main__ as server
from arca.emulator.state import State
from arca.errors import ArcaError
from tests.arca.emulator.local_cloud import free_port, quiet


@pytest.mark.parametrize("minute", ["0", "-1", "abc", "nan", "inf", "1e9", "0.001"])
def test_a_minute_that_makes_no_sense_is_refused(
    state: State,
    minute: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`up` refuses an invalid length before it starts anything, and so does the server."""
    monkeypatch.setenv("ARCA_LOCAL_MINUTE", minute)
    with pytest.raises(ArcaError, match=f"ARCA_LOCAL_MINUTE is '{minute}'") as error:
        up.up("dev", port=free_port(), state=state, watch=quiet)
    assert "from 0.01 to 3600" in str(error.value)
    assert not state.directory.exists()
    with pytest.raises(ArcaError, match="ARCA_LOCAL_MINUTE"):
        up.plan("dev", port=free_port(), state=state)
    monkeypatch.setattr(sys, "argv", ["controller", "--port", "1"])
    with pytest.raises(SystemExit) as ended:
        server.main()
    assert ended.value.code == 1
    assert f"ARCA_LOCAL_MINUTE is '{minute}'" in capsys.readouterr().err
