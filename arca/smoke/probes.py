"""The probes of `arca smoke`: each sends one request to a stack and makes one or more checks.

docs/service-contract.md defines the paths; components/edge/rules.py declares the headers that the
edge adds.
"""

import json
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from arca.check import Check
from arca.clock import Clock
from arca.naming import TEST_PORT
from arca.smoke.request import Address, Answer, Deadline, NoAnswer, connect, get, secure

LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"
BUSINESS_PATH = "/v1/status"
HSTS_SECONDS = 31_536_000
"""The max-age that a zone declares by default (`edge.hsts_seconds`)."""
CERTIFICATE_DAYS = 14
"""Days that a certificate must still be valid; an edge renews it long before by itself."""
TLS_PORT = 443
PLAIN_PORTS = {443: 80}
"""The port of plain HTTP beside each port of TLS."""
SECONDS_PER_DAY = 24 * 60 * 60
REDIRECTS = (301, 302, 303, 307, 308)
VERSION = re.compile(r"/\s*v?\d|\d\.\d")
TLS11_HELLO_SUITES = bytes.fromhex("c009c00ac013c014002f0035")
"""ECDHE with ECDSA, ECDHE with RSA, and RSA, each with AES-128 and AES-256 in CBC mode.

Sources: RFC 8422 and RFC 5246.
"""


@dataclass(frozen=True)
class ProbedStack:
    """The address of a stack, and the facts of the stack that the probes compare answers with."""

    address: Address
    load_balancer: str | None
    """The load balancer's own host name; None where there is no load balancer."""
    stands_by: bool
    """True for a DR stack that serves nobody."""
    has_cache: bool
    context: ssl.SSLContext
    """The TLS settings of a client that verifies certificates."""
    clock: Clock

    def get(self, path: str, deadline: Deadline) -> Answer:
        """Send a GET request for a path; raises NoAnswer."""
        tls = self.context if self.address.scheme == "https" else None
        return get(self.address, path, deadline=deadline, context=tls)


SmokeProbe = Callable[[ProbedStack, Deadline], list[Check]]


def live(stack: ProbedStack, deadline: Deadline) -> list[Check]:
    """Check that the process answers."""
    status = stack.get(LIVE_PATH, deadline).status
    return [_check("live", status == 200, f"status {status}")]


def ready(stack: ProbedStack, deadline: Deadline) -> list[Check]:
    """Check readiness, and the database and the cache where the answer names them.

    A stack that stands by has no cache, and its readiness must be 503.
    """
    answer = stack.get(READY_PATH, deadline)
    if stack.stands_by:
        found = _check("ready", answer.status == 503, f"status {answer.status}, and it stands by")
    else:
        found = _check("ready", answer.status == 200, f"status {answer.status}")
    named = _named(answer)
    cache = (
        _part("cache", named)
        if stack.has_cache and not stack.stands_by
        else Check("cache", "SKIPPED", "the stack stands by" if stack.stands_by else "it has none")
    )
    return [found, _part("database", named), cache]


def business(stack: ProbedStack, deadline: Deadline) -> list[Check]:
    """Check that the read-only business path answers with a JSON object."""
    if stack.stands_by:
        return [Check("business", "SKIPPED", "the stack stands by and serves nobody")]
    answer = stack.get(BUSINESS_PATH, deadline)
    if answer.status != 200:
        return [Check("business", "FAILED", f"status {answer.status}")]
    if not answer.whole:
        return [Check("business", "FAILED", "the answer is longer than 64 KiB")]
    return [_check("business", _object(answer) is not None, "a JSON object", "not a JSON object")]


