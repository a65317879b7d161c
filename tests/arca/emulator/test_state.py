"""Tests of the state directory: each failure of the file system is one clear error."""

import errno
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from arca.emulator import up
from arca.emulator.state import CloudRecord, State
from arca.errors import ArcaError

RECORD = CloudRecord(pid=1, born=1, port=1, endpoint="http://127.0.0.1:1")


def refuse(number: int) -> Callable[..., Any]:
    """Return a function that fails as the operating system does."""

    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


def test_a_directory_that_cannot_be_made() -> None:
    """The error names the state directory."""
    with pytest.raises(ArcaError, match="state directory cannot be made"):
        up.down(state=State(Path("/proc/nowhere")))


def test_a_directory_that_is_a_file(tmp_path: Path) -> None:
    """ARCA_STATE_DIR names a file."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ArcaError, match=f"cannot be made: {re.escape(os.strerror(errno.EEXIST))}"):
        up.down(state=State(tmp_path / "file"))
    with pytest.raises(ArcaError, match="cannot be read"):
        up.status(state=State(tmp_path / "file"))


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_directory_that_cannot_be_written(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read-only directory and a full disk are named, and the record stays as it was."""
    state = State(tmp_path)
    state.write(RECORD)
    monkeypatch.setattr(tempfile, "mkstemp", refuse(number))
    with pytest.raises(ArcaError) as error:
        state.write(RECORD.model_copy(update={"port": 2}))
    assert error.value.what == f"The state directory cannot be used: {os.strerror(number)}."
    assert error.value.where == str(tmp_path / "cloud.json")
    assert "ARCA_STATE_DIR" in error.value.do
    assert state.read() == RECORD


def test_a_disk_that_fills_up_leaves_no_half_of_a_file(tmp_path: Path) -> None:
    """The old record stays and no temporary file is left: /dev/full refuses each byte."""
    state = State(tmp_path)
    state.write(RECORD)

    def full(**options: Any) -> tuple[int, str]:
        path = Path(options["dir"]) / f"{options['prefix']}temporary"
        path.touch()
        return os.open("/dev/full", os.O_WRONLY), str(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "mkstemp", full)
        with pytest.raises(ArcaError, match=re.escape(os.strerror(errno.ENOSPC))):
            state.save_exports("dev", {})
        with pytest.raises(ArcaError, match=re.escape(os.strerror(errno.ENOSPC))):
            state.write(RECORD.model_copy(update={"port": 2}))
    assert state.read() == RECORD
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["cloud.json"]
    assert list((tmp_path / "exports").iterdir()) == []


@pytest.mark.parametrize("name", ["lock", "cloud.json"])
def test_a_file_that_is_a_directory(name: str, tmp_path: Path) -> None:
    """`up` says which path it is instead of a traceback."""
    (tmp_path / name).mkdir()
    with pytest.raises(ArcaError) as error:
        up.up("dev", port=1024, state=State(tmp_path), watch=lambda _progress: None)
    assert error.value.where.startswith(str(tmp_path / name))
    with pytest.raises(ArcaError, match=f"cannot be used: {re.escape(os.strerror(errno.EISDIR))}"):
        up.down(state=State(tmp_path))


def test_exports_that_nobody_can_read(tmp_path: Path) -> None:
    """The error names the file and the command that writes it anew."""
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "dev.json").write_text("{half", encoding="utf-8")
    with pytest.raises(ArcaError, match="exports of dev cannot be read") as error:
        State(tmp_path).exports("dev")
    assert error.value.do == "run `make up STACK=dev` again"


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """The record, the exports and the list of servers have the mode 0600 whatever the umask is."""
    before = os.umask(0)
    try:
        state = State(tmp_path)
        state.write(RECORD)
        state.save_exports("dev", {})
        state.add_server(RECORD)
    finally:
        os.umask(before)
    paths = [tmp_path / "cloud.json", tmp_path / "servers.json", tmp_path / "exports" / "dev.json"]
    assert [oct(path.stat().st_mode & 0o777) for path in paths] == ["0o600"] * 3


def test_a_server_leaves_the_list(tmp_path: Path) -> None:
    """Only the server with the same number and start leaves the list."""
    state = State(tmp_path)
    later = RECORD.model_copy(update={"born": 2})
    state.add_server(RECORD)
    state.add_server(later)
    state.remove_server(RECORD)
    assert [(one.pid, one.born) for one in state.servers()] == [(1, 2)]


@pytest.mark.parametrize("text", ["[1]", "1", "{half", "\x00"])
def test_exports_that_are_no_object(text: str, tmp_path: Path) -> None:
    """Somebody changed the file of a stack's exports."""
    state = State(tmp_path)
    state.save_exports("prod", {})
    (tmp_path / "exports" / "prod.json").write_text(text, encoding="utf-8")
    with pytest.raises(ArcaError, match="The exports of prod cannot be read"):
        state.exports("prod")


def test_a_port_out_of_range(tmp_path: Path) -> None:
    """A record whose endpoint cannot be called is one that cannot be read, to every command."""
    text = RECORD.model_dump_json().replace("127.0.0.1:1", "127.0.0.1:99999")
    (tmp_path / "cloud.json").write_text(text, encoding="utf-8")
    with pytest.raises(ArcaError, match="record of the emulated cloud cannot be read"):
        State(tmp_path).read()
