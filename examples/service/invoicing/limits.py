"""Quotas per account, and how many accounts are active: both are counted in the cache."""

from dataclasses import dataclass

from invoicing.cache import Cache
from invoicing.clock import Clock
from invoicing.errors import ApiError, Unavailable
from invoicing.logs import Events

WINDOW_SECONDS = 60
ACTIVE_MINUTES = 5


@dataclass(frozen=True)
class Limits:
    """Counts requests per account and minute."""

    cache: Cache
    clock: Clock
    events: Events

    async def count(self, account_id: str, quota: int) -> None:
        """Count one request; raises ApiError with 429 over the quota.

        Without the cache every request passes: to refuse customers would be the larger harm.
        """
        now = self.clock.now().timestamp()
        window = int(now // WINDOW_SECONDS)
        try:
            counted = await self.cache.increment(f"quota:{account_id}:{window}", WINDOW_SECONDS)
            await self.cache.seen(f"active:{window}", account_id, WINDOW_SECONDS * 6)
        except Unavailable as error:
            self.events.warn("limits.open", f"The quota is not counted: {error.cause}")
            return
        if counted > quota:
            left = max(1, round((window + 1) * WINDOW_SECONDS - now))
            raise ApiError(
                429,
                "over_quota",
                f"The account may send {quota} requests a minute.",
                headers={"Retry-After": str(left)},
            )

    async def active(self) -> int:
        """Return how many accounts had a request in the last five minutes; raises Unavailable."""
        window = int(self.clock.now().timestamp() // WINDOW_SECONDS)
        keys = [f"active:{window - back}" for back in range(ACTIVE_MINUTES)]
        return await self.cache.distinct(*keys)
