"""Tests of the client: every failure on the way is one clear error."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from moto.server import ThreadedMotoServer

from arca.emulator.client import EmulatorClient, read_fault, require_tag
from arca.emulator.state import CloudRecord, State
from arca.errors import ArcaError
from tests.arca.smoke.served import Said, free_port, serve

PAGE = Said(500, b"<!doctype html><title>Internal Server Error</title>")
REGISTRY = {
    "region": "sa-east-1",
    "registry": {"repository_name": "api", "repository_url": "registry.example/api"},
}
ASKED: list[Callable[[EmulatorClient], object]] = [
    EmulatorClient.faults,
    lambda client: client.push("1", stack="prod"),
]


def at(directory: Path, port: int) -> EmulatorClient:
    """Return a client of a cloud that is recorded at a port."""
    state = State(directory)
    state.directory.mkdir()
    state.write(CloudRecord(pid=1, born=1, port=port, endpoint=f"http://127.0.0.1:{port}"))
    state.save_exports("prod", REGISTRY)
    return EmulatorClient(state)


def test_nothing_is_up(tmp_path: Path) -> None:
    """Without a record, the error says how to bring up a cloud."""
    with pytest.raises(ArcaError, match="No emulated cloud is up"):
        EmulatorClient(State(tmp_path))


@pytest.mark.parametrize("ask", ASKED)
def test_a_cloud_that_is_gone(ask: Callable[[EmulatorClient], object], tmp_path: Path) -> None:
    """The process has ended, and its record is still there."""
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
)
def test_an_answer_of_another_kind(said: Said, reason: str, tmp_path: Path) -> None:
    """The server fails, or another program listens on the port."""
    with (
        serve({"/arca/faults": said}) as server,
        pytest.raises(ArcaError) as raised,
    ):
        at(tmp_path / "state", server.port).faults()
    assert reason in raised.value.what


def test_a_push_that_a_page_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program listens on the port; botocore reads its HTML as an answer without fields."""

    def answered(*_: object, **__: object) -> dict[str, object]:
        return {}

    def client(*_: object, **__: object) -> SimpleNamespace:
        return SimpleNamespace(describe_images=answered)

    made = SimpleNamespace(client=client)
    monkeypatch.setattr("arca.emulator.client.session", lambda: made)
    with pytest.raises(ArcaError, match="does not answer"):
        at(tmp_path / "state", free_port()).push("1", stack="prod")


def test_a_push_that_is_refused(tmp_path: Path) -> None:
    """The registry refuses the image."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        with pytest.raises(ArcaError, match="RepositoryNotFoundException") as raised:
            at(tmp_path / "state", server.get_host_and_port()[1]).push("1", stack="prod")
    finally:
        server.stop()
    assert raised.value.where.endswith("repository api")


@pytest.mark.parametrize("content", [{}, {"registry": "x"}, {"registry": {}}])
def test_exports_without_a_registry(content: dict[str, object], tmp_path: Path) -> None:
    """Somebody changed the saved exports: the error names what is missing."""
    client = at(tmp_path / "state", free_port())
    State(tmp_path / "state").save_exports("prod", content)
    with pytest.raises(ArcaError, match=r"there is no registry\.repository_url"):
        client.reference("1", stack="prod")


@pytest.mark.parametrize("tag", ["\u00fcn\u00ef", "a/b", "", ".1", "-1", "1 2", "1\n", "a" * 129])
def test_a_tag_that_no_registry_takes(tag: str) -> None:
    """The grammar is that of the OCI Distribution Specification."""
    with pytest.raises(ArcaError, match="is no tag of an image"):
        require_tag(tag)


@pytest.mark.parametrize("tag", ["1", "1.2.3", "_a-B.9", "a" * 128])
def test_a_tag_of_a_registry(tag: str) -> None:
    """Letters, digits and three signs, of which _ may be first."""
    require_tag(tag)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"fault": "exits"}, "it needs --image"),
        ({"fault": "stall", "image": "i"}, "it does not take --image"),
        ({"fault": "exits", "image": "i", "code": 256}, "--code: Input should be less than"),
        ({"fault": "nonsense"}, "NAME: "),
    ],
)
def test_a_fault_in_words(content: dict[str, object], said: str) -> None:
    """An invalid fault is explained with the command's own options."""
    with pytest.raises(ArcaError) as raised:
        read_fault(content)
    assert said in raised.value.what
