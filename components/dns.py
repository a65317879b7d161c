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
        description="Let a person send the traffic to the DR region's load balancer, by a lever.",
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
    Cloudflare, as customers do, because the load balancer refuses anyone else (ADR 0005). It
    tells, and never moves the traffic: the primary's half follows the lever (ADR 0021).
    """

    health_check_id: pulumi.Output[str]
    lever_id: pulumi.Output[str] | None
    """The health check that a person inverts to send the traffic to the other region."""

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
        failover = spec.failover
        self.lever_id = self._lever(name, check) if failover and role == "primary" else None
        if failover:
            # With the balancer's health, Route 53 would move the traffic by itself.
            alias = aws.route53.RecordAliasArgs(
                name=alias.name, zone_id=alias.zone_id, evaluate_target_health=False
            )
        aws.route53.Record(
            name,
            zone_id=zone_id,
            name=names.origin,
            type="A",
            aliases=[alias],
            set_identifier=role if failover else None,
            failover_routing_policies=[{"type": role.upper()}] if failover else None,
            health_check_id=self.lever_id,
            opts=self.child(),
        )
        self._names, self.health_check_id = names, check.id
        self.register_outputs({"health_check_id": check.id})

    def _lever(self, name: str, check: aws.route53.HealthCheck) -> pulumi.Output[str]:
        """Declare a check that is healthy until it is inverted, whatever the region's check says.

        Source: Amazon Route 53 API Reference, HealthCheckConfig: a calculated check whose
        threshold is 0 is always healthy, and an inverted one is unhealthy where it would be
        healthy.
        """
        lever = aws.route53.HealthCheck(
            f"{name}-lever",
            type="CALCULATED",
            child_healthchecks=[check.id],
            child_health_threshold=0,
            invert_healthcheck=False,
            # An update must not give the traffic back.
            opts=self.child(ignore_changes=["invert_healthcheck"]),
        )
        return lever.id

    def outputs(self) -> EdgeOutputs[pulumi.Output[str]]:
        """The stack's public names and their health check, for the stack's exports."""
        return EdgeOutputs[pulumi.Output[str]](
            url=f"https://{self._names.public}",
            regional_url=f"https://{self._names.regional_public}",
            origin_name=self._names.origin,
            regional_origin_name=self._names.regional_origin,
            health_check_id=self.health_check_id,
            failover_lever_id=self.lever_id,
        )
