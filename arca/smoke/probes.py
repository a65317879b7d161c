"""What `arca smoke` asks: each probe is a question to a stack, and gives one or more answers.

The paths are those of docs/service-contract.md; what the edge adds to an answer is what
components/edge/rules.py declares.
"""

import json
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from arca.check import Check
from arca.smoke.web import Address, Answer, Deadline, NoAnswer, ask, connect, secure

LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"
BUSINESS_PATH = "/v1/status"
HSTS_SECONDS = 31_536_000
"""What a zone declares unless its settings say otherwise (`edge.hsts_seconds`)."""
CERTIFICATE_DAYS = 14
"""An edge that renews by itself has done so long before: at fourteen somebody has to look."""
TLS_PORT = 443
PLAIN_PORTS = {443: 80}
"""The plain port that belongs to a TLS port."""
TEST_PORT = 8443
"""The load balancer's test listener, which the edge is not in front of."""
DAY = 24 * 60 * 60
REDIRECTS = (301, 302, 303, 307, 308)
VERSION = re.compile(r"/\s*v?\d|\d\.\d")
TLS11_HELLO_SUITES = bytes.fromhex("c009c00ac013c014002f0035")
"""ECDHE with ECDSA, ECDHE with RSA, RSA; AES-128 and AES-256 in CBC mode (RFC 8422, RFC 5246)."""


@dataclass(frozen=True)
class Aim:
    """What is asked, and what of it must be so.

    `load_balancer` is its own name, None where there is none; `stands_by` and `has_cache` say
    what the stack is in.
    """

    address: Address
    load_balancer: str | None
    stands_by: bool
    has_cache: bool
    context: ssl.SSLContext

    def ask(self, path: str, deadline: Deadline) -> Answer:
        """GET a path; raises NoAnswer."""
        tls = self.context if self.address.scheme == "https" else None
        return ask(self.address, path, deadline=deadline, context=tls)


Probe = Callable[[Aim, Deadline], list[Check]]


def live(aim: Aim, deadline: Deadline) -> list[Check]:
    """The process works."""
    status = aim.ask(LIVE_PATH, deadline).status
    return [_check("live", status == 200, f"status {status}")]


def ready(aim: Aim, deadline: Deadline) -> list[Check]:
    """It can serve; database and cache by themselves where the answer names them.

    A stack that stands by has no cache, and must say that it cannot serve.
    """
    answer = aim.ask(READY_PATH, deadline)
    if aim.stands_by:
        found = _check("ready", answer.status == 503, f"status {answer.status}, and it stands by")
    else:
        found = _check("ready", answer.status == 200, f"status {answer.status}")
    named = _named(answer)
    cache = (
        _part("cache", named)
        if aim.has_cache and not aim.stands_by
        else Check("cache", "SKIPPED", "the stack stands by" if aim.stands_by else "it has none")
    )
    return [found, _part("database", named), cache]


def business(aim: Aim, deadline: Deadline) -> list[Check]:
    """The read-only path through everything answers with a JSON object."""
    if aim.stands_by:
        return [Check("business", "SKIPPED", "the stack stands by and serves nobody")]
    answer = aim.ask(BUSINESS_PATH, deadline)
    if answer.status != 200:
        return [Check("business", "FAILED", f"status {answer.status}")]
    if not answer.whole:
        return [Check("business", "FAILED", "the answer is longer than 64 KiB")]
    return [_check("business", _object(answer) is not None, "a JSON object", "no JSON object")]


