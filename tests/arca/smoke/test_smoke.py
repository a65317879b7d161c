"""`arca smoke`, against real servers on loopback."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from arca.check import Check
from arca.outputs import Outputs
from arca.smoke import probes, smoke, web
from arca.stack import Stack
from components.edge import EdgeSpec
from components.load_balancer import TEST_PORT
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
    World,
    free_port,
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whom the tests' machines trust."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def world(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A fresh one."""
    with ExitStack() as opened:
        yield World(authority, monkeypatch, opened)


def failed(checks: Mapping[str, Check]) -> dict[str, str]:
    """What failed, and why."""
    return {name: check.detail for name, check in checks.items() if check.verdict == "FAILED"}


def test_the_numbers_are_those_of_the_program() -> None:
    """Operators' code may not read the components; what it repeats is the same."""
    assert ProbeSpec().business_path == probes.BUSINESS_PATH
    assert ProbeSpec().health_path == probes.READY_PATH
    assert EdgeSpec().hsts_seconds == probes.HSTS_SECONDS
    assert TEST_PORT == probes.TEST_PORT


def test_all_is_well(world: World) -> None:
    """Each check has asked what it says, in the shape that programs read."""
    stack = world.found()
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
    ("/health/ready", Said(503, b'{"checks": {"database": "down", "cache": "ok"}}'),
     {"ready": "status 503", "database": "down"}),
    ("/health/ready", Said(503, b'{"checks": {"database": "ok", "cache": "gone"}}'),
     {"ready": "status 503", "cache": "gone"}),
    ("/v1/status", Said(404), {"business": "status 404"}),
    ("/v1/status", Said(body=b"<html>"), {"business": "no JSON object"}),
    ("/v1/status", Said(body=b"[]"), {"business": "no JSON object"}),
    ("/v1/status", Said(body=b'{"a": "' + b"x" * web.BODY_LIMIT + b'"}'),
     {"business": "the answer is longer than 64 KiB"}),
    ("/health/live", Said(headers=HEADERS | {HSTS: ""}),
     {"headers": "no strict-transport-security"}),
    ("/health/live", Said(headers=HEADERS | {HSTS: "max-age=300; includeSubDomains"}),
     {"headers": "HSTS for 300 s, 31536000 wanted"}),
    ("/health/live", Said(headers=HEADERS | {HSTS: "max-age=31536000"}),
     {"headers": "HSTS without includeSubDomains"}),
    ("/health/live", Said(headers=HEADERS | {"X-Content-Type-Options": ""}),
     {"headers": "no x-content-type-options: nosniff"}),
    ("/health/live", Said(headers=HEADERS | {"X-Correlation-Id": ""}),
     {"headers": "no x-correlation-id"}),
)  # fmt: skip # a table


@pytest.mark.parametrize(("path", "said", "wanted"), NOT_WELL)
def test_an_answer_that_is_not_well(
    world: World, path: str, said: Said, wanted: dict[str, str]
) -> None:
    """Only the check that is about it fails, with the reason."""
    world.answers[path] = said
    assert failed(world.run()) == wanted


