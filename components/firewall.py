"""The web application firewall in front of the load balancer."""

from __future__ import annotations

from typing import Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.component import Component, Place
from components.spec import LogRetention, Spec

ManagedGroup = Literal[
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet",
    "AWSManagedRulesLinuxRuleSet",
]
"""The groups that look at the request itself. Those that look at its address are left to
Cloudflare: every connection comes from there, and a managed group has no setting that makes it
read a header instead (AWS WAF Developer Guide, "IP reputation rule groups")."""
ONLY_COUNTED = {"AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",)}
"""Rules that count and do not block. SizeRestrictions_BODY refuses bodies above 8 KB, and a batch
of invoices is larger; Cloudflare and the service limit the size themselves (AWS WAF Developer
Guide, "Baseline rule groups")."""


class FirewallSpec(Spec):
    """AWS WAF's web ACL on the load balancer."""

    managed_groups: tuple[ManagedGroup, ...] = Field(
        default=(
            "AWSManagedRulesCommonRuleSet",
            "AWSManagedRulesKnownBadInputsRuleSet",
            "AWSManagedRulesSQLiRuleSet",
        ),
        description="AWS's managed rule groups, in order of priority.",
    )
    requests_per_5_minutes: int = Field(
        default=3000,
        ge=10,
        le=2_000_000_000,
        description="Requests from one client address in five minutes before it is blocked. The "
        "address is the header CF-Connecting-IP, because every connection comes from Cloudflare.",
    )
    log_days: LogRetention = Field(
        default=90, description="Days that the log of blocked requests is kept."
    )


class Firewall(Component):
    """The web ACL; produces the ACL, its association, and its log of blocked requests."""

    def __init__(
        self,
        name: str,
        spec: FirewallSpec,
        place: Place,
        *,
        load_balancer_arn: pulumi.Input[str],
        log_key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:firewall:Firewall", name, place, data_class="internal", opts=opts)
        acl = aws.wafv2.WebAcl(
            name,
            name=place.prefix,
            scope="REGIONAL",
            default_action={"allow": {}},
            rules=[*_managed_rules(spec), _rate_rule(spec, priority=len(spec.managed_groups))],
            visibility_config=_visible("web-acl"),
            opts=self.child(),
        )
        aws.wafv2.WebAclAssociation(
            name, resource_arn=load_balancer_arn, web_acl_arn=acl.arn, opts=self.child()
        )
        log = aws.cloudwatch.LogGroup(
            name,
            # WAF writes only to groups whose name begins with this prefix (AWS WAF Developer
            # Guide, "Logging web ACL traffic").
            name=f"aws-waf-logs-{place.prefix}",
            kms_key_id=log_key_arn,
            retention_in_days=spec.log_days,
            opts=self.child(),
        )
        aws.wafv2.WebAclLoggingConfiguration(
            name,
            resource_arn=acl.arn,
            log_destination_configs=[log.arn],
            redacted_fields=[
                {"single_header": {"name": header}} for header in ("authorization", "cookie")
            ],
            logging_filter={
                "default_behavior": "DROP",
                "filters": [
                    {
                        "behavior": "KEEP",
                        "requirement": "MEETS_ANY",
                        "conditions": [{"action_condition": {"action": "BLOCK"}}],
                    }
                ],
            },
            opts=self.child(),
        )
        self.register_outputs({})


def _managed_rules(spec: FirewallSpec) -> list[aws.wafv2.WebAclRuleArgsDict]:
    return [
        {
            "name": group,
            "priority": priority,
            "override_action": {"none": {}},
            "statement": {
                "managed_rule_group_statement": {
                    "name": group,
                    "vendor_name": "AWS",
                    "rule_action_overrides": [
                        {"name": rule, "action_to_use": {"count": {}}}
                        for rule in ONLY_COUNTED.get(group, ())
                    ],
                }
            },
            "visibility_config": _visible(group),
        }
        for priority, group in enumerate(spec.managed_groups)
    ]


def _rate_rule(spec: FirewallSpec, *, priority: int) -> aws.wafv2.WebAclRuleArgsDict:
    return {
        "name": "rate",
        "priority": priority,
        "action": {"block": {}},
        "statement": {
            "rate_based_statement": {
                "limit": spec.requests_per_5_minutes,
                "evaluation_window_sec": 300,
                "aggregate_key_type": "FORWARDED_IP",
                "forwarded_ip_config": {
                    "header_name": "CF-Connecting-IP",
                    "fallback_behavior": "MATCH",
                },
            }
        },
        "visibility_config": _visible("rate"),
    }


def _visible(metric: str) -> aws.wafv2.WebAclVisibilityConfigArgsDict:
    return {
        "cloudwatch_metrics_enabled": True,
        "sampled_requests_enabled": True,
        "metric_name": metric,
    }
