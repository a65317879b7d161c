"""The load balancer: two target groups behind a production listener and a test listener."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from arca.naming import TEST_PORT, physical
from arca.outputs import BucketRole
from components.bucket import ReadyBucket
from components.component import Component, Place
from components.spec import Spec, UrlPath
from components.wires import Placement, Traffic

NAME_LIMIT = 32
"""Elastic Load Balancing API reference, CreateLoadBalancer and CreateTargetGroup."""

Color = Literal["blue", "green"]


class LoadBalancerSpec(Spec):
    """The application load balancer."""

    tls_policy: Literal[
        "ELBSecurityPolicy-TLS13-1-3-2021-06",
        "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    ] = Field(
        default="ELBSecurityPolicy-TLS13-1-2-2021-06",
        description="TLS policy. All three offer TLS 1.3; the first offers no older version.",
    )
    mutual_tls: bool = Field(
        default=True,
        description="Refuse a connection without the client certificate of our Cloudflare zone. An "
        "address of Cloudflare alone could be another customer's zone.",
    )
    idle_timeout_seconds: int = Field(
        default=60, ge=1, le=4000, description="Seconds after which an idle connection is closed."
    )
    deregistration_seconds: int = Field(
        default=60,
        ge=0,
        le=3600,
        description="Seconds that a task which is being stopped may finish its requests.",
    )
    slow_start_seconds: int = Field(
        default=0,
        ge=0,
        le=900,
        description="Seconds over which a new task's share of requests rises; 0 for none.",
    )
    health_path: UrlPath = Field(default="/health/ready", description="Path of the health check.")
    health_interval_seconds: int = Field(
        default=15, ge=5, le=300, description="Seconds between two health checks of a task."
    )
    health_timeout_seconds: int = Field(
        default=5, ge=2, le=120, description="Seconds after which a health check counts as failed."
    )
    healthy_after: int = Field(
        default=2, ge=2, le=10, description="Consecutive good checks after which a task is healthy."
    )
    unhealthy_after: int = Field(
        default=3,
        ge=2,
        le=10,
        description="Consecutive failed checks after which a task is unhealthy.",
    )


class LoadBalancer(Component):
    """The load balancer.

    Produces: trust store, load balancer, a blue and a green target group, the production listener
    (443) and the test listener, each with a forwarding rule. Port 80 is closed: Cloudflare
    redirects customers to HTTPS, and connects to port 443 only.
    """

    arn: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    alias: aws.route53.RecordAliasArgs
    """The target of DNS records that point to the load balancer."""
    target_groups: dict[Color, aws.lb.TargetGroup]
    traffic: Traffic

    def __init__(
        self,
        name: str,
        spec: LoadBalancerSpec,
        place: Place,
        *,
        at: Placement,
        certificate_arn: pulumi.Input[str],
        hosts: list[str],
        service_port: int,
        ipv6: bool,
        buckets: Mapping[BucketRole, ReadyBucket],
        client_ca_pem: pulumi.Input[str],
        weights_shifted_by_ecs: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "arca:loadBalancer:LoadBalancer", name, place, data_class="internal", opts=opts
        )
        self._name, self._spec = name, spec
        stack = place.prefix

        balancer = aws.lb.LoadBalancer(
            name,
            name=physical(stack, limit=NAME_LIMIT),
            load_balancer_type="application",
            internal=False,
            ip_address_type="dualstack" if ipv6 else "ipv4",
            subnets=at.subnet_ids,
            security_groups=[at.security_group_id],
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            # CF-Connecting-IP holds the client's address; earlier proxies stay visible.
            xff_header_processing_mode="append",
            enable_deletion_protection=place.protect,
            idle_timeout=spec.idle_timeout_seconds,
            access_logs={
                "bucket": buckets["logs"].name,
                "prefix": "load-balancer",
                "enabled": True,
            },
            opts=pulumi.ResourceOptions(parent=self, protect=place.protect),
        )
        colors: tuple[Color, ...] = ("blue", "green")
        self.target_groups = {
            color: self._target_group(color, stack, at.vpc_id, service_port) for color in colors
        }
        verify = self._trust_store(stack, buckets["artifacts"].name, client_ca_pem)
        production = self._tls_listener("production", balancer, 443, certificate_arn, verify)
        # Smoke tests come from our own NAT gateways and have no certificate of Cloudflare's. They
        # name the load balancer as it stands in Route 53, so every host is served.
        test = self._tls_listener("test", balancer, TEST_PORT, certificate_arn, None)
        # ECS rewrites the actions of both rules when it shifts traffic, and a later `pulumi up`
        # must not shift it back (hashicorp/terraform-provider-aws#45678).
        shifted = ["actions"] if weights_shifted_by_ecs else None
        self.traffic = Traffic(
            arn_suffix=balancer.arn_suffix,
            blue_arn=self.target_groups["blue"].arn,
            green_arn=self.target_groups["green"].arn,
            production_rule=self._rule(
                "production", production, "blue", {"host_header": {"values": hosts}}, shifted
            ),
            test_rule=self._rule(
                "test", test, "green", {"path_pattern": {"values": ["/*"]}}, shifted
            ),
        )
        self.arn = balancer.arn
        self.dns_name = balancer.dns_name
        self.alias = aws.route53.RecordAliasArgs(
            name=balancer.dns_name,
            zone_id=balancer.zone_id,
            evaluate_target_health=True,
        )
        self.register_outputs({"dns_name": balancer.dns_name})

    def _target_group(
        self, color: Color, stack: str, vpc_id: pulumi.Input[str], port: int
    ) -> aws.lb.TargetGroup:
        spec = self._spec
        return aws.lb.TargetGroup(
            f"{self._name}-{color}",
            name=physical(stack, color, limit=NAME_LIMIT, salt=str(port)),
            vpc_id=vpc_id,
            port=port,
            protocol="HTTP",
            target_type="ip",
            deregistration_delay=spec.deregistration_seconds,
            slow_start=spec.slow_start_seconds,
            load_balancing_algorithm_type="least_outstanding_requests"
            if not spec.slow_start_seconds
            else "round_robin",
            health_check={
                "path": spec.health_path,
                "protocol": "HTTP",
                "matcher": "200",
                "interval": spec.health_interval_seconds,
                "timeout": spec.health_timeout_seconds,
                "healthy_threshold": spec.healthy_after,
                "unhealthy_threshold": spec.unhealthy_after,
            },
            opts=self.child(),
        )

    def _trust_store(
        self, stack: str, bucket: pulumi.Input[str], client_ca_pem: pulumi.Input[str]
    ) -> aws.lb.TrustStore | None:
        if not self._spec.mutual_tls:
            return None
        bundle = aws.s3.BucketObjectv2(
            f"{self._name}-client-ca",
            bucket=bucket,
            key="load-balancer/client-ca.pem",
            content=client_ca_pem,
            content_type="application/x-pem-file",
            opts=self.child(),
        )
        return aws.lb.TrustStore(
            self._name,
            name=physical(stack, limit=NAME_LIMIT),
            ca_certificates_bundle_s3_bucket=bundle.bucket,
            ca_certificates_bundle_s3_key=bundle.key,
            ca_certificates_bundle_s3_object_version=bundle.version_id,
            opts=self.child(),
        )

    def _tls_listener(
        self,
        role: str,
        balancer: aws.lb.LoadBalancer,
        port: int,
        certificate_arn: pulumi.Input[str],
        trust_store: aws.lb.TrustStore | None,
    ) -> aws.lb.Listener:
        return aws.lb.Listener(
            f"{self._name}-{role}",
            load_balancer_arn=balancer.arn,
            port=port,
            protocol="HTTPS",
            ssl_policy=self._spec.tls_policy,
            certificate_arn=certificate_arn,
            mutual_authentication={"mode": "verify", "trust_store_arn": trust_store.arn}
            if trust_store
            else None,
            # A request for any other host is refused.
            default_actions=[
                {
                    "type": "fixed-response",
                    "fixed_response": {
                        "content_type": "text/plain",
                        "status_code": "421",
                        "message_body": "Misdirected request",
                    },
                }
            ],
            opts=self.child(),
        )

    def _rule(
        self,
        role: str,
        listener: aws.lb.Listener,
        color: Color,
        condition: aws.lb.ListenerRuleConditionArgsDict,
        ignored: list[str] | None,
    ) -> aws.lb.ListenerRule:
        groups = self.target_groups
        return aws.lb.ListenerRule(
            f"{self._name}-{role}",
            listener_arn=listener.arn,
            priority=10,
            conditions=[condition],
            actions=[
                {
                    "type": "forward",
                    "forward": {
                        "target_groups": [
                            {"arn": group.arn, "weight": 100 if group is groups[color] else 0}
                            for group in groups.values()
                        ]
                    },
                }
            ],
            opts=self.child(ignore_changes=ignored),
        )
