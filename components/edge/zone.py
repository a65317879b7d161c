"""Cloudflare resources that exist once in a zone, which only the stage's primary declares.

Two stacks that declared them would overwrite each other.
"""

import pulumi
import pulumi_cloudflare as cloudflare

from components.component import Component, Place
from components.edge import rules
from components.edge.spec import EdgeSpec
from components.wires import CloudflareZone

NAME_SERVERS = 4
"""Name servers of a Route 53 zone (Amazon Route 53 Developer Guide, "Creating a hosted zone")."""


class EdgeZone(Component):
    """The API's record and the zone's settings.

    Produces: the API's record and the delegation of the origin zone. Where the stack owns the
    zone, also its TLS and HSTS settings, cache rules, custom and managed WAF rules, rate limits
    and tiered cache.
    """

    def __init__(
        self,
        name: str,
        spec: EdgeSpec,
        place: Place,
        *,
        zone: CloudflareZone,
        origin_name_servers: pulumi.Output[list[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:edge:EdgeZone", name, place, data_class="public", opts=opts)
        zone_id, names = zone.zone_id, zone.names
        for index in range(NAME_SERVERS):
            cloudflare.DnsRecord(
                f"{name}-delegation-{index}",
                zone_id=zone_id,
                name=names.origin_zone,
                type="NS",
                content=origin_name_servers[index],
                ttl=3600,
                opts=self.child(),
            )
        cloudflare.DnsRecord(
            f"{name}-api",
            zone_id=zone_id,
            name=names.public,
            type="CNAME",
            content=names.origin,
            proxied=True,
            # 1 means "automatic", the only value that Cloudflare accepts for a proxied record.
            ttl=1,
            opts=self.child(),
        )
        if spec.owns_zone:
            self._settings(name, spec, zone_id, zone.health_path)
        self.register_outputs({"api_name": names.public})

    def _settings(self, name: str, spec: EdgeSpec, zone_id: str, health_path: str) -> None:
        for setting, value in rules.zone_settings(spec).items():
            cloudflare.ZoneSetting(
                f"{name}-{setting.replace('_', '-')}",
                zone_id=zone_id,
                setting_id=setting,
                value=value,
                opts=self.child(),
            )
        phases = {
            "http_request_cache_settings": rules.cache_rules(spec),
            "http_request_firewall_custom": rules.custom_rules(spec, health_path=health_path),
            "http_request_firewall_managed": rules.managed_rules(spec),
            "http_ratelimit": rules.rate_limit_rules(spec),
        }
        for phase, declared in phases.items():
            if declared:
                cloudflare.Ruleset(
                    f"{name}-{phase.removeprefix('http_').replace('_', '-')}",
                    zone_id=zone_id,
                    kind="zone",
                    name=phase,
                    phase=phase,
                    rules=declared,
                    opts=self.child(),
                )
        cloudflare.TieredCache(
            name,
            zone_id=zone_id,
            value="on" if spec.tiered_cache else "off",
            opts=self.child(),
        )
