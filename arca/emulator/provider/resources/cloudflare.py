"""Cloudflare: DNS records, settings, rulesets, health checks, notifications and origin pulls.

The calls are those of Cloudflare's Terraform provider, on which Pulumi's is built
(cloudflare/terraform-provider-cloudflare, internal/services/*/resource.go): a tiered cache, for
example, is Smart Tiered Cache.
"""

from collections.abc import Mapping

from arca.emulator.provider.resources.definition import (
    CloudflareCall,
    OutputTemplates,
    Resource,
)

RESOURCES: Mapping[str, Resource] = {
    "cloudflare:index/authenticatedOriginPullsCertificate:AuthenticatedOriginPullsCertificate": (
        Resource(
            OutputTemplates("{uuid}"),
            cloudflare=CloudflareCall(
                "origin_tls_client_auth.zone_certificates.create", gives_id=True
            ),
        )
    ),
    "cloudflare:index/authenticatedOriginPullsSettings:AuthenticatedOriginPullsSettings": Resource(
        OutputTemplates("{zoneId}"),
        cloudflare=CloudflareCall("origin_tls_client_auth.settings.update"),
    ),
    "cloudflare:index/dnsRecord:DnsRecord": Resource(
        OutputTemplates("{hex32}"),
        cloudflare=CloudflareCall("dns.records.create", gives_id=True),
    ),
    "cloudflare:index/healthcheck:Healthcheck": Resource(
        OutputTemplates("{hex32}"),
        cloudflare=CloudflareCall("healthchecks.create", gives_id=True),
    ),
    "cloudflare:index/notificationPolicy:NotificationPolicy": Resource(
        OutputTemplates("{hex32}"),
        cloudflare=CloudflareCall("alerting.policies.create", gives_id=True),
    ),
    "cloudflare:index/ruleset:Ruleset": Resource(
        OutputTemplates("{hex32}"),
        cloudflare=CloudflareCall("rulesets.create", gives_id=True),
    ),
    "cloudflare:index/tieredCache:TieredCache": Resource(
        OutputTemplates("{zoneId}"),
        cloudflare=CloudflareCall("cache.smart_tiered_cache.edit"),
    ),
    "cloudflare:index/zoneSetting:ZoneSetting": Resource(
        OutputTemplates("{settingId}"),
        cloudflare=CloudflareCall("zones.settings.edit"),
    ),
}
