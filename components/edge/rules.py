"""The zone's rules, phase by phase: data in, rules out.

Every rule carries a `ref`: without one Cloudflare makes the later rules anew whenever an earlier
one changes.
"""

from collections.abc import Sequence

import pulumi_cloudflare as cloudflare

from components.edge.spec import EdgeSpec

Rule = cloudflare.RulesetRuleArgs
Parameters = cloudflare.RulesetRuleActionParametersArgs

MANAGED_RULESET = "efb7b8c949ac4650a09736fc376e9aee"
"""Cloudflare Managed Ruleset; the id is the same in every zone (Cloudflare WAF documentation,
"WAF Managed Rules")."""
PROBE_AGENT = "Amazon-Route53-Health-Check-Service"
"""Beginning of the user agent that Route 53's checkers send (Amazon Route 53 Developer Guide,
"How Route 53 determines whether a health check is healthy")."""


def begins(paths: Sequence[str]) -> str:
    """A Cloudflare expression that holds when the path begins with one of these."""
    return " or ".join(f'starts_with(http.request.uri.path, "{path}")' for path in paths)


def cache(spec: EdgeSpec) -> list[Rule]:
    """Nothing is cached but what the settings name: an invoice must never be."""
    return [
        Rule(
            ref="never",
            description="Answers belong to one customer",
            expression="true",
            action="set_cache_settings",
            action_parameters=Parameters(cache=False),
        ),
        *(
            [
                Rule(
                    ref="public",
                    description="What is the same for everybody",
                    expression=begins(spec.cache_paths),
                    action="set_cache_settings",
                    action_parameters=Parameters(
                        cache=True,
                        edge_ttl={"mode": "override_origin", "default": spec.cache_seconds},
                        serve_stale={"disable_stale_while_updating": False},
                    ),
                )
            ]
            if spec.cache_paths
            else []
        ),
    ]


def custom(spec: EdgeSpec, *, health_path: str) -> list[Rule]:
    """What nobody outside may ask, and what must not be challenged."""
    probe = (
        f'http.request.uri.path eq "{health_path}" and '
        f'starts_with(http.user_agent, "{PROBE_AGENT}")'
    )
    return [
        Rule(
            ref="health-checks",
            description="Health checks: a challenge would fail the region over",
            expression=probe,
            action="skip",
            action_parameters=Parameters(
                ruleset="current", phases=["http_request_firewall_managed"]
            ),
            logging={"enabled": True},
        ),
        *(
            [
                Rule(
                    ref="internal",
                    description="Paths that are for ourselves",
                    expression=begins(spec.blocked_paths),
                    action="block",
                )
            ]
            if spec.blocked_paths
            else []
        ),
    ]


def managed(spec: EdgeSpec) -> list[Rule]:
    """Cloudflare's managed rules, or none."""
    if not spec.managed_waf:
        return []
    return [
        Rule(
            ref="cloudflare-managed",
            description="Cloudflare Managed Ruleset",
            expression="true",
            action="execute",
            action_parameters=Parameters(id=MANAGED_RULESET),
        )
    ]


def rate_limits(spec: EdgeSpec) -> list[Rule]:
    """One rule for each limit, in the order of the settings."""
    return [
        Rule(
            ref=f"limit-{limit.path.strip('/').replace('/', '-') or 'all'}",
            description=f"{limit.requests} in {limit.period_seconds} s on {limit.path}",
            expression=begins([limit.path]),
            action="block",
            ratelimit={
                "characteristics": ["cf.colo.id", "ip.src"],
                "period": limit.period_seconds,
                "requests_per_period": limit.requests,
                "mitigation_timeout": limit.timeout_seconds,
            },
        )
        for limit in spec.rate_limits
    ]


def settings(spec: EdgeSpec) -> dict[str, object]:
    """Zone settings by id; each is one resource (Cloudflare API, "Edit zone setting")."""
    return {
        "ssl": "strict",
        "min_tls_version": spec.minimum_tls,
        "tls_1_3": "on",
        "always_use_https": "on",
        "automatic_https_rewrites": "on",
        "http3": "on",
        "security_level": spec.security_level,
        "security_header": {
            "strict_transport_security": {
                "enabled": spec.hsts_seconds > 0,
                "max_age": spec.hsts_seconds,
                "include_subdomains": True,
                "preload": spec.hsts_preload,
                "nosniff": True,
            }
        },
    }
