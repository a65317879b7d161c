"""The front as a process: it serves, drains at SIGTERM, and leaves no ready file."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest

from arca.emulator.front.ready import read_ready
from tests import ROOT
from tests.arca.emulator.ecs.emulated_ecs import Emulated, wait_for
from tests.arca.emulator.front.emulated_front import (
    PRIMARY,
    PUBLIC,
    Dns,
    Stack,
    exchange,
    write_exports,
)
from tests.arca.emulator.front.loopback_target import LoopbackTarget


@pytest.mark.slow
def test_the_process_finishes_its_requests_at_sigterm(  # noqa: PLR0917 - fixtures
    emulated_aws: str,
    cloud: Emulated,
    prod: Stack,
    dns: Dns,
    target: Callable[[str], LoopbackTarget],
    tmp_path: Path,
) -> None:
    """The request in flight is answered, new ones are refused, and the exit code is 0."""
    # Moto has one state for each process: what `cloud` made is in this server too.
    assert cloud
    assert dns.lever
    one = target("one")
    prod.register(prod.blue, one.port)
    write_exports(tmp_path, "prod", PRIMARY)
    ready = tmp_path / "front" / "ready.json"
    arguments = ["--endpoint", emulated_aws, "--exports", str(tmp_path), "--ready", str(ready)]
    process = subprocess.Popen(
        [sys.executable, "-m", "arca.emulator.front", *arguments], cwd=ROOT, env=dict(os.environ)
    )
    try:
        wait_for(lambda: ready.exists() or process.poll() is not None, "the ready file")
        place = str(urlsplit(read_ready(ready).customers).netloc)
        names: list[str] = []

        def hold() -> None:
            connection = http.client.HTTPConnection(place, timeout=60)
            names.append(exchange(connection, "GET", "/hold", None, {"Host": PUBLIC}).name)

        held = Thread(target=hold)
        held.start()
        wait_for(one.held.is_set, "the request in flight")
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: not ready.exists(), "the end of the ready file")
        wait_for(lambda: _refused(place), "a refusal")
        assert process.poll() is None
        one.release.set()
        held.join(60)
        assert names == ["one"]
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def _refused(place: str) -> bool:
    connection = http.client.HTTPConnection(place, timeout=60)
    try:
        connection.connect()
    except ConnectionRefusedError:
        return True
    finally:
        connection.close()
    return False