def test_a_server_that_says_its_version(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attacker need not be told."""
    monkeypatch.setattr("tests.arca.smoke.served.Handler.server_version", "nginx/1.25.3")
    assert failed(world.run()) == {"headers": "server says its version: nginx/1.25.3"}


def test_readiness_that_names_no_parts(world: World) -> None:
    """It is ready, and nothing more is known."""
    world.answers["/health/ready"] = Said(body=b"ready")
    found = world.run()
    assert failed(found) == {}
    assert (found["ready"].verdict, found["database"].verdict) == ("OK", "SKIPPED")
    assert found["database"].detail == "/health/ready does not name it"


@pytest.mark.parametrize(("status", "wanted"), [(503, set[str]()), (200, {"ready"})])
def test_a_stack_that_stands_by(world: World, status: int, wanted: set[str]) -> None:
    """It must not say that it can serve, and is asked by the name that is always its own."""
    world.answers["/health/ready"] = Said(status)
    world.outputs |= {"role": "secondary", "phase": "standby", "cache": None}
    stack = world.stack()
    edge = stack.outputs.edge.model_copy(
        update={"regional_url": stack.outputs.edge.url, "url": "https://primary.invalid"}
    )
    stack = Stack("dr", stack.outputs.model_copy(update={"edge": edge}), None)
    report = smoke.run(stack, url=None, timeout=TIMEOUT)
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
    world: World, authority: Authority, days: float, said: str
) -> None:
    """Soon is a failure of its own; an expired one is no answer at all."""
    world.context = authority.context(days=days)
    found = failed(world.run())
    assert said in found["tls"]
    assert set(found) == ({"tls"} if days > 0 else {"tls", "live", "ready", "business", "headers"})


def test_a_certificate_of_another_host(world: World, authority: Authority) -> None:
    """Nothing is believed that such a server says."""
    world.context = authority.context("other.example")
    found = failed(world.run())
    assert set(found) == {"tls", "live", "ready", "business", "headers"}
    assert all("Hostname mismatch" in said for said in found.values())


def test_a_server_that_speaks_tls_1_1(world: World) -> None:
    """Found, though the OpenSSL of this machine would not ask."""
    world.context.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        world.context.minimum_version = ssl.TLSVersion.TLSv1_1
    assert failed(world.run()) == {"tls-1.1": "the server speaks TLS 1.1"}


def test_an_origin_that_wants_our_certificate(world: World, authority: Authority) -> None:
    """In TLS 1.3 the refusal comes after the handshake."""
    origin = world.serve(WELL, authority.context("origin.example", locked=True))
    world.origin = origin.port
    check = world.run()["origin-lock"]
    assert check.verdict == "OK"
    assert "CERTIFICATE_REQUIRED" in check.detail or "closed" in check.detail
    assert origin.asked == []


def test_an_origin_that_answers(world: World, authority: Authority) -> None:
    """Whatever it answers, and with whatever certificate; asked as the edge asks."""
    for status in (200, 421, 503):
        answers = {"/health/live": Said(status)}
        origin = world.serve(answers, authority.context("origin.example"))
        world.origin = origin.port
        said = f"answers around the edge: status {status}"
        assert failed(world.run()) == {"origin-lock": said}
        assert origin.asked[0][1].startswith("localhost:")


def test_an_origin_that_is_no_proof(world: World) -> None:
    """Plain HTTP where TLS should be, and silence, are no refusal."""
    world.origin = world.serve(WELL).port
    assert failed(world.run())["origin-lock"].startswith("no refusal: TLS: ")
    with socket.create_server((LOOPBACK, 0)) as silent:
        world.origin = silent.getsockname()[1]
        assert failed(world.run(timeout=0.4)) == {
            "origin-lock": "no refusal: no answer within 0.4 s"
        }


def test_plain_http(world: World) -> None:
    """Refused is well; content, or a redirect to elsewhere, is not."""
    assert world.run(plain=free_port())["http"].verdict == "OK"
    assert failed(world.run(plain=world.serve(WELL).port)) == {"http": "status 200 in plain HTTP"}
    for to in ("http://localhost/", "https://other.example/"):
        found = failed(world.run(plain=world.redirect(301, to).port))
        assert found == {"http": f"status 301 to {to.rstrip('/')}"}


def test_a_slow_server(world: World) -> None:
    """A check that waits fails by itself; what its answer would have said is not known."""
    held = threading.Event()
    world.answers["/health/ready"] = Said(held=held)
    began = time.monotonic()
    found = world.run(timeout=0.5)
    assert time.monotonic() - began < 1.4
    held.set()
    assert failed(found) == {"ready": "no answer within 0.5 s"}
    assert found["database"].detail == "ready has no answer"
    assert 400 < found["ready"].milliseconds < 1400


def test_a_resolver_that_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole run is bounded even where a step cannot be."""
    monkeypatch.setattr(smoke, "GRACE_SECONDS", 0.1)
    held, resolve = threading.Event(), socket.getaddrinfo

    def hang(host: str, *rest: Any, **options: Any) -> Any:
        """The load balancer's name alone has no end."""
        if host == LOOPBACK:
            held.wait(5)
        return resolve(host, *rest, **options)

    stack = world.stack()
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    began = time.monotonic()
    report = smoke.run(stack, url=None, timeout=0.5)
    assert time.monotonic() - began < 1.2
    held.set()
    assert [(check.name, check.detail) for check in report.failed] == [
        ("origin-lock", "did not end within 0.5 s")
    ]


def test_nobody_listens(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each check says so; a name without an address proves no lock."""
    resolve, name = socket.getaddrinfo, world.outputs["service"]["load_balancer_dns_name"]

    def without(host: str, *rest: Any, **options: Any) -> Any:
        """The load balancer's name is gone."""
        if host == name:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return resolve(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", without)
    stack = Stack("prod", Outputs.model_validate(world.outputs), None)
    report = smoke.run(stack, url=f"https://localhost:{free_port()}", timeout=TIMEOUT)
    found = {check.name: check.detail for check in report.failed}
    assert found.pop("origin-lock") == f"no refusal: {name} has no address: unknown"
    assert set(found) == {"live", "ready", "business", "tls", "tls-1.1", "headers"}
    assert set(found.values()) == {"the connection is refused"}
    skipped = {check.name: check.detail for check in report.checks if check.verdict == "SKIPPED"}
    assert skipped.pop("http").startswith("no plain port belongs to port ")
    assert set(skipped) == {"database", "cache"}


def test_the_test_listener(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The edge, which is not in front of it, adds nothing there."""
    world.answers["/health/live"] = Said(headers={"X-Correlation-Id": "8f0a1b2c"})
    stack = world.stack()
    monkeypatch.setattr(probes, "TEST_PORT", web.Address.parse(stack.outputs.edge.url).port)
    found = {check.name: check for check in smoke.run(stack, url=None, timeout=TIMEOUT).checks}
    assert failed(found) == {}
    assert found["headers"].detail == "correlation id; the edge is not asked"


def test_the_command_fails(world: World) -> None:
    """Exit code 1, and what failed."""
    world.answers["/v1/status"] = Said(500)
    world.found()
    result = arca("smoke")
    assert result.exit_code == 1
    assert "failed: business" in result.stdout
