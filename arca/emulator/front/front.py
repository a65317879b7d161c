"""The front's process: its ports, and what it follows."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web

from arca.emulator.front import control, reader
from arca.emulator.front.cloudflare import Cloudflare
from arca.emulator.front.dns import CACHE_SECONDS, Resolver, UnresolvedName
from arca.emulator.front.load_balancer import Arrival, Balancing
from arca.emulator.front.ready import BalancerPorts, Ready
from arca.emulator.front.statistics import Statistics
from arca.emulator.front.watch import Watch

LOG = logging.getLogger(__name__)
HOST = "127.0.0.1"
POLL_SECONDS = 0.2
"""Seconds between two readings of rules and targets."""
LONGEST_PAUSE_SECONDS = 0.3
"""The pause after a reading grows with its duration up to this, so that a slow machine is not kept
busy. A task that stops gets SIGTERM only later (arca/emulator/ecs/task_scheduler.py)."""
DRAIN_SECONDS = 60.0
"""Seconds that requests in flight have when the front ends."""
KEEP_ALIVE_SECONDS = 60.0
BalancerPort = tuple[str, int]
"""A load balancer's ARN and a listener's port."""


@dataclass(frozen=True)
class FrontSettings:
    """How the front runs."""

    exports: Path
    ready: Path
    port: int = 0
    """The customers' port; 0 for any free one."""
    poll_seconds: float = POLL_SECONDS
    dns_cache_seconds: float = CACHE_SECONDS


class Front:
    """Serves customers, each listener and the control paths, each on a loopback port."""

    def __init__(
        self, settings: FrontSettings, client: reader.Client, monotonic: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self.statistics = Statistics()
        self.dead: set[str] = set()
        """Regions whose load balancers do not answer."""
        self._watch = Watch(client, settings.exports, monotonic)
        self._resolver = Resolver(cache_seconds=settings.dns_cache_seconds, monotonic=monotonic)
        self._listening: dict[BalancerPort, int] = {}
        """Loopback port of each listener."""
        self._sites: dict[int, web.SockSite] = {}
        self._ports: list[int] = []
        """The customers' port and the control port."""
        self._written: Ready | None = None
        self._reading = asyncio.Lock()

    async def serve(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then finish the requests in flight."""
        async with ClientSession(
            connector=TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        ) as session:
            self._balancing = Balancing(session, self.statistics)
            self._cloudflare = Cloudflare(
                self._balancing, self._resolver, self.statistics, dead=self.dead
            )
            server = web.Server(
                self._answer, access_log=None, auto_decompress=False, keepalive_timeout=60.0
            )
            self._runner = web.ServerRunner(server, shutdown_timeout=DRAIN_SECONDS)
            controls = web.AppRunner(control.application(self), access_log=None)
            await self._runner.setup()
            await controls.setup()
            following: asyncio.Task[None] | None = None
            try:
                await self._read()
                customers = await self._listen(self._runner, self._settings.port)
                self._ports = [customers, await self._listen(controls, 0)]
                await self._apply()
                following = asyncio.create_task(self._follow())
                stopped = asyncio.create_task(stop.wait())
                await asyncio.wait({following, stopped}, return_when=asyncio.FIRST_COMPLETED)
                stopped.cancel()
                if following.done():
                    following.result()
            finally:
                self._settings.ready.unlink(missing_ok=True)
                if following is not None:
                    following.cancel()
                    with suppress(asyncio.CancelledError):
                        await following
                await self._runner.cleanup()
                await controls.cleanup()

    async def refresh(self) -> None:
        """Read all of the cloud now, and route by it."""
        async with self._reading:
            await self._read(everything=True)
            await self._apply()

    def set_dead(self, regions: Iterable[str]) -> None:
        """Treat these regions' load balancers as dead, and all others as alive."""
        wanted = set(regions)
        self.dead.difference_update(self.dead - wanted)
        self.dead.update(wanted)

    def as_json(self) -> dict[str, Any]:
        """Return what the front knows, for a person who wonders where requests go."""
        table = self._balancing.table
        return {
            "default": self._cloudflare.sites.default,
            "names": {
                public: self._resolved(origin)
                for public, origin in self._cloudflare.sites.origins.items()
            },
            "dead": sorted(self.dead),
            "problems": self._watch.problems,
            "readings": self._watch.readings,
            "target_groups": {
                group.name: [str(target) for target in group.targets]
                for group in table.groups.values()
            },
            "balancers": [one.model_dump() for one in self._balancer_ports()],
        }

    def _resolved(self, origin: str) -> str:
        try:
            return self._resolver.resolve(origin)
        except UnresolvedName as problem:
            return problem.what

    async def _follow(self) -> None:
        while True:
            began = self._monotonic()
            async with self._reading:
                await self._read()
                await self._apply()
            took = self._monotonic() - began
            pause = min(took, LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(max(self._settings.poll_seconds, pause))

    async def _read(self, *, everything: bool = False) -> None:
        before = self._watch.problems
        await asyncio.to_thread(self._watch.read, everything=everything)
        for part, problem in self._watch.problems.items():
            if before.get(part) != problem:
                LOG.warning("%s: %s", part, problem)

    async def _apply(self) -> None:
        """Route by what was read last, and listen for new load balancers."""
        self._resolver.records = self._watch.records
        self._balancing.table = self._watch.table
        self._cloudflare.sites = self._watch.sites
        wanted = {
            (one.arn, listener.port)
            for one in self._watch.table.balancers
            for listener in one.listeners
        }
        for gone in set(self._listening) - wanted:
            await self._sites.pop(self._listening.pop(gone)).stop()
        for new in sorted(wanted - set(self._listening)):
            self._listening[new] = await self._listen(self._runner, 0)
        customers, controls = self._ports
        ready = Ready(
            pid=os.getpid(),
            customers=f"http://{HOST}:{customers}",
            control=f"http://{HOST}:{controls}",
            balancers=tuple(self._balancer_ports()),
        )
        if ready != self._written:
            ready.write(self._settings.ready)
            self._written = ready

    def _balancer_ports(self) -> list[BalancerPorts]:
        return [
            BalancerPorts(
                region=one.region,
                name=one.name,
                dns_name=one.dns_name,
                listeners={
                    str(port): f"http://{HOST}:{ours}"
                    for (arn, port), ours in sorted(self._listening.items())
                    if arn == one.arn
                },
            )
            for one in self._watch.table.balancers
        ]

    async def _listen(self, runner: web.BaseRunner, port: int) -> int:
        """Listen on a port; returns its number. Raises OSError if it is taken."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        site = web.SockSite(runner, listener, backlog=1024)
        await site.start()
        number = int(listener.getsockname()[1])
        self._sites[number] = site
        return number

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        port = request.transport.get_extra_info("sockname")[1]
        if request.headers.get("Expect", "").lower() == "100-continue":
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.statistics.in_flight += 1
        try:
            if port == self._ports[0]:
                return await self._cloudflare.answer(request)
            return await self._at_listener(request, port)
        finally:
            self.statistics.in_flight -= 1

    async def _at_listener(self, request: web.BaseRequest, port: int) -> web.StreamResponse:
        named = next((key for key, ours in self._listening.items() if ours == port), None)
        for balancer in self._balancing.table.balancers:
            listener = balancer.listener(named[1]) if named else None
            if named and listener and balancer.arn == named[0] and balancer.region not in self.dead:
                headers = list(request.headers.items())
                source = request.remote or HOST
                return await self._balancing.answer(
                    Arrival(request, balancer, listener, headers, source)
                )
        # Nobody is there any more.
        assert request.transport is not None
        request.transport.abort()
        return web.Response()
