"""What a zone has once: only the stage's primary declares it, so that stacks never fight."""

import pulumi
import pulumi_cloudflare as cloudflare

from arca.naming import Names
from components.component import Component, Place
from components.edge import rules
from components.edge.spec import EdgeSpec

NAME_SERVERS = 4
"""Route 53 gives every zone four (Amazon Route 53 Developer Guide, "Creating a hosted zone")."""


class EdgeZone(Component):
    """The zone's singletons and the API's record.

    Produces: the API's record, the delegation of the origin zone, and where the zone is the
    stack's own, TLS and HSTS settings, cache rules, custom and managed WAF rules, rate limits
    and tiered cache.
    """

    def __init__(
        self,
        name: str,
        spec: EdgeSpec,
        place: Place,
        *,
        zone_id: str,
        names: Names,
        origin_name_servers: pulumi.Output[list[str]],
        health_path: str,
    ) -> None:
        super().__init__("arca:edge:EdgeZone", name, place, data_class="public")
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
            # Cloudflare's word for "automatic", the only one that a proxied record takes.
            ttl=1,
            opts=self.child(),
        )
        if spec.owns_zone:
            self._settings(name, spec, zone_id, health_path)
        self.register_outputs({"api_name": names.public})

    def _settings(self, name: str, spec: EdgeSpec, zone_id: str, health_path: str) -> None:
        for setting, value in rules.settings(spec).items():
            cloudflare.ZoneSetting(
                f"{name}-{setting.replace('_', '-')}",
                zone_id=zone_id,
                setting_id=setting,
                value=value,
                opts=self.child(),
            )
        phases = {
            "http_request_cache_settings": rules.cache(spec),
            "http_request_firewall_custom": rules.custom(spec, health_path=health_path),
            "http_request_firewall_managed": rules.managed(spec),
            "http_ratelimit": rules.rate_limits(spec),
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
