"""The edge's settings."""

from typing import Literal

from pydantic import Field

from components.spec import Spec


class RateLimit(Spec):
    """At most so many requests from one client to the paths that begin so."""

    path: str = Field(pattern="^/", description="Beginning of the path.")
    requests: int = Field(ge=1, description="Requests in the period before the client waits.")
    period_seconds: Literal[10, 60, 120, 300, 600, 3600] = Field(
        default=60, description="Seconds that the requests are counted over."
    )
    timeout_seconds: int = Field(
        default=60, ge=0, le=86400, description="Seconds that the client is refused then."
    )


class EdgeSpec(Spec):
    """The Cloudflare zone's settings."""

    minimum_tls: Literal["1.2", "1.3"] = Field(
        default="1.2", description="Oldest TLS version accepted."
    )
    hsts_seconds: int = Field(
        default=31_536_000,
        ge=0,
        description="Seconds of HSTS, subdomains included; 0 switches it off.",
    )
    hsts_preload: bool = Field(
        default=False,
        description="Ask browsers to ship the domain as HTTPS-only. Hard to take back.",
    )
    security_level: Literal["essentially_off", "low", "medium", "high", "under_attack"] = Field(
        default="medium", description="How readily a suspicious client is challenged."
    )
    cache_paths: tuple[str, ...] = Field(
        default=("/docs", "/static", "/openapi.json"),
        description="Beginnings of paths that are cached; everything else never is.",
    )
    cache_seconds: int = Field(
        default=3600, ge=0, description="Seconds that those stay in the cache."
    )
    tiered_cache: bool = Field(
        default=True, description="Ask one of Cloudflare's tiers, not all, for us."
    )
    managed_waf: bool = Field(default=True, description="Cloudflare's managed rules.")
    blocked_paths: tuple[str, ...] = Field(
        default=("/metrics", "/internal"),
        description="Beginnings of paths that nobody outside may ask.",
    )
    rate_limits: tuple[RateLimit, ...] = Field(
        default=(
            RateLimit(path="/v1/auth", requests=20),
            RateLimit(path="/v1", requests=600),
        ),
        description="Rate limits by client address, the first that matches.",
    )
    owns_zone: bool = Field(
        default=True,
        description="Declare what a zone has once: TLS, cache and WAF settings, origin pulls. "
        "False in a review stack, which shares the zone of dev.",
    )
    health_notifications: bool = Field(
        default=True,
        description="Cloudflare checks the region and writes to the contact when it changes.",
    )
