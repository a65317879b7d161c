"""Tests of the ledger: a killed run leaves one operation begun at most, and no half line."""

from dataclasses import replace
from pathlib import Path

import pytest

from arca.emulator.provider.ledger import Ledger, Line, keep
from arca.emulator.provider.made import Operation
from arca.errors import ArcaError
from tests.arca.emulator.provider.declared import made

ONE, TWO = (made({"identifier": name}, f"urn:pulumi:dev::a::aws:x:X::{name}") for name in "ab")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a ledger with two resources."""
    file = tmp_path / "resources" / "dev.jsonl"
    keep([ONE, TWO], file)
    return file


def read(path: Path) -> Ledger:
    """Return the ledger in a file."""
    return Ledger.read(path, stack="dev")


def test_what_was_kept_is_read_again(path: Path) -> None:
    """The order and every field are the same, and only the owner can read the file."""
    assert list(read(path).made.values()) == [ONE, TWO]
    assert path.stat().st_mode & 0o077 == 0


def test_a_line_that_was_half_written_counts_as_not_written(path: Path) -> None:
    """A run that was killed while it wrote leaves the ledger as it was before that line."""
    changed = replace(ONE, id="new")
    read(path).add(Line(made=changed))
    whole = path.read_bytes()
    for length in (len(whole) - 1, len(whole) - 20):
        path.write_bytes(whole[:length])
        assert read(path).made[ONE.urn] == ONE
    ledger = read(path)
    ledger.rewrite()
    ledger.add(Line(made=changed))
    assert read(path).made[ONE.urn] == changed


def test_an_operation_is_pending_until_the_next_line(path: Path) -> None:
    """What was begun survives a rewrite, and the line that ends it takes it away."""
    operation = Operation("update", "k/1", ONE, ONE, ("identifier",))
    ledger = read(path)
    ledger.add(Line(begun=operation))
    ledger.rewrite()
    assert read(path).pending == operation
    read(path).add(Line(made=ONE))
    assert read(path).pending is None


def test_replaced_resources_keep_their_numbers(path: Path) -> None:
    """What is still to be deleted is known by its number, also after a rewrite."""
    ledger = read(path)
    for number, one in ((1, ONE), (2, TWO)):
        assert ledger.next_number == number
        ledger.add(Line(condemned=one, number=number))
    ledger.add(Line(ended=1, gone=ONE.urn))
    ledger.rewrite([TWO.urn])
    assert read(path).condemned == {2: TWO}
    assert read(path).next_number == 3
    assert list(read(path).made) == [TWO.urn]


@pytest.mark.parametrize("content", [None, b"{}\n{nonsense}\n", b'{"made": {"urn": 1}}\n'])
def test_a_ledger_that_nobody_can_read_is_named(path: Path, content: bytes | None) -> None:
    """The message names the file and the command that mends it."""
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(ArcaError, match="What dev consists of") as error:
        read(path)
    assert str(path) in error.value.where
    assert "make up STACK=dev" in error.value.do
