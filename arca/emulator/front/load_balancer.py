"""A load balancer's work on a request: find its rule, choose a target, pass it on.

Source of the errors: Elastic Load Balancing User Guide, "Troubleshoot your Application Load
Balancers", "The load balancer generates an HTTP error".
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import ClientError, ClientSession, ClientTimeout, ServerTimeoutError, web
from multidict import CIMultiDict
from yarl import URL

from arca.emulator.front import headers as http_headers
from arca.emulator.front.actions import FixedResponse, Forward, Redirect
from arca.emulator.front.conditions import HttpRequest, UnsupportedRule
from arca.emulator.front.headers import Headers
from arca.emulator.front.statistics import Outcome, Statistics
from arca.emulator.front.table import Listener, LoadBalancer, RoutingTable, Rule, Target
from arca.emulator.front.turns import Turns

CONNECT_SECONDS = 10
"""Seconds until a connection to a target has failed (page above, HTTP 504)."""
LOOPBACK = ("127.", "::1")
REASONS = {
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}


@dataclass(frozen=True)
class Arrival:
    """A request at a listener."""

    request: web.BaseRequest
    balancer: LoadBalancer
    listener: Listener
    headers: Headers
    """The request's headers, as whoever connected sent them."""
    source: str
    """The address of whoever connected."""
    replaced: Sequence[tuple[str, str]] = ()
    """Headers of the answer that whoever stands before the balancer sets."""

    def headers_of(self, given: Sequence[tuple[str, str]]) -> CIMultiDict[str]:
        """Return the headers of the answer."""
        found = CIMultiDict(given)
        for name, value in self.replaced:
            found[name] = value
        return found

    @property
    def target_form(self) -> str:
        """The path and the query, as they were sent."""
        text = self.request.raw_path
        # A client may name the whole URL (RFC 9112, section 3.2.2).
        return text if text.startswith("/") else URL(text, encoded=True).raw_path_qs

    def read(self) -> HttpRequest:
        """Return what the rules look at."""
        path, _, query = self.target_form.partition("?")
        return HttpRequest(
            method=self.request.method,
            host=http_headers.first(self.headers, "host") or "",
            path=path,
            query=query,
            headers=self.headers,
            source=self.source,
            port=self.listener.port,
        )


class TargetFailure(Exception):
    """A target did not answer; the load balancer answers with the status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Balancing:
    """Passes requests on to targets, by a routing table that may change at any time."""

    def __init__(self, session: ClientSession, statistics: Statistics) -> None:
        self.table = RoutingTable()
        self.turns = Turns()
        self._session, self._statistics = session, statistics

    async def answer(self, arrival: Arrival) -> web.StreamResponse:
        """Answer a request as the load balancer does, and count the answer."""
        read = arrival.read()
        try:
            rule = arrival.listener.rule(read)
        except UnsupportedRule as problem:
            return self._own(arrival, 500, reason="unsupported rule", body=f"{problem}\n")
        match rule.action:
            case FixedResponse(status, body, content_type):
                return self._own(
                    arrival, status, reason="fixed response", body=body, content_type=content_type
                )
            case Redirect() as redirect:
                location = redirect.location(read)
                return self._own(arrival, redirect.status, reason="redirect", location=location)
            case Forward() as forward:
                return await self._forward(arrival, rule, forward)

    async def _forward(self, arrival: Arrival, rule: Rule, forward: Forward) -> web.StreamResponse:
        group, target = self.turns.choose(rule.arn, forward, self.table)
        name = group.name if group else ""
        if target is None:
            return self._own(arrival, 503, reason="no target", group=name)
        self.turns.begin(target)
        try:
            return await self._pass_on(arrival, name, target)
        except TargetFailure as failure:
            return self._own(
                arrival,
                failure.status,
                reason=failure.reason,
                group=name,
                target=str(target),
                body=f"{failure.status} {REASONS[failure.status]}: {failure.reason} ({target})\n",
            )
        finally:
            self.turns.end(target)

    async def _pass_on(self, arrival: Arrival, group: str, target: Target) -> web.StreamResponse:
        if not target.address.startswith(LOOPBACK):
            raise TargetFailure(502, "a simulated task, which has no process")
        request, balancer = arrival.request, arrival.balancer
        sent = http_headers.through_balancer(
            arrival.headers,
            client=arrival.source,
            port=arrival.listener.port,
            trace=f"1-{secrets.token_hex(4)}-{secrets.token_hex(12)}",
            drop_invalid=balancer.drops_invalid_headers,
        )
        try:
            upstream = await self._session.request(
                request.method,
                URL(f"http://{target}{arrival.target_form}", encoded=True),
                headers=CIMultiDict(sent),
                data=request.content if request.body_exists else None,
                allow_redirects=False,
                timeout=ClientTimeout(
                    total=None, sock_connect=CONNECT_SECONDS, sock_read=balancer.idle_seconds
                ),
            )
        except (ServerTimeoutError, ClientError, OSError) as error:
            raise _failure(request, error) from None
        async with upstream:
            kept = http_headers.end_to_end(upstream.headers.items())
            response = web.StreamResponse(
                status=upstream.status,
                reason=upstream.reason,
                headers=arrival.headers_of([*kept]),
            )
            outcome = Outcome(upstream.status, balancer.region, group, str(target))
            self._statistics.count(outcome)
            try:
                await response.prepare(request)
                async for chunk in upstream.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
            except (ClientError, OSError, ServerTimeoutError):
                # The status is on its way; only the connection can tell that the rest is missing.
                self._statistics.broken += 1
                if request.transport is not None:
                    request.transport.abort()
        return response

    def _own(
        self,
        arrival: Arrival,
        status: int,
        *,
        reason: str,
        group: str = "",
        target: str = "",
        body: str | None = None,
        content_type: str = "text/plain",
        location: str | None = None,
    ) -> web.Response:
        """Answer without a target."""
        outcome = Outcome(status, arrival.balancer.region, group, target, reason)
        self._statistics.count(outcome)
        text = f"{status} {REASONS[status]}\n" if body is None and status in REASONS else body
        headers = arrival.headers_of([("Server", "awselb/2.0")])
        if location is not None:
            headers["Location"] = location
        return web.Response(
            status=status, text=text or "", content_type=content_type, headers=headers
        )


def _failure(request: web.BaseRequest, error: Exception) -> TargetFailure:
    if request.transport is None or request.transport.is_closing():
        return TargetFailure(502, "the client left")
    if isinstance(error, ServerTimeoutError):
        return TargetFailure(504, "the target did not answer in time")
    return TargetFailure(502, f"the target failed: {type(error).__name__}")
