"""The canary's code, against real HTTP answers on loopback."""

import ast
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from arca.monitoring import probe


class Api(BaseHTTPRequestHandler):
    """A server that gives chosen answers and records the requests."""

    answers: ClassVar[dict[str, list[tuple[int, bytes]]]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Give the path's next answer; repeat the last one."""
        self.asked.append(self.path)
        answers = self.answers[self.path]
        status, content = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class' name
        """Log nothing."""


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Start an API that answers both paths well."""
    monkeypatch.setattr(probe, "PAUSE_SECONDS", 0.01)
    Api.answers, Api.asked = {"/health/ready": [(200, b"")], "/v1/status": [(200, b"{}")]}, []
    server = HTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def run(url: str) -> str:
    """Run the probe as Synthetics does."""
    return probe.probe({"URL": url, "HEALTH_PATH": "/health/ready", "BUSINESS_PATH": "/v1/status"})


def test_a_healthy_api_passes(url: str) -> None:
    """A good run requests each path once."""
    assert run(url) == "both paths answered"
    assert Api.asked == ["/health/ready", "/v1/status"]


def test_one_lost_answer_is_forgiven(url: str) -> None:
    """A good second attempt makes a good run."""
    Api.answers["/health/ready"] = [(502, b""), (200, b"")]
    assert run(url)
    assert len(Api.asked) == 3


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("/health/ready", (503, b""), "/health/ready: status 503, 2 times"),
        ("/v1/status", (500, b""), "/v1/status: status 500"),
        ("/v1/status", (200, b"<html>"), "/v1/status: no JSON"),
        ("/health/ready", (204, b""), "status 204"),
    ],
)
def test_a_sick_api_fails(url: str, path: str, answer: tuple[int, bytes], said: str) -> None:
    """The run raises an error with the path and the answer."""
    Api.answers[path] = [answer]
    with pytest.raises(probe.ProbeFailedError, match=said):
        run(url)


def test_nobody_there_fails() -> None:
    """A refused connection fails the run too."""
    with pytest.raises(probe.ProbeFailedError, match="no answer"):
        run("http://127.0.0.1:9")


def test_the_handler_reads_its_environment(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler reads the variables that the canary's configuration sets."""
    for name, value in (
        ("URL", url),
        ("HEALTH_PATH", "/health/ready"),
        ("BUSINESS_PATH", "/v1/status"),
    ):
        monkeypatch.setenv(name, value)
    assert probe.handler({}, None) == "both paths answered"


def test_it_needs_nothing_but_the_standard_library() -> None:
    """Synthetics carries this file alone, so it imports the standard library only."""
    tree = ast.parse(Path(probe.__file__).read_text(encoding="utf-8"))
    names = [a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names]
    names += [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    known = {"json", "os", "time", "urllib", "collections", "typing"}
    assert {name.split(".")[0] for name in names} <= known