def tls(stack: ProbedStack, deadline: Deadline) -> list[Check]:
    """Check for TLS 1.2 or newer and for a verified certificate that does not expire soon."""
    if stack.address.scheme == "http":
        return [Check("tls", "SKIPPED", "the URL is plain HTTP")]
    host, port = stack.address.host, stack.address.port
    with secure(connect(host, port, deadline), stack.context, host, deadline) as made:
        version, certificate = made.version(), cast("dict[str, Any]", made.getpeercert())
    left = ssl.cert_time_to_seconds(certificate["notAfter"]) - stack.clock.now().timestamp()
    days = int(left // SECONDS_PER_DAY)
    said = f"{version}, certificate ends in {days} days"
    wanted = f"{said}, {CERTIFICATE_DAYS} wanted"
    return [_check("tls", days >= CERTIFICATE_DAYS, said, wanted)]


def tls_1_1(stack: ProbedStack, deadline: Deadline) -> list[Check]:
    """Check that the server refuses TLS 1.1.

    A server that accepts the ClientHello answers with a handshake record; any other server answers
    with an alert or closes the connection (RFC 4346, sections 6.2.1 and 7.2).

    This module writes the ClientHello itself. Many builds and policies of OpenSSL refuse TLS 1.1 on
    the client's side, and such a refusal would look like the server's.
    """
    if stack.address.scheme == "http":
        return [Check("tls-1.1", "SKIPPED", "the URL is plain HTTP")]
    with connect(stack.address.host, stack.address.port, deadline) as made:
        made.settimeout(deadline.left())
        try:
            made.sendall(client_hello(stack.address.host))
            # A record begins with its type, its version and its length (RFC 4346, section 6.2.1).
            record = made.recv(5, 0)
        except TimeoutError:
            raise deadline.missed() from None
        except ConnectionError:
            record = b""
    accepted = record.startswith(b"\x16")
    return [_check("tls-1.1", not accepted, "refused", "the server speaks TLS 1.1")]


def client_hello(name: str) -> bytes:
    """Return a TLS 1.1 ClientHello for a host (RFC 4346, section 7.4.1.2; RFC 6066, section 3)."""
    extensions = _extension(0, _sized(b"\x00" + _sized(name.encode())))
    # Curves secp256r1 and secp384r1, uncompressed points (RFC 8422, section 5.1).
    extensions += _extension(10, _sized(bytes.fromhex("00170018")))
    extensions += _extension(11, b"\x01\x00")
    hello = b"\x03\x02" + bytes(32) + b"\x00"
    hello += _sized(TLS11_HELLO_SUITES) + b"\x01\x00" + _sized(extensions)
    return b"\x16\x03\x01" + _sized(b"\x01\x00" + _sized(hello))


def headers(stack: ProbedStack, deadline: Deadline) -> list[Check]:
    """Check the headers of the edge and of the service, and that none shows a server's version.

    Plain HTTP and the test listener have no edge, so its headers are not expected there.
    """
    found = stack.get(LIVE_PATH, deadline).headers
    at_edge = stack.address.scheme == "https" and stack.address.port != TEST_PORT
    wrong = [*(_edge_faults(found) if at_edge else ()), *_service_faults(found)]
    said = "HSTS, nosniff, correlation id" if at_edge else "correlation id; there is no edge"
    return [_check("headers", not wrong, said, "; ".join(wrong))]


def _edge_faults(found: Mapping[str, str]) -> list[str]:
    wrong: list[str] = []
    hsts = found.get("strict-transport-security", "").lower()
    directives = {part.strip() for part in hsts.split(";")}
    age = re.search(r'max-age="?(\d+)', hsts)
    if age is None:
        wrong.append("no strict-transport-security")
    elif int(age[1]) < HSTS_SECONDS:
        wrong.append(f"HSTS for {age[1]} s, {HSTS_SECONDS} wanted")
    elif "includesubdomains" not in directives:
        wrong.append("HSTS without includeSubDomains")
    if found.get("x-content-type-options", "").strip().lower() != "nosniff":
        wrong.append("no x-content-type-options: nosniff")
    return wrong


def _service_faults(found: Mapping[str, str]) -> list[str]:
    wrong: list[str] = []
    server = found.get("server", "").strip()
    if VERSION.search(server):
        wrong.append(f"server says its version: {server}")
    if not found.get("x-correlation-id", "").strip():
        wrong.append("no x-correlation-id")
    return wrong


def origin_lock(stack: ProbedStack, deadline: Deadline) -> list[Check]:
    """Check that the load balancer refuses clients that do not come through our Cloudflare zone.

    With TLS 1.3 the server verifies the client's certificate after the client's handshake has
    ended (RFC 8446, section 4.4.2.4), so only a request shows the refusal. The check fails unless
    the refusal is proven.
    """
    if stack.load_balancer is None:
        return [Check("origin-lock", "SKIPPED", "there is no load balancer")]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The request holds no secret, and the certificate is not for the load balancer's own name.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        answer = get(
            stack.address,
            LIVE_PATH,
            deadline=deadline,
            context=context,
            at=(stack.load_balancer, TLS_PORT),
        )
    except NoAnswer as failure:
        refused = failure.reason in {"refused", "unanswered", "closed"} or (
            failure.reason == "tls" and "ALERT" in str(failure)
        )
        return [_check("origin-lock", refused, str(failure), f"no refusal: {failure}")]
    return [Check("origin-lock", "FAILED", f"it answers without the edge: status {answer.status}")]


def plain_http(stack: ProbedStack, deadline: Deadline) -> list[Check]:
    """Check that plain HTTP redirects to HTTPS or is closed."""
    if stack.address.scheme == "http":
        return [Check("http", "SKIPPED", "the URL is plain HTTP")]
    host, port = stack.address.host, PLAIN_PORTS.get(stack.address.port)
    if port is None:
        return [Check("http", "SKIPPED", f"no plain port belongs to port {stack.address.port}")]
    try:
        answer = get(Address("http", host, port), LIVE_PATH, deadline=deadline, context=None)
    except NoAnswer as failure:
        refused = failure.reason in {"refused", "unanswered", "closed"}
        return [_check("http", refused, str(failure))]
    to = urlsplit(answer.headers.get("location", ""))
    good = answer.status in REDIRECTS and to.scheme == "https" and to.hostname == host
    where = f"to {to.scheme}://{to.netloc}" if to.netloc else "in plain HTTP"
    return [_check("http", good, f"status {answer.status} {where}")]


PROBES: Mapping[tuple[str, ...], SmokeProbe] = {
    ("live",): live,
    ("ready", "database", "cache"): ready,
    ("business",): business,
    ("tls",): tls,
    ("tls-1.1",): tls_1_1,
    ("headers",): headers,
    ("origin-lock",): origin_lock,
    ("http",): plain_http,
}
"""Each probe by the names of its checks; without an answer the first check fails."""


def _check(name: str, good: bool, said: str, wrong: str | None = None) -> Check:  # noqa: FBT001 - the result itself
    return Check(name, "OK" if good else "FAILED", said if good or wrong is None else wrong)


def _object(answer: Answer) -> dict[str, Any] | None:
    try:
        found = json.loads(answer.body)
    except ValueError:
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def _named(answer: Answer) -> dict[str, Any]:
    """Return the state of each part that the answer of readiness names."""
    parts = (_object(answer) or {}).get("checks")
    return cast("dict[str, Any]", parts) if isinstance(parts, dict) else {}


def _part(name: str, named: Mapping[str, Any]) -> Check:
    if name not in named:
        return Check(name, "SKIPPED", f"{READY_PATH} does not name it")
    said = str(named[name])[:80]
    return _check(name, said.lower() == "ok", said)


def _sized(content: bytes) -> bytes:
    return len(content).to_bytes(2, "big") + content


def _extension(kind: int, content: bytes) -> bytes:
    return kind.to_bytes(2, "big") + _sized(content)
