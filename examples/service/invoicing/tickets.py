"""The login ticket of all tasks: in memory, in the cache and in the database.

WSAA refuses a second ticket while one is valid, so that a lost ticket stops the service for up to
twelve hours. The database keeps the ticket through a restart of the cache and a failover.
"""

import asyncio
import json
from datetime import datetime

from invoicing.cache import Cache
from invoicing.clock import Clock
from invoicing.database import Database
from invoicing.errors import Unavailable
from invoicing.logs import Events
from invoicing.metrics import Metrics
from invoicing.soap import SoapFault
from invoicing.wsaa import ALREADY, LOGIN_SECONDS, SERVICE, Ticket, Wsaa

KEY = f"wsaa:{SERVICE}"
TRANSACTION_SECONDS = LOGIN_SECONDS + 5


class Tickets:
    """Finds a valid ticket, or gets one; one caller at a time in a task, and one task at a time."""

    def __init__(  # noqa: PLR0917
        self,
        wsaa: Wsaa,
        database: Database,
        cache: Cache | None,
        clock: Clock,
        events: Events,
        metrics: Metrics,
    ) -> None:
        self._wsaa, self._database, self._cache = wsaa, database, cache
        self._clock, self._events, self._metrics = clock, events, metrics
        self._kept: Ticket | None = None
        self._finding: asyncio.Task[Ticket] | None = None

    async def ticket(self) -> Ticket:
        """Return a valid ticket; raises Unavailable."""
        if self._kept is not None and self._is_valid(self._kept):
            self._metrics.count("ArcaTokenHits")
            return self._kept
        if self._finding is None or self._finding.done():
            self._finding = asyncio.create_task(self._find())
        # A request that gives up must not cancel a login whose answer comes only once.
        return await asyncio.shield(self._finding)

    async def forget(self, ticket: Ticket) -> None:
        """Drop a ticket that the agency does not accept."""
        if self._kept == ticket:
            self._kept = None
        if self._cache is not None:
            try:
                await self._cache.forget(KEY)
            except Unavailable:
                self._events.warn("cache.away", "A refused ticket stays in the cache")
        async with self._database.transaction() as session:
            await session.run(
                "UPDATE tickets SET expires_at = NULL "
                "WHERE service = %(service)s AND token = %(token)s",
                service=SERVICE,
                token=ticket.token,
            )

    async def _find(self) -> Ticket:
        self._kept = await self._cached() or await self._stored()
        return self._kept

    def _is_valid(self, ticket: Ticket) -> bool:
        return self._clock.now() < ticket.expires_at

    async def _cached(self) -> Ticket | None:
        if self._cache is None:
            return None
        try:
            text = await self._cache.get(KEY)
        except Unavailable:
            return None
        if text is None:
            return None
        found = json.loads(text)
        ticket = Ticket(found["token"], found["sign"], datetime.fromisoformat(found["expires_at"]))
        if not self._is_valid(ticket):
            return None
        self._metrics.count("ArcaTokenHits")
        return ticket

    async def _stored(self) -> Ticket:
        """Return the database's ticket; get one where it has none.

        The row's lock lasts while WSAA is asked, twice a day: no two tasks may ask at once.
        """
        async with self._database.transaction(TRANSACTION_SECONDS) as session:
            await session.run(
                "INSERT INTO tickets (service) VALUES (%(service)s) ON CONFLICT DO NOTHING",
                service=SERVICE,
            )
            row = await session.one(
                "SELECT * FROM tickets WHERE service = %(service)s FOR UPDATE", service=SERVICE
            )
            if row is not None and row["expires_at"] is not None:
                ticket = Ticket(row["token"], row["sign"], row["expires_at"])
                if self._is_valid(ticket):
                    self._metrics.count("ArcaTokenHits")
                    await self._put(ticket)
                    return ticket
            self._metrics.count("ArcaTokenMisses")
            ticket = self._kept = await self._login()
            # First the cache: whatever happens to this transaction, another task finds it there.
            await self._put(ticket)
            await session.run(
                """
                UPDATE tickets SET token = %(token)s, sign = %(sign)s, expires_at = %(expires)s
                WHERE service = %(service)s
                """,
                service=SERVICE,
                token=ticket.token,
                sign=ticket.sign,
                expires=ticket.expires_at,
            )
        return ticket

    async def _login(self) -> Ticket:
        try:
            return await self._wsaa.login()
        except SoapFault as fault:
            if fault.code == ALREADY:
                message = "WSAA says that a ticket is valid, and nobody here has it"
                self._events.fail("arca.ticket_lost", message, "TicketLost")
            else:
                self._events.fail(
                    "arca.login", f"WSAA refused the login: {fault.code}", "WsaaFault"
                )
            raise Unavailable("arca", fault.code) from None

    async def _put(self, ticket: Ticket) -> None:
        if self._cache is None:
            return
        value = {
            "token": ticket.token,
            "sign": ticket.sign,
            "expires_at": ticket.expires_at.isoformat(),
        }
        seconds = int((ticket.expires_at - self._clock.now()).total_seconds())
        try:
            await self._cache.put(KEY, json.dumps(value), max(1, seconds))
        except Unavailable as error:
            self._events.warn("cache.away", f"The ticket is in the database only: {error.cause}")
