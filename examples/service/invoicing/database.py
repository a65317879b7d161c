"""The database: a pool that recovers by itself, and sessions that measure each query."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from invoicing.clock import Clock
from invoicing.errors import Unavailable
from invoicing.logs import Events
from invoicing.metrics import Metrics
from invoicing.settings import DatabaseSettings
from invoicing.traces import Traces

Connection = psycopg.AsyncConnection[DictRow]
SLOW_MS = 1000
"""A query that takes longer has a log line of its own."""
CONNECT_SECONDS = 3
BORROW_SECONDS = 3
TRANSACTION_SECONDS = 10
"""A transaction that takes longer is cancelled: the server may hang in a failover."""
DEAD_PEER_MS = 5000
"""How long unacknowledged data may wait before the connection counts as lost."""
RECENTLY = 2.0
LOST = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    TimeoutError,
)
"""Failures that mean a lost or demoted server, and never a wrong query."""


class Demoted(psycopg.OperationalError):
    """The connection leads to a server that has become a standby."""


@dataclass(frozen=True)
class Measures:
    """What a query's time is written to."""

    metrics: Metrics
    events: Events
    traces: Traces
    fast_ms: float | None


@dataclass(frozen=True)
class Session:
    """A transaction in which statements run."""

    connection: Connection
    measures: Measures

    async def one(self, statement: str, **values: Any) -> DictRow | None:
        """Return the first row of a query."""
        found = await self._run(statement, values)
        return await found.fetchone()

    async def all(self, statement: str, **values: Any) -> list[DictRow]:
        """Return all rows of a query."""
        found = await self._run(statement, values)
        return await found.fetchall()

    async def run(self, statement: str, **values: Any) -> int:
        """Run a statement; return how many rows it changed."""
        return (await self._run(statement, values)).rowcount

    async def _run(self, statement: str, values: Mapping[str, Any]) -> psycopg.AsyncCursor[DictRow]:
        text = " ".join(statement.split())
        attributes = {"db.system.name": "postgresql", "db.query.text": text}
        started = time.perf_counter()
        try:
            with self.measures.traces.call("database", text.split(" ", 1)[0], attributes):
                return await self.connection.execute(text.encode(), values)
        finally:
            self._measure(text, (time.perf_counter() - started) * 1000)

    def _measure(self, text: str, took_ms: float) -> None:
        metrics, fast_ms = self.measures.metrics, self.measures.fast_ms
        metrics.count("Queries")
        metrics.observe("QueryDuration", took_ms)
        if fast_ms is not None:
            metrics.count("QueriesFast", took_ms <= fast_ms)
        metrics.count("SlowQueries", took_ms > SLOW_MS)
        if took_ms > SLOW_MS:
            self.measures.events.warn(
                "database.query",
                f"A query took {took_ms:.0f} ms",
                statement=text,
                duration_ms=round(took_ms, 3),
            )


class Database:
    """The pool of a task."""

    def __init__(
        self, settings: DatabaseSettings, clock: Clock, measures: Measures, *, stands_by: bool
    ) -> None:
        self._size, self._clock, self._measures = settings.pool_size, clock, measures
        self._stands_by = stands_by
        self._borrowed = self._waiting = 0
        self._answered = -RECENTLY
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            connection_class=psycopg.AsyncConnection[DictRow],
            kwargs={
                "host": settings.host,
                "port": settings.port,
                "dbname": settings.name,
                "user": settings.username,
                "password": settings.password,
                "sslmode": settings.sslmode,
                "application_name": "invoicing",
                "connect_timeout": CONNECT_SECONDS,
                "tcp_user_timeout": DEAD_PEER_MS,
                # RDS Proxy pins a connection that prepares statements (Amazon RDS User Guide,
                # "Avoiding pinning an RDS Proxy").
                "prepare_threshold": None,
                "row_factory": dict_row,
            },
            min_size=1,
            max_size=settings.pool_size,
            timeout=BORROW_SECONDS,
            check=self._check,
            # Its pauses double without a bound; a request that finds too few connections asks
            # for a new one anyway.
            reconnect_timeout=CONNECT_SECONDS,
            open=False,
        )

    async def open(self) -> None:
        """Start to connect; a database that is away does not stop the task from starting."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close(timeout=2)

    async def _check(self, connection: Connection) -> None:
        """Refuse a lost connection, and one to a server that was demoted by a failover.

        A refused connection is replaced; the new one follows the name to the new primary.
        """
        await AsyncConnectionPool.check_connection(cast("Any", connection))
        if not self._stands_by and connection.info.parameter_status("in_hot_standby") == "on":
            raise Demoted("the server is in recovery")

    @asynccontextmanager
    async def transaction(self, seconds: float = TRANSACTION_SECONDS) -> AsyncGenerator[Session]:
        """A transaction that commits at the end of the block; raises Unavailable.

        On standby it is read-only, whatever the server would allow.
        """
        try:
            async with asyncio.timeout(seconds), self._borrow() as connection:
                if connection.read_only is not self._stands_by:
                    await connection.set_read_only(self._stands_by)
                async with connection.transaction():
                    yield Session(connection, self._measures)
            self._answered = self._clock.monotonic()
        except LOST as error:
            raise Unavailable("database", type(error).__name__) from error

    @asynccontextmanager
    async def _borrow(self) -> AsyncGenerator[Connection]:
        metrics = self._measures.metrics
        self._waiting += 1
        # Those that wait although the pool may still hand one out wait for the network at most.
        metrics.peak("PoolWaiting", max(0, self._waiting + self._borrowed - self._size))
        try:
            connection = await self._pool.getconn()
        finally:
            self._waiting -= 1
        self._borrowed += 1
        metrics.peak("PoolUse", 100 * self._borrowed / self._size)
        try:
            yield connection
        finally:
            self._borrowed -= 1
            await self._pool.putconn(connection)

    async def answers(self) -> bool:
        """Return whether the database answers.

        A transaction of the last two seconds proves it: a pool that is merely busy must not take
        the task out of service.
        """
        if self._clock.monotonic() - self._answered < RECENTLY:
            return True
        try:
            async with asyncio.timeout(1), self.transaction() as session:
                return await session.one("SELECT 1 AS one") is not None
        except (Unavailable, TimeoutError):
            return False

    def measure(self) -> None:
        """Set the gauges of a pool that nobody used since the last line."""
        metrics = self._measures.metrics
        metrics.peak("PoolUse", 100 * self._borrowed / self._size)
        metrics.peak("PoolWaiting", 0)
