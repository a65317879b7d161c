"""What every test gets: a clock that the run chose, no outside traffic, and shared graphs."""

import gc
import locale
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from arca.emulator.aws_clients import share_service_models
from tests import stacks
from tests.clock import sitecustomize

LOOPBACK = ("127.", "::1", "localhost")
MOMENT = "ARCA_TEST_MOMENT"
"""When the tests happen, ISO 8601 with a zone; `make test-clock` names awkward ones."""
ORDINARY = "2032-03-10T14:07:00+00:00"
"""A Wednesday, far from the end of any hour, day, month or year.

It lies in the future because OpenSSL reads the system's clock itself: a certificate that the
tests' clock calls valid must be valid by the system's clock too.
"""


def begin_at(moment: datetime) -> None:
    """Let this process and all its Python children live from a moment on.

    Only the first process computes the offset: its workers and children inherit it, so that all
    of them agree about the time.
    """
    if sitecustomize.OFFSET not in os.environ:
        offset = (moment - datetime.now(UTC)).total_seconds()
        os.environ[sitecustomize.OFFSET] = str(offset)
        folder = str(Path(sitecustomize.__file__).parent)
        others = [path for path in (os.environ.get("PYTHONPATH"),) if path]
        os.environ["PYTHONPATH"] = os.pathsep.join([folder, *others])
        sitecustomize.move()


begin_at(datetime.fromisoformat(os.environ.get(MOMENT, ORDINARY)))
# A worker of pytest-xdist has a COLUMNS of its own, and tables obey it.
os.environ.pop("COLUMNS", None)
# The locale of the environment, which Python ignores until a program asks for it.
locale.setlocale(locale.LC_ALL, "")
share_service_models()
# A property holds however slow the machine is.
settings.register_profile(
    "arca", deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("arca")


def pytest_collection_finish() -> None:
    """Let the garbage collector skip what imports made: it stays, and is most of all objects."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse a connection to anything but loopback and unix sockets."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        inet = self.family in (socket.AF_INET, socket.AF_INET6)
        if inet and not str(address[0]).startswith(LOOPBACK):
            message = f"a test connects to {address}: only loopback is allowed"
            raise AssertionError(message)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session", autouse=True)
def shared_graphs(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> None:
    """Let the processes of a run declare each stack once between them.

    Without several processes the parent directory would outlive the run, so nothing is shared.
    """
    if worker_id != "master":
        stacks.share(tmp_path_factory.getbasetemp().parent)
