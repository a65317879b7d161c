"""The edge of one region: its own public name and Cloudflare's health check of it."""

import pulumi
import pulumi_cloudflare as cloudflare

from components.component import Component, Place
from components.edge.spec import EdgeSpec
from components.wires import CloudflareZone


class EdgeRegion(Component):
    """A region's proxied record, Cloudflare's health check of it, and its notification."""

    def __init__(
        self,
        name: str,
        spec: EdgeSpec,
        place: Place,
        *,
        zone: CloudflareZone,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:edge:EdgeRegion", name, place, data_class="public", opts=opts)
        names = zone.names
        cloudflare.DnsRecord(
            name,
            zone_id=zone.zone_id,
            name=names.regional_public,
            type="CNAME",
            content=names.regional_origin,
            proxied=True,
            ttl=1,
            opts=self.child(),
        )
        if spec.health_notifications:
            check = cloudflare.Healthcheck(
                name,
                zone_id=zone.zone_id,
                # Cloudflare accepts letters, digits, hyphens and underscores.
                name=names.regional_public.replace(".", "-"),
                description=f"{names.regional_public}, asked by Cloudflare",
                address=names.regional_public,
                type="HTTPS",
                http_config={
                    "path": zone.health_path,
                    "method": "GET",
                    "port": 443,
                    "expected_codes": ["200"],
                },
                interval=60,
                retries=2,
                timeout=5,
                consecutive_fails=2,
                consecutive_successes=2,
                opts=self.child(),
            )
            cloudflare.NotificationPolicy(
                name,
                account_id=zone.account_id,
                name=f"{names.regional_public} health",
                description="The region's health changed, seen from Cloudflare.",
                alert_type="health_check_status_notification",
                enabled=True,
                mechanisms={"emails": [{"id": zone.contact_email}]},
                # `new_healths` is for load balancers' alerts (the provider's reference).
                filters={
                    "health_check_ids": [check.id],
                    "statuses": ["Healthy", "Unhealthy"],
                },
                opts=self.child(),
            )
        self.register_outputs({"public_name": names.regional_public})
