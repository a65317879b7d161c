"""What the platform asks: is the process alive, can it serve, does the business path work."""

import asyncio
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from invoicing.cache import Cache
from invoicing.clock import Clock
from invoicing.database import Database
from invoicing.errors import Unavailable
from invoicing.logs import Events
from invoicing.soap import SoapFault
from invoicing.wsfe import BadToken, Wsfe

DUMMY_SECONDS = 60
"""How old ARCA's own status may be."""
DUMMY_TIMEOUT = 2


@dataclass
class Health:
    """The two health checks and the status."""

    database: Database
    cache: Cache | None
    wsfe: Wsfe
    clock: Clock
    events: Events
    _ready: bool | None = None
    _dummy: tuple[float, str] | None = None

    def __post_init__(self) -> None:
        self._asking = asyncio.Lock()

    async def live(self, _: Request) -> Response:
        """Answer that the process works."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _: Request) -> Response:
        """Answer whether the task can serve; a task on standby never can."""
        database, cache = await asyncio.gather(self.database.answers(), self._cache_state())
        checks = {"database": "ok" if database else "unavailable", "cache": cache}
        ready = database and cache == "ok"
        if ready is not self._ready:
            self.events.note("health.ready" if ready else "health.not_ready", f"{checks}")
        self._ready = ready
        return JSONResponse({"checks": checks}, 200 if ready else 503)

    async def _cache_state(self) -> str:
        if self.cache is None:
            return "absent"
        return "ok" if await self.cache.answers() else "unavailable"

    async def status(self, _: Request) -> Response:
        """Read a row and a key, and say how ARCA is; ARCA's failure is not the API's."""
        async with self.database.transaction() as session:
            await session.one("SELECT id FROM accounts LIMIT 1")
        if self.cache is None:
            raise Unavailable("cache", "absent")
        await self.cache.get("status")
        return JSONResponse({"status": "ok", "arca": await self._arca()})

    async def _arca(self) -> str:
        """Return FEDummy's answer, a minute old at most; one request asks for all."""
        async with self._asking:
            now = self.clock.monotonic()
            if self._dummy is None or now - self._dummy[0] >= DUMMY_SECONDS:
                self._dummy = (now, await self._ask())
            return self._dummy[1]

    async def _ask(self) -> str:
        try:
            async with asyncio.timeout(DUMMY_TIMEOUT):
                servers = await self.wsfe.dummy()
        except (Unavailable, SoapFault, BadToken, TimeoutError):
            return "unavailable"
        return "ok" if all(state == "OK" for state in servers.values()) else "degraded"
