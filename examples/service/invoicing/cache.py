"""The cache, which the service can do without: every call may answer that the cache is away."""

from collections.abc import Awaitable
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from invoicing.errors import Unavailable
from invoicing.settings import CacheSettings
from invoicing.traces import Traces

CALL_SECONDS = 0.5
AWAY = (RedisError, OSError, TimeoutError)


class Cache:
    """A client of Redis or Valkey."""

    def __init__(self, settings: CacheSettings, traces: Traces) -> None:
        self._traces = traces
        self._client = Redis(
            host=settings.host,
            port=settings.port,
            password=settings.token,
            ssl=settings.tls,
            socket_timeout=CALL_SECONDS,
            socket_connect_timeout=CALL_SECONDS,
            decode_responses=True,
            # One new attempt: a failover closes the connections that the client still has.
            retry=Retry(NoBackoff(), 1),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def answers(self) -> bool:
        """Return whether the cache answers."""
        try:
            await self._call("PING", cast("Any", self._client).ping())
        except Unavailable:
            return False
        return True

    async def get(self, key: str) -> str | None:
        """Return a value; raises Unavailable."""
        return await self._call("GET", self._client.get(key))

    async def put(self, key: str, value: str, seconds: int) -> None:
        """Store a value for some time; raises Unavailable."""
        await self._call("SET", self._client.set(key, value, ex=seconds))

    async def forget(self, key: str) -> None:
        """Remove a value; raises Unavailable."""
        await self._call("DEL", self._client.delete(key))

    async def increment(self, key: str, seconds: int) -> int:
        """Count in a key that ends after some time; raises Unavailable."""
        pipeline = self._client.pipeline(transaction=True)
        pipeline.incr(key)
        pipeline.expire(key, seconds, nx=False)
        counted, _ = await self._call("INCR", pipeline.execute())
        return int(counted)

    async def seen(self, key: str, member: str, seconds: int) -> None:
        """Add a member to a set that counts without listing; raises Unavailable."""
        pipeline = self._client.pipeline(transaction=True)
        pipeline.pfadd(key, member)
        pipeline.expire(key, seconds)
        await self._call("PFADD", pipeline.execute())

    async def distinct(self, *keys: str) -> int:
        """Return about how many members some sets have together; raises Unavailable."""
        return int(await self._call("PFCOUNT", self._client.pfcount(*keys)))

    async def _call(self, name: str, call: Awaitable[Any]) -> Any:
        try:
            with self._traces.call("cache", name, {"db.system.name": "redis"}):
                return await call
        except AWAY as error:
            raise Unavailable("cache", type(error).__name__) from error
