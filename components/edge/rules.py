"""The zone's rules of each phase, as pure functions of the settings.

Every rule carries a `ref`. Without it, a change of one rule makes Cloudflare recreate every
later rule.
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi_cloudflare as cloudflare

from components.edge.spec import EdgeSpec

MANAGED_RULESET = "efb7b8c949ac4650a09736fc376e9aee"
"""Id of the Cloudflare Managed Ruleset, the same in every zone (Cloudflare WAF documentation,
"WAF Managed Rules")."""
PROBE_AGENT = "Amazon-Route53-Health-Check-Service"
"""Beginning of the user agent of Route 53's health checkers (Amazon Route 53 Developer Guide,
"How Route 53 determines whether a health check is healthy")."""


SKIPPED_PHASES = ["http_ratelimit", "http_request_firewall_managed", "http_request_sbfm"]
SKIPPED_PRODUCTS = ["bic", "securityLevel", "uaBlock", "zoneLockdown"]
"""All that a rule can skip (Cloudflare WAF documentation, "Available skip options"). Bot Fight
Mode, which a person turns on in the dashboard, cannot be skipped and would fail the checks."""


def path_begins_with(paths: Sequence[str]) -> str:
    """Return the Cloudflare expression that is true when the path begins with one of these."""
    return " or ".join(f'starts_with(http.request.uri.path, "{path}")' for path in paths)


def cache_rules(spec: EdgeSpec) -> list[cloudflare.RulesetRuleArgs]:
    """Cache the paths that the settings name, and nothing else: no invoice may be cached."""
    return [
        cloudflare.RulesetRuleArgs(
            ref="never",
            description="Answers belong to one customer",
            expression="true",
            action="set_cache_settings",
            action_parameters=cloudflare.RulesetRuleActionParametersArgs(cache=False),
        ),
        *(
            [
                cloudflare.RulesetRuleArgs(
                    ref="public",
                    description="What is the same for everybody",
                    expression=path_begins_with(spec.cache_paths),
                    action="set_cache_settings",
                    action_parameters=cloudflare.RulesetRuleActionParametersArgs(
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


def custom_rules(spec: EdgeSpec, *, health_path: str) -> list[cloudflare.RulesetRuleArgs]:
    """Block internal paths, and never challenge Route 53's health checks."""
    probe = (
        f'http.request.uri.path eq "{health_path}" and '
        f'starts_with(http.user_agent, "{PROBE_AGENT}")'
    )
    return [
        cloudflare.RulesetRuleArgs(
            ref="health-checks",
            description="Health checks: a challenge would fail the region over",
            expression=probe,
            action="skip",
            action_parameters=cloudflare.RulesetRuleActionParametersArgs(
                ruleset="current", phases=SKIPPED_PHASES, products=SKIPPED_PRODUCTS
            ),
            logging={"enabled": True},
        ),
        *(
            [
                cloudflare.RulesetRuleArgs(
                    ref="internal",
                    description="Paths that are for ourselves",
                    expression=path_begins_with(spec.blocked_paths),
                    action="block",
                )
            ]
            if spec.blocked_paths
            else []
        ),
    ]


def managed_rules(spec: EdgeSpec) -> list[cloudflare.RulesetRuleArgs]:
    """Run Cloudflare's managed rules, where the settings enable them."""
    if not spec.managed_waf:
        return []
    return [
        cloudflare.RulesetRuleArgs(
            ref="cloudflare-managed",
            description="Cloudflare Managed Ruleset",
            expression="true",
            action="execute",
            action_parameters=cloudflare.RulesetRuleActionParametersArgs(id=MANAGED_RULESET),
        )
    ]


def rate_limit_rules(spec: EdgeSpec) -> list[cloudflare.RulesetRuleArgs]:
    """Return a rule for each limit, in the order of the settings."""
    return [
        cloudflare.RulesetRuleArgs(
            ref=f"limit-{limit.path.strip('/').replace('/', '-') or 'all'}",
            description=f"{limit.requests} in {limit.period_seconds} s on {limit.path}",
            expression=path_begins_with([limit.path]),
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


def zone_settings(spec: EdgeSpec) -> dict[str, object]:
    """Return the zone's settings by their ids (Cloudflare API, "Edit zone setting")."""
    return {
        "ssl": "strict",
        "min_tls_version": spec.minimum_tls,
        "tls_1_3": "on",
        "always_use_https": "on",
        "automatic_https_rewrites": "on",
        "http3": "on",
        # "low", "medium" and "high" mean the same by now (Cloudflare WAF documentation, "Security
        # Level"); only "under_attack" differs.
        "security_level": "under_attack" if spec.under_attack else "medium",
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
