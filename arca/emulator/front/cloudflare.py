"""Cloudflare's part of the way: the public name, the origin's address, headers and errors.

Source of the errors: Cloudflare documentation, "Cloudflare 5xx errors" (521, 523 and 530) and
"Cloudflare 1xxx errors" (1016).
"""

import secrets
from collections.abc import Collection

from aiohttp import web

from arca.emulator.front import headers as http_headers
from arca.emulator.front.conditions import host_name
from arca.emulator.front.dns import Resolver, UnresolvedName
from arca.emulator.front.load_balancer import Arrival, Balancing
from arca.emulator.front.sites import Sites
from arca.emulator.front.statistics import Outcome, Statistics

EDGE_ADDRESS = "173.245.48.1"
"""The address that load balancers see: one of Cloudflare's (cloudflare.com/ips)."""
HTTPS_PORT = 443
DATA_CENTER = "EZE"
"""The last part of CF-Ray: the airport of the data center, here Buenos Aires."""


class Cloudflare:
    """Answers customers' requests."""

    def __init__(
        self,
        balancing: Balancing,
        resolver: Resolver,
        statistics: Statistics,
        *,
        dead: Collection[str],
    ) -> None:
        self.sites = Sites({}, None, ())
        self._balancing, self._resolver, self._statistics = balancing, resolver, statistics
        self._dead = dead
        """Regions that do not answer; the front changes it."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a customer's request."""
        given = list(request.headers.items())
        ray = http_headers.first(given, "cf-ray") or f"{secrets.token_hex(8)}-{DATA_CENTER}"
        public = self.sites.public_name(host_name(http_headers.first(given, "host") or ""))
        if public is None:
            return self._error(ray, 530, "no stack is up")
        try:
            name = self._resolver.resolve(self.sites.origins[public])
        except UnresolvedName as problem:
            return self._error(ray, 530, "origin DNS error", f"1016\n{problem}")
        balancer = self._balancing.table.balancer(name)
        if balancer is None:
            return self._error(ray, 530, "origin DNS error", f"1016\n{name} is no load balancer")
        if balancer.region in self._dead:
            return self._error(ray, 523, "origin is unreachable", region=balancer.region)
        listener = balancer.listener(HTTPS_PORT)
        if listener is None:
            return self._error(ray, 521, "web server is down", region=balancer.region)
        client = request.remote or "127.0.0.1"
        headers = http_headers.through_cloudflare(given, host=public, client=client, ray=ray)
        arrival = Arrival(
            request,
            balancer,
            listener,
            headers,
            EDGE_ADDRESS,
            replaced=[("Server", "cloudflare"), ("CF-Ray", ray)],
        )
        return await self._balancing.answer(arrival)

    def _error(
        self, ray: str, status: int, reason: str, details: str = "", *, region: str = ""
    ) -> web.Response:
        self._statistics.count(Outcome(status, region, reason=reason))
        return web.Response(
            status=status,
            reason=reason,
            text=f"error code: {details or status}\n",
            headers={"Server": "cloudflare", "CF-Ray": ray},
        )
