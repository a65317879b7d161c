"""A target on loopback that does what a path says."""

import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

LOOPBACK = "127.0.0.1"


class LoopbackTarget:
    """A server in a thread, which answers JSON with its name and what it got.

    `/hold` waits until `release` is set, `/hang` answers never, `/drop` closes the connection
    without an answer, `/cut` after half of one, `/stream` sends a part, waits, sends another.
    """

    def __init__(self, name: str) -> None:
        self.name, self.requests = name, 0
        self.held, self.release = Event(), Event()
        self._lock = Lock()
        self._server = ThreadingHTTPServer((LOOPBACK, 0), _handler(self))
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def count(self) -> None:
        """Count a request."""
        with self._lock:
            self.requests += 1

    def close(self) -> None:
        """Refuse new connections, and let what hangs end."""
        self.release.set()
        self._server.shutdown()
        self._server.server_close()


def _handler(target: LoopbackTarget) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one class
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Without this, the second part of an answer waits for an acknowledgement.
        disable_nagle_algorithm = True

        def answer(self) -> None:
            target.count()
            body = self._body()
            action = self.path.partition("?")[0]
            if action in ("/hold", "/hang"):
                target.held.set()
                target.release.wait(60)
            if action == "/drop":
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            if action in ("/stream", "/cut"):
                self._in_parts(cut=action == "/cut")
                return
            told: dict[str, Any] = {
                "name": target.name,
                "path": self.path,
                "method": self.command,
                "headers": [[name, value] for name, value in self.headers.items()],
                "bytes": len(body),
                "sum": sum(body),
            }
            content = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Type", "application/json")
            self.send_header("Set-Cookie", "a=1")
            self.send_header("Set-Cookie", "b=2")
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else content)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found = b""
            while size := int(self.rfile.readline(), 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return found

        def _in_parts(self, *, cut: bool) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"5\r\nfirst\r\n")
            if cut:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            target.release.wait(60)
            self.wfile.write(b"6\r\nsecond\r\n0\r\n\r\n")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            """Stay silent."""

        do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815 - http.server's names

    return Handler


def closed_port() -> int:
    """Return a port that refuses connections."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
