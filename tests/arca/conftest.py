"""Fixtures of the tests of commands."""

from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from moto.server import ThreadedMotoServer

from arca.emulator.ecs import moto_mutes
from tests.arca.emulated import Cloud


@pytest.fixture(scope="session")
def emulated_aws() -> Iterator[str]:
    """The URL of one server for all tests of a process, because a start takes seconds."""
    moto_mutes.mend()
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def endpoint(emulated_aws: str) -> Iterator[str]:
    """The URL of an emulated AWS without resources, whatever tests ran before in this process."""
    _reset(emulated_aws)
    yield emulated_aws
    _reset(emulated_aws)


def _reset(url: str) -> None:
    urlopen(Request(f"{url}/moto-api/reset", method="POST"), timeout=10).close()  # noqa: S310 - loopback


@pytest.fixture
def cloud(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """An emulated AWS in which the stack prod is up."""
    made = Cloud(endpoint, tmp_path / "state")
    monkeypatch.setenv("ARCA_STATE_DIR", str(made.state))
    monkeypatch.chdir(tmp_path)
    made.client("sts").get_caller_identity()
    return made
