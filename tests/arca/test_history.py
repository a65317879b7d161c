"""Histories as files: what is written is read, and what is damaged is one clear error."""

import json
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arca import history
from arca.errors import ArcaError
from arca.history import Operation, Writer, byte_position, read
from tests.arca.recovery.histories import FATES, acknowledged, asked, invoice, planted


@given(st.lists(st.sampled_from(FATES), max_size=8), st.integers(0, 2**32))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, fates: list[str], seed: int
) -> None:
    """Every field of every line."""
    operations = tuple(planted(fates, seed).operations)
    path = tmp_path_factory.getbasetemp() / f"history-{seed}.jsonl"
    history.write(path, operations)
    assert read(path) == operations


def test_threads_share_a_writer(tmp_path: Path) -> None:
    """No line is torn, and each is in the file at once."""
    path = tmp_path / "history.jsonl"
    with path.open("a", encoding="utf-8") as file:
        writer = Writer(file)

        def work(name: int) -> None:
            for number in range(50):
                writer.write(asked(number, f"{name}-{number}", process=f"p{name}"))

        threads = [Thread(target=work, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(read(path)) == 200


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    """The writer was killed in the middle of it."""
    path = tmp_path / "history.jsonl"
    whole = asked(1, "k").line()
    path.write_text(whole + acknowledged(2, "k", invoice(1)).line()[:30])
    assert [one.type for one in read(path)] == ["invoke"]


NOTHING: list[object] = []
ASKED = json.loads(asked(5, "k").line())
OK = json.loads(acknowledged(6, "k", invoice(1)).line())


@pytest.mark.parametrize(
    ("lines", "place", "told"),
    [
        (["{"], ":1", "Invalid JSON"),
        ([ASKED, {**OK, "type": "okay"}], ":2", "type"),
        ([{**ASKED, "time_ns": "5"}], ":1", "time_ns"),
        ([{**ASKED, "more": 1}], ":1", "more"),
        ([{**ASKED, "key": ""}], ":1", "an issue has a key"),
        ([ASKED, {**OK, "invoice": None}], ":2", "an issue's ok has an invoice"),
        ([{**ASKED, "found": NOTHING}], ":1", "a read's ok has what it found"),
        ([{**ASKED, "position": "0/1"}], ":1", "only an issue's ok has a position"),
        ([ASKED, {**OK, "position": "zero"}], ":2", "position"),
        ([OK], ":1", "completes what it did not invoke"),
        ([ASKED, {**OK, "key": "other"}], ":2", "completes what it did not invoke"),
        ([ASKED, OK, OK], ":3", "completes what it did not invoke"),
        ([ASKED, {**OK, "time_ns": 4}], ":2", "goes back in time"),
    ],
)
def test_a_damaged_history_is_one_clear_error(
    tmp_path: Path, lines: list[object], place: str, told: str
) -> None:
    """The message names the file and the line."""
    path = tmp_path / "history.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts))
    with pytest.raises(ArcaError) as error:
        read(path)
    assert error.value.where == f"{path}{place}"
    assert told in error.value.what


@pytest.mark.parametrize("content", [None, b"\xff\n"])
def test_a_file_that_cannot_be_read_is_one_clear_error(
    tmp_path: Path, content: bytes | None
) -> None:
    """It is missing, or no text."""
    path = tmp_path / "history.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArcaError, match="The history cannot be read"):
        read(path)


@pytest.mark.parametrize(
    ("position", "value"),
    [("0/0", 0), ("0/FF", 255), ("1/0", 1 << 32), ("16/B374D848", 97500059720)],
)
def test_log_positions_are_bytes(position: str, value: int) -> None:
    """The last is the example of PostgreSQL's page about the type."""
    assert byte_position(position) == value


def test_a_read_has_no_key() -> None:
    """The model refuses what no reader could judge."""
    with pytest.raises(ValueError, match="a read has none"):
        Operation(time_ns=1, process="p", operation="read", type="invoke", key="k")
