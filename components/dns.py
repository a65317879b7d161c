"""The origin names: a Route 53 zone whose records point to the load balancers."""

from __future__ import annotations

from typing import Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from arca.naming import Names
from arca.outputs import EdgeOutputs
from components.component import Component, Place
from components.spec import Spec, UrlPath


class DnsSpec(Spec):
    """Origin names and their health checks."""

    failover: bool = Field(
        default=False,
        description="Answer with the DR region's load balancer while this region is unhealthy.",
    )
    check_interval_seconds: Literal[10, 30] = Field(
        default=30, description="Seconds between two checks by the same Route 53 checker."
    )
    failed_checks: int = Field(
        default=3,
        ge=1,
        le=10,
        description="Consecutive failed checks after which the region is unhealthy.",
    )
    check_path: UrlPath = Field(default="/health/ready", description="Path of the health check.")


class OriginZone(Component):
    """The hosted zone: the primary owns it, the secondary adds its records to it."""

    zone_id: pulumi.Output[str]
    name_servers: pulumi.Output[list[str]]

    def __init__(
        self,
        name: str,
        place: Place,
        names: Names,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:dns:OriginZone", name, place, data_class="public", opts=opts)
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
    """The records of one region.

    Produces: the region's own name, the health check, and this region's half of the failover
    pair; a plain record where there is no other region. The health check goes through
    Cloudflare, as customers do, because the load balancer refuses anyone else (ADR 0005).
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
        alias: aws.route53.RecordAliasArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:dns:OriginRecords", name, place, data_class="public", opts=opts)
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

    def outputs(self) -> EdgeOutputs[pulumi.Output[str]]:
        """The stack's public names and their health check, for the stack's exports."""
        return EdgeOutputs[pulumi.Output[str]](
            url=f"https://{self._names.public}",
            regional_url=f"https://{self._names.regional_public}",
            origin_name=self._names.origin,
            regional_origin_name=self._names.regional_origin,
            health_check_id=self.health_check_id,
        )
