"""What each region has at the edge: its own name, watched."""

import pulumi_cloudflare as cloudflare

from arca.naming import Names
from components.component import Component, Place


class EdgeRegion(Component):
    """A region's record through Cloudflare, its health check and the notification about it."""

    def __init__(
        self,
        name: str,
        place: Place,
        *,
        zone_id: str,
        cloudflare_account_id: str,
        contact_email: str | None,
        names: Names,
        health_path: str,
    ) -> None:
        super().__init__("arca:edge:EdgeRegion", name, place, data_class="public")
        cloudflare.DnsRecord(
            name,
            zone_id=zone_id,
            name=names.regional_public,
            type="CNAME",
            content=names.regional_origin,
            proxied=True,
            ttl=1,
            opts=self.child(),
        )
        if contact_email is not None:
            check = cloudflare.Healthcheck(
                name,
                zone_id=zone_id,
                # Cloudflare takes letters, digits, hyphens and underscores.
                name=names.regional_public.replace(".", "-"),
                description=f"{names.regional_public}, asked by Cloudflare",
                address=names.regional_public,
                type="HTTPS",
                http_config={
                    "path": health_path,
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
                account_id=cloudflare_account_id,
                name=f"{names.regional_public} health",
                description="The region's health changed, seen from Cloudflare.",
                alert_type="health_check_status_notification",
                enabled=True,
                mechanisms={"emails": [{"id": contact_email}]},
                filters={
                    "health_check_ids": [check.id],
                    "new_healths": ["Healthy", "Unhealthy"],
                },
                opts=self.child(),
            )
        self.register_outputs({"public_name": names.regional_public})
