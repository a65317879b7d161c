"""Asking the emulated cloud: what goes wrong on the way is one clear error."""

from collections.abc import Callable
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from arca.emulator.state import CloudRecord, State
from arca.emulator.wishes import Wishes
from arca.errors import ArcaError
from tests.arca.smoke.served import Said, free_port, serve

PAGE = Said(500, b"<!doctype html><title>Internal Server Error</title>")
REGISTRY = {
    "region": "sa-east-1",
    "registry": {"repository_name": "api", "repository_url": "registry.example/api"},
}
ASKED: list[Callable[[Wishes], object]] = [
    Wishes.faults,
    lambda wishes: wishes.push("1", stack="prod"),
]


def at(directory: Path, port: int) -> Wishes:
    """Ask a cloud that is recorded at a port."""
    state = State(directory)
    state.directory.mkdir()
    state.write(CloudRecord(pid=1, born=1, port=port, endpoint=f"http://127.0.0.1:{port}"))
    state.save_exports("prod", REGISTRY)
    return Wishes(state)


def test_nothing_is_up(tmp_path: Path) -> None:
    """And no record says where."""
    with pytest.raises(ArcaError, match="No emulated cloud is up"):
        Wishes(State(tmp_path))


@pytest.mark.parametrize("ask", ASKED)
def test_a_cloud_that_is_gone(ask: Callable[[Wishes], object], tmp_path: Path) -> None:
    """Its process ended, its record stayed."""
    with pytest.raises(ArcaError, match="does not answer") as raised:
        ask(at(tmp_path / "state", free_port()))
    assert raised.value.do == "run `make up` again"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (PAGE, "HTTP 500 Internal Server Error; its log says why"),
        (Said(400, b'{"error": "no such fault"}'), "does not take this: no such fault"),
        (Said(400, b"[]"), "HTTP 400 Bad Request"),
        (Said(200, b"<html>"), "does not answer: Expecting value"),
        (Said(200, b"\xff"), "does not answer: 'utf-8' codec"),
        (Said(200, b"{}", {"Content-Length": "9"}), "does not answer: IncompleteRead"),
    ],
)  # fmt: skip # a table
def test_an_answer_of_another_kind(said: Said, reason: str, tmp_path: Path) -> None:
    """An error within the server, or something else that listens there."""
    with (
        serve({"/arca/faults": said}) as server,
        pytest.raises(ArcaError) as raised,
    ):
        at(tmp_path / "state", server.port).faults()
    assert reason in raised.value.what


def test_a_push_that_is_refused(tmp_path: Path) -> None:
    """By the registry itself."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        with pytest.raises(ArcaError, match="RepositoryNotFoundException") as raised:
            at(tmp_path / "state", server.get_host_and_port()[1]).push("1", stack="prod")
    finally:
        server.stop()
    assert raised.value.where.endswith("repository api")
