"""Tests of `arca.smoke.suite` and its probes, against real servers on loopback."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest

from arca.check import Check
from arca.clock import Clock
from arca.outputs import Outputs
from arca.smoke import probes, request, suite
from arca.stack import Stack
from components.edge import EdgeSpec
from components.probe import ProbeSpec
from tests.arca.emulated import arca
from tests.arca.smoke.served import (
    HEADERS,
    LOOPBACK,
    NAMES,
    TIMEOUT,
    WELL,
    Authority,
    Said,
    StackOnLoopback,
    free_port,
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that the tests' clients trust."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def served(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[StackOnLoopback]:
    """A healthy stack for each test."""
    with ExitStack() as opened:
        yield StackOnLoopback(authority, monkeypatch, opened)


def failed(checks: Mapping[str, Check]) -> dict[str, str]:
    """Return the details of the checks that failed, by name."""
    return {name: check.detail for name, check in checks.items() if check.verdict == "FAILED"}


def test_the_numbers_are_those_of_the_program() -> None:
    """The package `arca` may not import the components, so it repeats their numbers."""
    assert ProbeSpec().business_path == probes.BUSINESS_PATH
    assert ProbeSpec().health_path == probes.READY_PATH
    assert EdgeSpec().hsts_seconds == probes.HSTS_SECONDS


def test_all_is_well(served: StackOnLoopback) -> None:
    """Every check passes, and the JSON has the documented fields."""
    stack = served.found()
    result = arca("smoke", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert list(said) == ["checks", "stack", "url", "verdict"]
    assert (said["stack"], said["url"], said["verdict"]) == ("prod", stack.outputs.edge.url, "OK")
    assert [check["name"] for check in said["checks"]] == NAMES
    assert {check["verdict"] for check in said["checks"]} == {"OK"}
    assert set(said["checks"][0]) == {"name", "verdict", "detail", "milliseconds"}
    details = {check["name"]: check["detail"] for check in said["checks"]}
    assert details["tls"].startswith("TLSv1.3, certificate ends in 59 days")
    assert details["origin-lock"] == "the connection is refused"
    assert details["http"].startswith("status 301 to https://localhost:")
    assert max(check["milliseconds"] for check in said["checks"]) > 0
    assert "live: OK" in result.stderr
    table = arca("smoke").stdout
    assert "all is well" in table
    assert "certificate ends in 59 days" in table


HSTS = "Strict-Transport-Security"
NOT_WELL: tuple[tuple[str, Said, dict[str, str]], ...] = (
    ("/health/live", Said(500, headers=HEADERS), {"live": "status 500"}),
    ("/health/live", Said(301, headers={**HEADERS, "Location": "/"}), {"live": "status 301"}),
    (
        "/health/ready",
        Said(503, b'{"checks": {"database": "down", "cache": "ok"}}'),
        {"ready": "status 503", "database": "down"},
    ),
    (
        "/health/ready",
        Said(503, b'{"checks": {"database": "ok", "cache": "gone"}}'),
        {"ready": "status 503", "cache": "gone"},
    ),
    ("/v1/status", Said(404), {"business": "status 404"}),
    ("/v1/status", Said(body=b"<html>"), {"business": "not a JSON object"}),
    ("/v1/status", Said(body=b"[]"), {"business": "not a JSON object"}),
    (
        "/v1/status",
        Said(body=b'{"a": "' + b"x" * request.BODY_LIMIT + b'"}'),
        {"business": "the answer is longer than 64 KiB"},
    ),
    (
        "/health/live",
        Said(headers=HEADERS | {HSTS: ""}),
        {"headers": "no strict-transport-security"},
    ),
    (
        "/health/live",
        Said(headers=HEADERS | {HSTS: "max-age=300; includeSubDomains"}),
        {"headers": "HSTS for 300 s, 31536000 wanted"},
    ),
    (
        "/health/live",
        Said(headers=HEADERS | {HSTS: "max-age=31536000"}),
        {"headers": "HSTS without includeSubDomains"},
    ),
    (
        "/health/live",
        Said(headers=HEADERS | {"X-Content-Type-Options": ""}),
        {"headers": "no x-content-type-options: nosniff"},
    ),
    (
        "/health/live",
        Said(headers=HEADERS | {"X-Correlation-Id": ""}),
        {"headers": "no x-correlation-id"},
    ),
)


@pytest.mark.parametrize(("path", "said", "wanted"), NOT_WELL)
def test_an_answer_that_is_not_well(
    served: StackOnLoopback, path: str, said: Said, wanted: dict[str, str]
) -> None:
    """Only the check that is about it fails, with the reason."""
    served.answers[path] = said
    assert failed(served.run()) == wanted


def test_a_server_that_says_its_version(
    served: StackOnLoopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version in the header `Server` fails the check."""
    monkeypatch.setattr("tests.arca.smoke.served.Handler.server_version", "nginx/1.25.3")
    assert failed(served.run()) == {"headers": "server says its version: nginx/1.25.3"}


