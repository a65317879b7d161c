"""A task: everything that the process holds, from its start to its stop."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from weakref import WeakValueDictionary

from starlette.types import ASGIApp, Receive, Scope, Send

from invoicing.accounts import Tokens
from invoicing.api import Business, router
from invoicing.cache import Cache
from invoicing.clock import Clock
from invoicing.database import Database, Measures
from invoicing.documents import Documents
from invoicing.errors import Unavailable
from invoicing.health import Health
from invoicing.issuer import Issuer
from invoicing.limits import Limits
from invoicing.logs import Events
from invoicing.metrics import Metrics, emf
from invoicing.settings import Settings
from invoicing.soap import Soap
from invoicing.store import Backlog, Store
from invoicing.tickets import Tickets
from invoicing.traces import Traces
from invoicing.web import Observed
from invoicing.worker import Worker
from invoicing.wsaa import Wsaa
from invoicing.wsfe import Wsfe


class Service:
    """Wires the parts together."""

    def __init__(self, settings: Settings, clock: Clock, events: Events) -> None:
        self.settings, self.clock, self.events = settings, clock, events
        self.metrics = Metrics()
        self.traces = Traces(settings.otlp_url, settings.stage)
        measures = Measures(self.metrics, events, self.traces, settings.queries_fast_ms)
        self.database = Database(settings.database, clock, measures, stands_by=settings.stands_by)
        self.cache = Cache(settings.cache, self.traces) if settings.cache else None
        self.soap = Soap.of(settings.arca.timeout, self.traces)
        self.wsaa = Wsaa(settings.arca, self.soap, clock)
        tokens = Tokens(settings.jwt_key, settings.public_url, clock, self.metrics)
        wsfe = Wsfe(settings.arca.wsfe_url, self.soap)
        self.backlog = Backlog(self.database)
        issuer = Issuer(
            Store(self.database),
            wsfe,
            Tickets(self.wsaa, self.database, self.cache, clock, events, self.metrics),
            clock,
            events,
            self.metrics,
            settings.arca.timeout,
            WeakValueDictionary(),
        )
        self.worker = Worker(
            issuer, self.backlog, Documents(settings.documents_bucket, self.traces)
        )
        self.limits = Limits(self.cache, clock, events) if self.cache else None
        business = (
            Business(self.database, tokens, self.limits, issuer, self.worker, settings.arca.wait)
            if self.limits
            else None
        )
        health = Health(self.database, self.cache, wsfe, clock, events)
        self._routes = router(health, business)

    def app(self) -> ASGIApp:
        """Return the ASGI application."""
        observed = Observed(
            self._routes,
            self.settings.stage,
            self.settings.requests_fast_ms,
            self.clock,
            self.events,
            self.traces,
        )

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await self._live(receive, send)
            else:
                await observed(scope, receive, send)

        return app

    async def _live(self, receive: Receive, send: Send) -> None:
        """Follow the server's start and stop (ASGI, "Lifespan Protocol")."""
        await receive()
        async with self.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Hold connections and background work; the end writes the last metrics."""
        await self.database.open()
        if not self.settings.stands_by:
            self.worker.start()
        metering = asyncio.create_task(self._meter())
        self.events.note("service.start", "The service starts", stands_by=self.settings.stands_by)
        try:
            yield
        finally:
            await self.worker.stop()
            metering.cancel()
            with suppress(asyncio.CancelledError):
                await metering
            await self.write_metrics()
            await self.soap.close()
            if self.cache is not None:
                await self.cache.close()
            await self.database.close()
            self.traces.close()
            self.events.note("service.stop", "The service stops")

    async def _meter(self) -> None:
        while True:
            await asyncio.sleep(self.settings.metrics_seconds)
            await self.write_metrics()

    async def write_metrics(self) -> None:
        """Write the lines of the event `metrics`."""
        self.database.measure()
        self.metrics.gauge("ArcaCertificateDays", self.wsaa.certificate_days())
        if self.limits is not None:
            with suppress(Unavailable):
                self.metrics.gauge("QueueDepth", await self.backlog.depth())
            with suppress(Unavailable):
                self.metrics.gauge("ActiveUsers", await self.limits.active())
        for values in self.metrics.drain():
            fields = emf(self.settings.stage, self.clock.now(), values)
            self.events.note("metrics", "Metrics since the last such line", **fields)