def tls(aim: Aim, deadline: Deadline) -> list[Check]:
    """TLS 1.2 or newer, a verified certificate, and time left on it."""
    if aim.address.scheme == "http":
        return [Check("tls", "SKIPPED", "asked in plain HTTP")]
    host, port = aim.address.host, aim.address.port
    with secure(connect(host, port, deadline), aim.context, host, deadline) as made:
        version, certificate = made.version(), cast("dict[str, Any]", made.getpeercert())
    days = int((ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) // DAY)
    said = f"{version}, certificate ends in {days} days"
    wanted = f"{said}, {CERTIFICATE_DAYS} wanted"
    return [_check("tls", days >= CERTIFICATE_DAYS, said, wanted)]


def tls_1_1(aim: Aim, deadline: Deadline) -> list[Check]:
    """TLS 1.1 is refused.

    The greeting is written by hand, for an OpenSSL of today refuses to send it. A server that
    takes it answers with a handshake record, one that does not with an alert or by closing
    (RFC 4346, sections 6.2.1 and 7.2).
    """
    if aim.address.scheme == "http":
        return [Check("tls-1.1", "SKIPPED", "asked in plain HTTP")]
    with connect(aim.address.host, aim.address.port, deadline) as made:
        made.settimeout(deadline.left())
        try:
            made.sendall(greeting(aim.address.host))
            # A record is its kind, its version and its length; a handshake's first byte follows.
            record = made.recv(5, 0)
        except TimeoutError:
            raise deadline.missed() from None
        except ConnectionError:
            record = b""
    taken = record.startswith(b"\x16")
    return [_check("tls-1.1", not taken, "refused", "the server speaks TLS 1.1")]


def greeting(name: str) -> bytes:
    """A TLS 1.1 ClientHello for a host (RFC 4346, section 7.4.1.2; RFC 6066, section 3)."""
    extensions = _extension(0, _sized(b"\x00" + _sized(name.encode())))
    # Curves secp256r1 and secp384r1, uncompressed points (RFC 8422, section 5.1).
    extensions += _extension(10, _sized(bytes.fromhex("00170018")))
    extensions += _extension(11, b"\x01\x00")
    hello = b"\x03\x02" + bytes(32) + b"\x00"
    hello += _sized(TLS11_HELLO_SUITES) + b"\x01\x00" + _sized(extensions)
    return b"\x16\x03\x01" + _sized(b"\x01\x00" + _sized(hello))


def headers(aim: Aim, deadline: Deadline) -> list[Check]:
    """What the edge adds to every answer, what the service does, and no version of the server.

    The edge is not asked for in plain HTTP, nor on the test listener.
    """
    found = aim.ask(LIVE_PATH, deadline).headers
    at_edge = aim.address.scheme == "https" and aim.address.port != TEST_PORT
    wrong = [*(_edge_faults(found) if at_edge else ()), *_service_faults(found)]
    said = "HSTS, nosniff, correlation id" if at_edge else "correlation id; the edge is not asked"
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


def origin_lock(aim: Aim, deadline: Deadline) -> list[Check]:
    """The load balancer answers nobody who does not come through our Cloudflare zone.

    With TLS 1.3 the server judges the client's certificate after the client's handshake has
    ended (RFC 8446, section 4.4.2.4), so that only a request shows it. Whatever is no proof of a
    refusal is a failure.
    """
    if aim.load_balancer is None:
        return [Check("origin-lock", "SKIPPED", "there is no load balancer")]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Nothing is sent that is secret, and its certificate does not bear the load balancer's name.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        answer = ask(
            aim.address,
            LIVE_PATH,
            deadline=deadline,
            context=context,
            at=(aim.load_balancer, TLS_PORT),
        )
    except NoAnswer as failure:
        refused = failure.why in {"refused", "unanswered", "closed"} or (
            failure.why == "tls" and "ALERT" in str(failure)
        )
        return [_check("origin-lock", refused, str(failure), f"no refusal: {failure}")]
    return [Check("origin-lock", "FAILED", f"answers around the edge: status {answer.status}")]


def plain_http(aim: Aim, deadline: Deadline) -> list[Check]:
    """Plain HTTP leads to HTTPS, or nowhere."""
    if aim.address.scheme == "http":
        return [Check("http", "SKIPPED", "asked in plain HTTP")]
    host, port = aim.address.host, PLAIN_PORTS.get(aim.address.port)
    if port is None:
        return [Check("http", "SKIPPED", f"no plain port belongs to port {aim.address.port}")]
    try:
        answer = ask(Address("http", host, port), LIVE_PATH, deadline=deadline, context=None)
    except NoAnswer as failure:
        refused = failure.why in {"refused", "unanswered", "closed"}
        return [_check("http", refused, str(failure))]
    to = urlsplit(answer.headers.get("location", ""))
    good = answer.status in REDIRECTS and to.scheme == "https" and to.hostname == host
    where = f"to {to.scheme}://{to.netloc}" if to.netloc else "in plain HTTP"
    return [_check("http", good, f"status {answer.status} {where}")]


PROBES: Mapping[tuple[str, ...], Probe] = {
    ("live",): live,
    ("ready", "database", "cache"): ready,
    ("business",): business,
    ("tls",): tls,
    ("tls-1.1",): tls_1_1,
    ("headers",): headers,
    ("origin-lock",): origin_lock,
    ("http",): plain_http,
}
"""Each probe by the names of its checks; where there is no answer the first has failed."""


def _check(name: str, good: bool, said: str, wrong: str | None = None) -> Check:  # noqa: FBT001 - a verdict in the making
    return Check(name, "OK" if good else "FAILED", said if good or wrong is None else wrong)


def _object(answer: Answer) -> dict[str, Any] | None:
    try:
        found = json.loads(answer.body)
    except ValueError:
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def _named(answer: Answer) -> dict[str, Any]:
    """The parts that the answer of readiness names."""
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