def test_readiness_that_names_no_parts(served: StackOnLoopback) -> None:
    """Database and cache are skipped."""
    served.answers["/health/ready"] = Said(body=b"ready")
    found = served.run()
    assert failed(found) == {}
    assert (found["ready"].verdict, found["database"].verdict) == ("OK", "SKIPPED")
    assert found["database"].detail == "/health/ready does not name it"


@pytest.mark.parametrize(("status", "wanted"), [(503, set[str]()), (200, {"ready"})])
def test_a_stack_that_stands_by(served: StackOnLoopback, status: int, wanted: set[str]) -> None:
    """Its readiness must be 503, and the requests go to its regional name."""
    served.answers["/health/ready"] = Said(status)
    served.outputs |= {"role": "secondary", "phase": "standby", "cache": None}
    stack = served.stack()
    edge = stack.outputs.edge.model_copy(
        update={"regional_url": stack.outputs.edge.url, "url": "https://primary.invalid"}
    )
    stack = Stack("dr", stack.outputs.model_copy(update={"edge": edge}), None)
    report = suite.run(stack, url=None, timeout=TIMEOUT)
    assert {check.name for check in report.failed} == wanted
    skipped = {check.name: check.detail for check in report.checks if check.verdict == "SKIPPED"}
    assert set(skipped) == {"database", "cache", "business"}
    assert skipped["cache"] == "the stack stands by"


EXPIRED = -10 * 365
"""Days: OpenSSL reads the system's clock, which is behind the tests' clock."""


@pytest.mark.parametrize(
    ("days", "said"), [(13.5, "ends in 13 days, 14 wanted"), (EXPIRED, "expired")]
)
def test_a_certificate_that_ends(
    served: StackOnLoopback, authority: Authority, days: float, said: str
) -> None:
    """One that ends soon fails `tls`; an expired one fails every check over TLS."""
    served.context = authority.context(days=days)
    found = failed(served.run())
    assert said in found["tls"]
    assert set(found) == ({"tls"} if days > 0 else {"tls", "live", "ready", "business", "headers"})


def test_the_days_of_a_certificate_are_counted_by_the_clock(served: StackOnLoopback) -> None:
    """The probes read no other clock than the one that they get."""

    class Later(Clock):
        """Is fifty days ahead."""

        def now(self) -> datetime:
            """Return that moment."""
            return super().now() + timedelta(days=50)

    assert failed(served.run(clock=Later())) == {
        "tls": "TLSv1.3, certificate ends in 9 days, 14 wanted"
    }


def test_a_certificate_of_another_host(served: StackOnLoopback, authority: Authority) -> None:
    """Every check over TLS fails."""
    served.context = authority.context("other.example")
    found = failed(served.run())
    assert set(found) == {"tls", "live", "ready", "business", "headers"}
    assert all("Hostname mismatch" in said for said in found.values())


def test_a_server_that_speaks_tls_1_1(served: StackOnLoopback) -> None:
    """The check finds it, even where OpenSSL would not send the ClientHello."""
    served.context.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        served.context.minimum_version = ssl.TLSVersion.TLSv1_1
    assert failed(served.run()) == {"tls-1.1": "the server speaks TLS 1.1"}


def test_an_origin_that_wants_our_certificate(
    served: StackOnLoopback, authority: Authority
) -> None:
    """In TLS 1.3 the refusal comes after the handshake."""
    origin = served.serve(WELL, authority.context("origin.example", locked=True))
    served.origin = origin.port
    check = served.run()["origin-lock"]
    assert check.verdict == "OK"
    assert "CERTIFICATE_REQUIRED" in check.detail or "closed" in check.detail
    assert origin.asked == []


