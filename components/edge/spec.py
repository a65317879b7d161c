"""The settings of the edge."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from arca.zone_plans import DEFAULT_PLAN, PLANS, Period, Plan, Timeout
from components.spec import Spec, UrlPath, WrongKey


class RateLimit(Spec):
    """A limit on the requests of one client to the paths with a common beginning."""

    path: UrlPath = Field(description="Beginning of the paths.")
    requests: int = Field(ge=1, description="Requests in the period before the client is refused.")
    period_seconds: Period = Field(
        default=60, description="Length of the period in seconds; the plan limits it."
    )
    timeout_seconds: Timeout = Field(
        default=60, description="Seconds that the client is refused; the plan limits them."
    )

    @property
    def per_minute(self) -> float:
        """Requests that the limit lets pass, as a rate."""
        return self.requests * 60 / self.period_seconds


class EdgeSpec(Spec):
    """Cloudflare's settings for the zone."""

    plan: Plan = Field(
        default=DEFAULT_PLAN,
        description="The zone's plan. On `free`, Cloudflare refuses managed WAF rules, health "
        "checks, a second rate limit, and periods and timeouts above 10 seconds.",
    )
    minimum_tls: Literal["1.2", "1.3"] = Field(
        default="1.2", description="Oldest TLS version that is accepted."
    )
    hsts_seconds: int = Field(
        default=31_536_000,
        ge=0,
        description="HSTS max-age in seconds, for subdomains too; 0 turns HSTS off.",
    )
    hsts_preload: bool = Field(
        default=False,
        description="Ask browsers to ship the domain as HTTPS-only. It is hard to undo.",
    )
    under_attack: bool = Field(
        default=False,
        description="Challenge every client, which stops customers' programs too. Without it, "
        "Cloudflare itself decides whom to challenge.",
    )
    cache_paths: tuple[UrlPath, ...] = Field(
        default=("/docs", "/static", "/openapi.json"),
        description="Beginnings of the paths that are cached; no other path ever is.",
    )
    cache_seconds: int = Field(
        default=3600, ge=0, description="Seconds that answers on `cache_paths` stay cached."
    )
    tiered_cache: bool = Field(
        default=True,
        description="Tiered cache: Cloudflare's data centers ask an upper tier before the origin.",
    )
    managed_waf: bool = Field(default=True, description="Run Cloudflare's managed WAF rules.")
    blocked_paths: tuple[UrlPath, ...] = Field(
        default=("/metrics", "/internal"),
        description="Beginnings of the paths that are blocked from outside.",
    )
    rate_limits: tuple[RateLimit, ...] = Field(
        default=(
            RateLimit(path="/v1/auth", requests=20),
            RateLimit(path="/v1", requests=600),
        ),
        description="Rate limits by client address. A request counts in every limit whose path it "
        "begins with. A list in the file replaces this one.",
    )
    owns_zone: bool = Field(
        default=True,
        description="Declare what exists once in a zone: TLS, cache and WAF settings, origin "
        "pulls. False in a review stack, which shares dev's zone.",
    )
    health_notifications: bool = Field(
        default=True,
        description="Cloudflare checks the region and e-mails the contact when its health changes.",
    )

    def wrong_keys(self) -> Iterator[WrongKey]:
        """Require what the plan allows, and one limit for each path.

        A second limit for the same path would hide the first.
        """
        yield from self._beyond_the_plan()
        paths = [limit.path for limit in self.rate_limits]
        for number, path in enumerate(paths):
            if paths.index(path) != number:
                yield WrongKey(f"rate_limits.{number}.path", "a path that no other limit has")

    def _beyond_the_plan(self) -> Iterator[WrongKey]:
        limits, on = PLANS[self.plan], f"on plan {self.plan}"
        if self.managed_waf and not limits.managed_ruleset:
            yield WrongKey("managed_waf", f"false {on}, which has no managed rules")
        if self.health_notifications and not limits.health_checks:
            yield WrongKey("health_notifications", f"false {on}, which has no health checks")
        if self.cache_paths and self.cache_seconds < limits.shortest_cache:
            yield WrongKey("cache_seconds", f"at least {limits.shortest_cache} {on}")
        if len(self.rate_limits) > limits.rate_limits:
            number = "one limit" if limits.rate_limits == 1 else f"{limits.rate_limits} limits"
            yield WrongKey("rate_limits", f"at most {number} {on}")
        for number, limit in enumerate(self.rate_limits):
            if limit.period_seconds > limits.longest_period:
                wanted = f"at most {limits.longest_period} {on}"
                yield WrongKey(f"rate_limits.{number}.period_seconds", wanted)
            if limit.timeout_seconds > limits.longest_timeout:
                wanted = f"at most {limits.longest_timeout} {on}"
                yield WrongKey(f"rate_limits.{number}.timeout_seconds", wanted)
