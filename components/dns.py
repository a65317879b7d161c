"""The origin names: a Route 53 zone that says where the load balancer is."""

from typing import Any, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from arca.naming import Names
from components.component import Component, Place
from components.spec import Spec


class DnsSpec(Spec):
    """Origin names and their health checks."""

    failover: bool = Field(
        default=False,
        description="Answer with the DR region's load balancer while ours is unhealthy.",
    )
    check_interval_seconds: Literal[10, 30] = Field(
        default=30, description="Seconds between two checks of each checker."
    )
    failed_checks: int = Field(
        default=3, ge=1, le=10, description="Failed checks in a row until the region is unhealthy."
    )
    check_path: str = Field(
        default="/health/ready", pattern="^/", description="Health check's path."
    )


class OriginZone(Component):
    """The hosted zone, which the primary owns and the secondary writes its records into."""

    zone_id: pulumi.Output[str]
    name_servers: pulumi.Output[list[str]]

    def __init__(self, name: str, place: Place, names: Names) -> None:
        super().__init__("arca:dns:OriginZone", name, place, data_class="public")
        zone = aws.route53.Zone(
            name,
            name=names.origin_zone,
            comment="Where Cloudflare finds the load balancers.",
            opts=self.durable(),
        )
        self.zone_id = zone.zone_id
        self.name_servers = zone.name_servers.apply(list)
        self.register_outputs({"zone_id": zone.zone_id})


class OriginRecords(Component):
    """A region's records.

    Produces: the region's own name, the health check, and this region's half of the failover
    pair, or a plain record where there is no other region. The health check asks through
    Cloudflare, as customers do: the load balancer refuses everyone else (ADR 0005).
    """

    health_check_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: DnsSpec,
        place: Place,
        *,
        names: Names,
        zone_id: pulumi.Input[str],
        role: Literal["primary", "secondary"],
        load_balancer_dns_name: pulumi.Input[str],
        load_balancer_zone_id: pulumi.Input[str],
    ) -> None:
        super().__init__("arca:dns:OriginRecords", name, place, data_class="public")
        alias = aws.route53.RecordAliasArgs(
            name=load_balancer_dns_name,
            zone_id=load_balancer_zone_id,
            evaluate_target_health=True,
        )
        aws.route53.Record(
            f"{name}-region",
            zone_id=zone_id,
            name=names.regional_origin,
            type="A",
            aliases=[alias],
            opts=self.child(),
        )
        check = aws.route53.HealthCheck(
            name,
            type="HTTPS",
            fqdn=names.regional_public,
            port=443,
            enable_sni=True,
            resource_path=spec.check_path,
            request_interval=spec.check_interval_seconds,
            failure_threshold=spec.failed_checks,
            measure_latency=True,
            opts=self.child(),
        )
        aws.route53.Record(
            name,
            zone_id=zone_id,
            name=names.origin,
            type="A",
            aliases=[alias],
            set_identifier=role if spec.failover else None,
            failover_routing_policies=[{"type": role.upper()}] if spec.failover else None,
            health_check_id=check.id if spec.failover else None,
            opts=self.child(),
        )
        self._names, self.health_check_id = names, check.id
        self.register_outputs({"health_check_id": check.id})

    @property
    def exports(self) -> dict[str, Any]:
        """Its part of the stack's exports: the names that lead here, and what watches them."""
        return {
            "url": f"https://{self._names.public}",
            "regional_url": f"https://{self._names.regional_public}",
            "origin_name": self._names.origin,
            "regional_origin_name": self._names.regional_origin,
            "health_check_id": self.health_check_id,
        }
