"""One request, bounded in time and size, that says exactly why it has no answer.

Nothing but the standard library, and no redirect is ever followed.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal, Self
from urllib.parse import urlsplit

from arca.errors import ArcaError

BODY_LIMIT = 64 * 1024
"""Bytes of a body that are read; no answer that is checked here is anywhere near."""
PORTS = {"http": 80, "https": 443}
AGENT = "arca-smoke"

Why = Literal["name", "route", "refused", "unanswered", "certificate", "tls", "closed", "silent",
              "garbled"]  # fmt: skip # one word a reason
"""`unanswered` is a connection that never came about, `silent` one that says nothing."""


class NoAnswer(Exception):
    """There is no HTTP answer: `why` for programs, the text for people."""

    def __init__(self, why: Why, text: str) -> None:
        super().__init__(text)
        self.why: Why = why


@dataclass(frozen=True)
class Address:
    """What an http or https URL says; `path` is what all paths are below."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a URL; raises ArcaError where it is more or less than scheme, host, port, path."""
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").encode("idna").decode()
            port = parts.port or PORTS.get(parts.scheme, 0)
        except ValueError:
            host, port, parts = "", 0, urlsplit("")
        plain = url.isascii() and url.isprintable() and not set(url) & set(" @?#")
        if not host or parts.scheme not in PORTS or not plain:
            raise ArcaError(
                f"{url!r} is no address that can be asked.",
                where="--url",
                wanted="http:// or https://, a host, and perhaps a port and a path",
                do="give it as https://api.example.com",
            )
        return cls(parts.scheme, host, port, parts.path.rstrip("/"))

    @property
    def loopback(self) -> bool:
        """Whether it is this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def authority(self) -> str:
        """The host, with the port where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address as it was given."""
        return f"{self.scheme}://{self.authority}{self.path}"


@dataclass(frozen=True)
class Deadline:
    """The moment until which all of a check's steps together may take."""

    seconds: float
    at: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """So many seconds from now."""
        return cls(seconds, time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds that are left; raises NoAnswer where none are."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise self.missed()
        return left

    def missed(self) -> NoAnswer:
        """What is said when it has passed."""
        return NoAnswer("silent", f"no answer within {self.seconds:g} s")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def whole(self) -> bool:
        """Whether the body was short enough to be read to its end."""
        return len(self.body) <= BODY_LIMIT


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Open a TCP connection to any of the host's addresses, which share the time."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise NoAnswer("name", f"{host} has no address: {error.strerror}") from None
    failures: list[NoAnswer] = []
    for tried, (family, kind, protocol, _, where) in enumerate(found):
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(deadline.left() / (len(found) - tried))
            made.connect(where)
        except TimeoutError:
            text = f"no connection within {deadline.seconds:g} s"
            failures.append(NoAnswer("unanswered", text))
        except ConnectionRefusedError:
            failures.append(NoAnswer("refused", "the connection is refused"))
        except OSError as error:
            failures.append(NoAnswer("route", f"no way to it: {error.strerror}"))
        else:
            return made
        made.close()
    # A machine without IPv6 has no way to half of the addresses, which says nothing of the host.
    raise min(failures, key=lambda failure: failure.why == "route")


def secure(
    plain: socket.socket, context: ssl.SSLContext, name: str, deadline: Deadline
) -> ssl.SSLSocket:
    """Speak TLS on a connection; the connection is closed where that fails."""
    try:
        plain.settimeout(deadline.left())
        return context.wrap_socket(plain, server_hostname=name)
    except OSError as error:
        plain.close()
        raise _explained(error, deadline) from None
    except NoAnswer:
        plain.close()
        raise


def ask(
    address: Address,
    path: str,
    *,
    deadline: Deadline,
    context: ssl.SSLContext | None,
    at: tuple[str, int] | None = None,
) -> Answer:
    """GET a path below an address; raises NoAnswer.

    `at` is the host and port to connect to where they are not the address' own: the host and the
    name in TLS stay those of the address.
    """
    host, port = at or (address.host, address.port)
    made = connect(host, port, deadline)
    if context is not None:
        made = secure(made, context, address.host, deadline)
    connection = http.client.HTTPConnection(host, port)
    connection.sock = made
    headers = {"Host": address.authority, "User-Agent": AGENT, "Accept": "application/json"}
    try:
        made.settimeout(deadline.left())
        connection.request("GET", address.path + path, headers=headers)
        response = connection.getresponse()
        body = response.read(BODY_LIMIT + 1)
    except (OSError, http.client.HTTPException) as error:
        raise _explained(error, deadline) from None
    finally:
        connection.close()
    found = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, found, body)


def _explained(error: Exception, deadline: Deadline) -> NoAnswer:
    """What an error on an open connection means."""
    match error:
        case TimeoutError():
            return deadline.missed()
        case ssl.SSLCertVerificationError():
            return NoAnswer("certificate", f"certificate: {error.verify_message}")
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError() | ConnectionError():
            return NoAnswer("closed", "the connection is closed without an answer")
        case ssl.SSLError():
            return NoAnswer("tls", f"TLS: {error.reason or error}")
        case _:
            return NoAnswer("garbled", f"no HTTP answer: {type(error).__name__}")
