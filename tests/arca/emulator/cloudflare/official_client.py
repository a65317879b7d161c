"""Cloudflare's own client on the double, in this process and with a clock that stands."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import httpx
from cloudflare import APIStatusError, Cloudflare

from arca.clock import Clock
from arca.emulator.cloudflare import PREFIX
from arca.emulator.cloudflare.api import CloudflareApi
from arca.emulator.cloudflare.state import OwnedZone
from arca.emulator.ecs.clock import ManualClock
from arca.zone_plans import Plan

ZONE = "a" * 32
ACCOUNT = "b" * 32
DOMAIN = "arca.example"
BASE = f"http://127.0.0.1{PREFIX}"


@dataclass(frozen=True)
class Emulated:
    """A double with one zone, and a client that validates every answer against its models."""

    clock: ManualClock
    api: CloudflareApi
    client: Any
    """Cloudflare's client; the tests also send what its types refuse."""

    def advance(self, **step: float) -> None:
        """Let time pass."""
        self.clock.set(self.clock.now() + timedelta(**step))

    def raw(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request as a client without types does."""
        transport = httpx.WSGITransport(app=cast("Any", self.api))
        headers = more.pop("headers", {"Authorization": "Bearer any"})
        with httpx.Client(transport=transport, trust_env=False) as client:
            return client.request(method, f"{BASE}{path}", headers=headers, **more)


def emulated(plan: Plan = "pro") -> Emulated:
    """Return a double whose zone has a plan."""
    clock = ManualClock(Clock().now())
    api = CloudflareApi(clock.now)
    api.add_zone(OwnedZone(id=ZONE, name=DOMAIN, account=ACCOUNT, plan=plan))
    transport = httpx.WSGITransport(app=cast("Any", api))
    client = Cloudflare(
        api_token="any",  # noqa: S106 - the double takes any
        base_url=BASE,
        max_retries=0,
        http_client=httpx.Client(transport=transport, trust_env=False),
        _strict_response_validation=True,
    )
    return Emulated(clock, api, client)


def refusal(error: APIStatusError) -> tuple[int, int, str]:
    """Return the status, the code and the message of a refusal, whose envelope is complete."""
    body = cast("dict[str, Any]", error.body)
    assert (body["success"], body["result"], body["messages"]) == (False, None, [])
    (first,) = body["errors"]
    return error.status_code, first["code"], first["message"]
