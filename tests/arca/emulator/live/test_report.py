"""What the living cloud says of itself, and what is left of it."""

from pathlib import Path

import pytest

from arca.emulator.live import report
from arca.emulator.live.report import LiveReport
from arca.emulator.state import State
from arca.errors import ArcaError


def write(state: State, home: Path) -> None:
    """Write the report of a process that has ended."""
    state.directory.mkdir(exist_ok=True)
    made = LiveReport(pid=1, born=1, home=str(home))
    report.path(state).write_text(made.model_dump_json(), encoding="utf-8")
    (state.directory / report.FRONT_FILE).touch()


def test_without_one_there_is_none(state: State) -> None:
    """Nobody ever ran `arca local live`."""
    assert report.read(state) is None
    report.remove(state)


@pytest.mark.parametrize("content", ["", "{", "{}", '{"pid": 1}', "\udcff"])
def test_an_unreadable_one_names_the_way_out(state: State, content: str) -> None:
    """`make down` deletes it."""
    write(state, state.directory / "arca-live-x")
    report.path(state).write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ArcaError, match="report of the living cloud cannot be read") as refused:
        report.read(state)
    assert "run `make down`" in str(refused.value)
    report.remove(state)
    assert report.read(state) is None


def test_what_a_killed_one_left_is_deleted(state: State, tmp_path: Path) -> None:
    """Its directory too, if it is one of ours."""
    for name, left in (("arca-live-x", False), ("precious", True)):
        home = tmp_path / name
        home.mkdir()
        (home / "data").touch()
        write(state, home)
        report.remove(state)
        assert home.exists() is left
        assert not report.path(state).exists()
        assert not (state.directory / report.FRONT_FILE).exists()
