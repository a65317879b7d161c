"""Servers on loopback with prepared answers, and a certificate authority of the tests."""

import json
import socket
import ssl
import threading
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from arca.check import Check
from arca.clock import Clock
from arca.outputs import Outputs
from arca.smoke import probes, suite
from arca.stack import Stack
from tests.stacks import graph

LOOPBACK = "127.0.0.1"
TIMEOUT = 3.0
NAMES = [
    "live",
    "ready",
    "database",
    "cache",
    "business",
    "tls",
    "tls-1.1",
    "headers",
    "origin-lock",
    "http",
]


@dataclass(frozen=True)
class Said:
    """The prepared answer of one path; the server waits for `held` before it answers."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    held: threading.Event | None = None


class Handler(BaseHTTPRequestHandler):
    """Gives the prepared answers of its server, and 404 for other paths."""

    server_version, sys_version = "api", ""

    def do_GET(self) -> None:
        """Record the request and answer it."""
        server = cast("Server", self.server)
        server.asked.append((self.path, self.headers["Host"]))
        said = server.answers.get(self.path, Said(404))
        if said.held is not None:
            said.held.wait(5)
        self.send_response(said.status)
        for name, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class' name
        """Write no log."""


class Server(ThreadingHTTPServer):
    """A server that records its requests as pairs of path and host."""

    daemon_threads = True

    def __init__(self, answers: Mapping[str, Said], context: ssl.SSLContext | None) -> None:
        super().__init__((LOOPBACK, 0), Handler)
        self.answers, self.asked = answers, list[tuple[str, str]]()
        if context is not None:
            # The handshake belongs to the connection's thread, not to the one that accepts.
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore it: clients that go away are part of the tests."""

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])


@contextmanager
def serve(answers: Mapping[str, Said], context: ssl.SSLContext | None = None) -> Generator[Server]:
    """Serve until the end of the block."""
    server = Server(answers, context)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as made:
        made.bind((LOOPBACK, 0))
        return int(made.getsockname()[1])


class Authority:
    """A certificate authority; its own certificate is in `file`."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.file = folder, folder / "authority.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        made = self._builder("authority", days=90).public_key(self._key.public_key())
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self._certificate = made.sign(self._key, hashes.SHA256())
        self.file.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    @cached_property
    def _name(self) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])

    def _builder(self, subject: str, *, days: float) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(self._name)
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(now + timedelta(days=days))
        )

    def context(
        self, host: str = "localhost", *, days: float = 60, locked: bool = False
    ) -> ssl.SSLContext:
        """Return the TLS settings of a server; `locked` makes it require a client's certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._builder(host, days=days).public_key(key.public_key())
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        file = self._folder / f"{host}-{days}.pem"
        file.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        if locked:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.file)
        return context


HEADERS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Correlation-Id": "8f0a1b2c",
}
WELL: Mapping[str, Said] = {
    "/health/live": Said(headers=HEADERS),
    "/health/ready": Said(body=b'{"checks": {"database": "ok", "cache": "ok"}}'),
    "/v1/status": Said(body=b'{"status": "ok"}'),
}


class StackOnLoopback:
    """A healthy stack on loopback; a test changes a part of it before it runs the checks."""

    def __init__(self, authority: Authority, patch: pytest.MonkeyPatch, opened: ExitStack) -> None:
        self._patch, self._opened = patch, opened
        patch.setenv("SSL_CERT_FILE", str(authority.file))
        self.answers, self.context = dict(WELL), authority.context()
        self.origin: int | None = None
        self.outputs: dict[str, Any] = json.loads(json.dumps(graph("prod").outputs))

    def serve(self, answers: Mapping[str, Said], context: ssl.SSLContext | None = None) -> Server:
        """Start another server, which stops at the end of the test."""
        return self._opened.enter_context(serve(answers, context))

    def redirect(self, status: int, to: str) -> Server:
        """Start a plain server that redirects."""
        return self.serve({"/health/live": Said(status, headers={"Location": to})})

    def stack(self, plain: int | None = None) -> Stack:
        """Start the servers; by default the origin refuses and plain HTTP redirects to HTTPS."""
        edge = self.serve(self.answers, self.context)
        plain = plain or self.redirect(301, f"https://localhost:{edge.port}/").port
        self._patch.setattr(probes, "TLS_PORT", self.origin or free_port())
        self._patch.setattr(probes, "PLAIN_PORTS", {edge.port: plain})
        self.outputs["edge"]["url"] = f"https://localhost:{edge.port}"
        self.outputs["service"]["load_balancer_dns_name"] = LOOPBACK
        return Stack("prod", Outputs.model_validate(self.outputs), None)

    def found(self) -> Stack:
        """Start the servers, and let commands find this stack under every name."""
        stack = self.stack()

        def find(*_: Any, **__: Any) -> Stack:
            """Stand in for `arca.stack.find`."""
            return stack

        self._patch.setattr("arca.stack.find", find)
        return stack

    def run(
        self, *, plain: int | None = None, timeout: float = TIMEOUT, clock: Clock | None = None
    ) -> dict[str, Check]:
        """Run the smoke tests; return the checks by name."""
        report = suite.run(self.stack(plain), url=None, timeout=timeout, clock=clock)
        return {check.name: check for check in report.checks}
