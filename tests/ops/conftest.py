"""What the commands' tests share."""

from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from moto.server import ThreadedMotoServer

from tests.ops.emulated import Cloud


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A fresh one."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    made = Cloud(f"http://{host}:{port}", tmp_path / "state")
    monkeypatch.setenv("ARCA_STATE_DIR", str(made.state))
    monkeypatch.chdir(tmp_path)
    made.client("sts").get_caller_identity()
    yield made

    urlopen(Request(f"{made.endpoint}/moto-api/reset", method="POST"), timeout=10).close()  # noqa: S310 - loopback
    server.stop()
