"""Send one GET request, bounded in time and size, and say exactly why it has no answer.

It follows no redirect. The smoke tests do not use httpx or requests, for three reasons:

* One deadline covers the name, the connection, TLS and the answer together; those libraries bound
  each operation by itself, and a host with several addresses gets the bound once for each.
* The origin's lock needs to tell a refusal from a missing route, a certificate that is not
  trusted and an alert of TLS; those libraries report one ConnectError for all of them.
* The check of the certificate needs the connection itself, before any request.
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
"""Bytes of a body that are read at most; the answers that are checked are much shorter."""
DEFAULT_PORTS = {"http": 80, "https": 443}
USER_AGENT = "arca-smoke"

Reason = Literal[
    "name", "route", "refused", "unanswered", "certificate", "tls", "closed", "silent", "garbled"
]
"""Why there is no answer.

`unanswered` means that no connection came about in time; `silent`, that nothing came through one.
"""


class NoAnswer(Exception):
    """There is no HTTP answer; `reason` is for programs, the text for people."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason: Reason = reason


@dataclass(frozen=True)
class Address:
    """The parts of an http or https URL; requests go to paths below `path`."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Parse a URL of a scheme, a host, and perhaps a port and a path.

        Raises ArcaError for any other text.
        """
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").encode("idna").decode()
            port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
        except ValueError:
            host, port, parts = "", 0, urlsplit("")
        plain = url.isascii() and url.isprintable() and not set(url) & set(" @?#")
        if not host or parts.scheme not in DEFAULT_PORTS or not plain:
            raise ArcaError(
                f"{url!r} is not a valid URL.",
                where="--url",
                wanted="http:// or https://, a host, and perhaps a port and a path",
                do="write it as https://api.example.com",
            )
        return cls(parts.scheme, host, port, parts.path.rstrip("/"))

    @property
    def loopback(self) -> bool:
        """Whether the host is this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def authority(self) -> str:
        """The host, and the port where it is not the default of the scheme."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole URL, without a slash at its end."""
        return f"{self.scheme}://{self.authority}{self.path}"


@dataclass(frozen=True)
class Deadline:
    """The moment at which all steps of a check together must have ended."""

    seconds: float
    at: float
    """The moment, in seconds of the monotonic clock."""

    @classmethod
    def after(cls, seconds: float) -> Self:
        """Return the deadline this many seconds from now."""
        return cls(seconds, time.monotonic() + seconds)

    def left(self) -> float:
        """Return the seconds that are left; raises NoAnswer where none are."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise self.missed()
        return left

    def missed(self) -> NoAnswer:
        """Return the error for a deadline that has passed."""
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
    """Open a TCP connection to the first address of a host that accepts one.

    The addresses share the time that is left. Raises NoAnswer where none accepts.
    """
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
            failures.append(NoAnswer("route", f"no route to it: {error.strerror}"))
        else:
            return made
        made.close()
    # A machine without IPv6 has no route to half of the addresses, whether the host serves or not.
    raise min(failures, key=lambda failure: failure.reason == "route")


def secure(
    plain: socket.socket, context: ssl.SSLContext, name: str, deadline: Deadline
) -> ssl.SSLSocket:
    """Start TLS on a connection; raises NoAnswer, with the connection closed, where that fails."""
    try:
        plain.settimeout(deadline.left())
        return context.wrap_socket(plain, server_hostname=name)
    except OSError as error:
        plain.close()
        raise _explained(error, deadline) from None
    except NoAnswer:
        plain.close()
        raise


def get(
    address: Address,
    path: str,
    *,
    deadline: Deadline,
    context: ssl.SSLContext | None,
    at: tuple[str, int] | None = None,
) -> Answer:
    """Send a GET request for a path below an address; raises NoAnswer.

    `at` is another host and port to connect to. The Host header and the server name in TLS stay
    those of the address.
    """
    host, port = at or (address.host, address.port)
    made = connect(host, port, deadline)
    if context is not None:
        made = secure(made, context, address.host, deadline)
    connection = http.client.HTTPConnection(host, port)
    connection.sock = made
    headers = {"Host": address.authority, "User-Agent": USER_AGENT, "Accept": "application/json"}
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
    """Return the error that explains a failure on an open connection."""
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
