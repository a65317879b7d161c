"""The example service's API as a script: a server that answers what a test says."""

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Literal

Told = tuple[int, Mapping[str, Any]] | Literal["drop", "hang", "garbage"]
KEY = "key-1"


@dataclass(frozen=True)
class Asked:
    """A request that the server got."""

    method: str
    path: str
    key: str
    token: str
    body: Mapping[str, Any]


class FakeApi:
    """Answers by `script`; without one, everything works."""

    def __init__(self, script: Callable[[Asked, int], Told | None] | None = None) -> None:
        self._script, self._lock = script, Lock()
        self.asked: list[Asked] = []
        self.invoices: dict[str, dict[str, Any]] = {}
        """By idempotency key."""
        self.tokens = 0
        self.closing = Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End the server."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def business(self) -> list[Asked]:
        """Return all requests but those for tokens."""
        return [one for one in self.asked if one.path != "/v1/tokens"]

    def answer(self, asked: Asked) -> Told:
        """Answer a request; the script sees how often it was sent before."""
        with self._lock:
            before = sum(
                (one.method, one.path, one.key) == (asked.method, asked.path, asked.key)
                for one in self.asked
            )
            self.asked.append(asked)
        told = self._script(asked, before) if self._script else None
        return self.works(asked) if told is None else told

    def works(self, asked: Asked) -> Told:
        """Answer as the service does when all is well."""
        with self._lock:
            if asked.path == "/v1/tokens":
                self.tokens += 1
                known = asked.body.get("api_key") == KEY
                return (200, {"token": f"token-{self.tokens}"}) if known else (401, {})
            if asked.path == "/v1/status":
                return 200, {"status": "ok"}
            if not asked.token:
                return 401, {}
            if asked.method == "POST":
                return 201, self._issue(asked)
            if asked.path.startswith("/v1/invoices?"):
                return 200, {"invoices": []}
            ids = {one["id"]: one for one in self.invoices.values()}
            name = asked.path.rpartition("/")[2]
            return (200, ids[name]) if name in ids else (404, {})

    def _issue(self, asked: Asked) -> dict[str, Any]:
        number = len(self.invoices) + 1
        return self.invoices.setdefault(
            asked.key,
            {
                "id": f"inv_{number}",
                "status": "authorized",
                "point_of_sale": asked.body["point_of_sale"],
                "type": asked.body["type"],
                "number": number,
                "cae": f"cae-{number}",
            },
        )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent about customers who left."""


def _handler(api: FakeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told = api.answer(
                Asked(
                    self.command,
                    self.path,
                    self.headers.get("Idempotency-Key", ""),
                    self.headers.get("Authorization", "").removeprefix("Bearer "),
                    json.loads(content) if content else {},
                )
            )
            if told == "drop":
                self.connection.shutdown(socket.SHUT_RDWR)
            elif told == "hang":
                api.closing.wait(60)
            elif told == "garbage":
                self._send(200, b"<html>")
            else:
                self._send(told[0], json.dumps(told[1]).encode())

        def _send(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            """Stay silent."""

        do_GET = do_POST = answer  # noqa: N815 - http.server's names

    return Handler