def test_an_origin_that_answers(served: StackOnLoopback, authority: Authority) -> None:
    """Any answer fails the check, whatever its status and certificate."""
    for status in (200, 421, 503):
        answers = {"/health/live": Said(status)}
        origin = served.serve(answers, authority.context("origin.example"))
        served.origin = origin.port
        said = f"it answers without the edge: status {status}"
        assert failed(served.run()) == {"origin-lock": said}
        assert origin.asked[0][1].startswith("localhost:")


def test_an_origin_that_is_no_proof(served: StackOnLoopback) -> None:
    """Plain HTTP instead of TLS and silence prove no refusal."""
    served.origin = served.serve(WELL).port
    assert failed(served.run())["origin-lock"].startswith("no refusal: TLS: ")
    with socket.create_server((LOOPBACK, 0)) as silent:
        served.origin = silent.getsockname()[1]
        assert failed(served.run(timeout=0.4)) == {
            "origin-lock": "no refusal: no answer within 0.4 s"
        }


def test_plain_http(served: StackOnLoopback) -> None:
    """A closed port passes; content and a redirect to elsewhere fail."""
    assert served.run(plain=free_port())["http"].verdict == "OK"
    assert failed(served.run(plain=served.serve(WELL).port)) == {"http": "status 200 in plain HTTP"}
    for to in ("http://localhost/", "https://other.example/"):
        found = failed(served.run(plain=served.redirect(301, to).port))
        assert found == {"http": f"status 301 to {to.rstrip('/')}"}


def test_a_slow_server(served: StackOnLoopback) -> None:
    """Only the check that waits fails; those that need its answer are skipped."""
    held = threading.Event()
    served.answers["/health/ready"] = Said(held=held)
    began = time.monotonic()
    found = served.run(timeout=0.5)
    assert time.monotonic() - began < 1.4
    held.set()
    assert failed(found) == {"ready": "no answer within 0.5 s"}
    assert found["database"].detail == "ready has no answer"
    assert 400 < found["ready"].milliseconds < 1400


def test_a_resolver_that_hangs(served: StackOnLoopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends in time even if one step does not."""
    monkeypatch.setattr(suite, "GRACE_SECONDS", 0.1)
    held, resolve = threading.Event(), socket.getaddrinfo

    def hang(host: str, *rest: Any, **options: Any) -> Any:
        """Hang for the load balancer's name alone."""
        if host == LOOPBACK:
            held.wait(5)
        return resolve(host, *rest, **options)

    stack = served.stack()
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    began = time.monotonic()
    report = suite.run(stack, url=None, timeout=0.5)
    assert time.monotonic() - began < 1.2
    held.set()
    assert [(check.name, check.detail) for check in report.failed] == [
        ("origin-lock", "did not end within 0.5 s")
    ]


def test_nobody_listens(served: StackOnLoopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each check fails with the reason; a name without an address proves no lock."""
    resolve, name = socket.getaddrinfo, served.outputs["service"]["load_balancer_dns_name"]

    def without(host: str, *rest: Any, **options: Any) -> Any:
        """Know no address for the load balancer's name."""
        if host == name:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return resolve(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", without)
    stack = Stack("prod", Outputs.model_validate(served.outputs), None)
    report = suite.run(stack, url=f"https://localhost:{free_port()}", timeout=TIMEOUT)
    found = {check.name: check.detail for check in report.failed}
    assert found.pop("origin-lock") == f"no refusal: {name} has no address: unknown"
    assert set(found) == {"live", "ready", "business", "tls", "tls-1.1", "headers"}
    assert set(found.values()) == {"the connection is refused"}
    skipped = {check.name: check.detail for check in report.checks if check.verdict == "SKIPPED"}
    assert skipped.pop("http").startswith("no plain port belongs to port ")
    assert set(skipped) == {"database", "cache"}


def test_the_test_listener(served: StackOnLoopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no edge in front of it, so the headers of the edge are not expected."""
    served.answers["/health/live"] = Said(headers={"X-Correlation-Id": "8f0a1b2c"})
    stack = served.stack()
    monkeypatch.setattr(probes, "TEST_PORT", request.Address.parse(stack.outputs.edge.url).port)
    found = {check.name: check for check in suite.run(stack, url=None, timeout=TIMEOUT).checks}
    assert failed(found) == {}
    assert found["headers"].detail == "correlation id; there is no edge"


def test_the_command_fails(served: StackOnLoopback) -> None:
    """The exit code is 1, and the last line names the checks."""
    served.answers["/v1/status"] = Said(500)
    served.found()
    result = arca("smoke")
    assert result.exit_code == 1
    assert "failed: business" in result.stdout
