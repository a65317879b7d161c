"""The calls of what traffic passes through: load balancer, firewall, certificates, names."""

from collections.abc import Mapping
from typing import Any

from localcloud.calls.table import Call, State, tags, take


def _first(kind: str, identifier: str, **more: str) -> Any:
    def outputs(answer: Mapping[str, Any]) -> dict[str, Any]:
        made = answer[kind][0]
        arn = made[identifier]
        return {"id": arn, "arn": arn, **{key: made[name] for key, name in more.items()}}

    return outputs


def _balancer(answer: Mapping[str, Any]) -> dict[str, Any]:
    made = answer["LoadBalancers"][0]
    arn = made["LoadBalancerArn"]
    return {
        "id": arn,
        "arn": arn,
        # What CloudWatch calls it: the ARN behind `loadbalancer/`.
        "arnSuffix": arn.partition(":loadbalancer/")[2],
        "dnsName": made["DNSName"],
        "zoneId": made["CanonicalHostedZoneId"],
    }


def _attributes(pairs: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"Key": key, "Value": str(value).lower() if isinstance(value, bool) else f"{value}"}
        for key, value in pairs.items()
    ]


def _load_balancer_attributes(s: State) -> dict[str, Any]:
    return {
        "LoadBalancerArn": s["arn"],
        "Attributes": _attributes(
            {
                "deletion_protection.enabled": s["enableDeletionProtection"],
                "idle_timeout.timeout_seconds": int(s["idleTimeout"]),
                "routing.http.drop_invalid_header_fields.enabled": s["dropInvalidHeaderFields"],
                "routing.http.desync_mitigation_mode": s["desyncMitigationMode"],
                "routing.http.xff_header_processing.mode": s["xffHeaderProcessingMode"],
                "access_logs.s3.enabled": s["accessLogs"]["enabled"],
                "access_logs.s3.bucket": s["accessLogs"]["bucket"],
                "access_logs.s3.prefix": s["accessLogs"]["prefix"],
            }
        ),
    }


def _target_group(s: State) -> dict[str, Any]:
    check = s["healthCheck"]
    return {
        **take("name", "protocol", "port", "vpcId", "targetType")(s),
        "HealthCheckPath": check["path"],
        "HealthCheckProtocol": check["protocol"],
        "HealthCheckIntervalSeconds": check["interval"],
        "HealthCheckTimeoutSeconds": check["timeout"],
        "HealthyThresholdCount": check["healthyThreshold"],
        "UnhealthyThresholdCount": check["unhealthyThreshold"],
        "Matcher": {"HttpCode": check["matcher"]},
        "Tags": tags(s),
    }


def _actions(actions: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [_action(action) for action in actions]


def _action(action: Mapping[str, Any]) -> dict[str, Any]:
    configured = {
        "ForwardConfig": {
            "TargetGroups": [
                {"TargetGroupArn": group["arn"], "Weight": group["weight"]}
                for group in action.get("forward", {}).get("targetGroups", [])
            ]
        },
        "RedirectConfig": action.get("redirect"),
        "FixedResponseConfig": action.get("fixedResponse"),
    }
    key = {
        "forward": "ForwardConfig",
        "redirect": "RedirectConfig",
        "fixed-response": "FixedResponseConfig",
    }[action["type"]]
    return {"Type": action["type"], key: configured[key]}


def _listener(s: State) -> dict[str, Any]:
    return {
        **take("loadBalancerArn", "port", "protocol", "sslPolicy", "mutualAuthentication")(s),
        **(
            {"Certificates": [{"CertificateArn": s["certificateArn"]}]}
            if "certificateArn" in s
            else {}
        ),
        "DefaultActions": _actions(s["defaultActions"]),
        "Tags": tags(s),
    }


def _record(s: State) -> dict[str, Any]:
    content: dict[str, Any] = (
        {
            "AliasTarget": {
                "HostedZoneId": s["aliases"][0]["zoneId"],
                "DNSName": s["aliases"][0]["name"],
                "EvaluateTargetHealth": s["aliases"][0]["evaluateTargetHealth"],
            }
        }
        if "aliases" in s
        else {"TTL": s["ttl"], "ResourceRecords": [{"Value": value} for value in s["records"]]}
    )
    if "failoverRoutingPolicies" in s:
        content["Failover"] = s["failoverRoutingPolicies"][0]["type"]
    record = {**take("name", "type", "setIdentifier", "healthCheckId")(s), **content}
    return {
        "HostedZoneId": s["zoneId"],
        "ChangeBatch": {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
    }


def _statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    if "managedRuleGroupStatement" in statement:
        return {"ManagedRuleGroupStatement": statement["managedRuleGroupStatement"]}
    rate = statement["rateBasedStatement"]
    return {
        "RateBasedStatement": {
            **take("limit", "evaluationWindowSec", "aggregateKeyType")(rate),
            "ForwardedIPConfig": rate["forwardedIpConfig"],
        }
    }


def _visibility(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "SampledRequestsEnabled": config["sampledRequestsEnabled"],
        "CloudWatchMetricsEnabled": config["cloudwatchMetricsEnabled"],
        "MetricName": config["metricName"],
    }


def _web_acl(s: State) -> dict[str, Any]:
    return {
        **take("name", "scope", "defaultAction")(s),
        "VisibilityConfig": _visibility(s["visibilityConfig"]),
        "Rules": [
            {
                **take("name", "priority", "action", "overrideAction")(rule),
                "Statement": _statement(rule["statement"]),
                "VisibilityConfig": _visibility(rule["visibilityConfig"]),
            }
            for rule in s["rules"]
        ],
        "Tags": tags(s),
    }


def _web_log(s: State) -> dict[str, Any]:
    filtering = s["loggingFilter"]
    return {
        "LoggingConfiguration": {
            "ResourceArn": s["resourceArn"],
            "LogDestinationConfigs": s["logDestinationConfigs"],
            "RedactedFields": s["redactedFields"],
            "LoggingFilter": {
                "DefaultBehavior": filtering["defaultBehavior"],
                "Filters": filtering["filters"],
            },
        }
    }


def _health_check(s: State) -> dict[str, Any]:
    return {
        "CallerReference": s["_urn"][-64:],
        "HealthCheckConfig": {
            **take("type", "port", "resourcePath", "requestInterval", "failureThreshold")(s),
            "FullyQualifiedDomainName": s["fqdn"],
            "EnableSNI": s["enableSni"],
            "MeasureLatency": s["measureLatency"],
        },
    }


TABLE: Mapping[str, tuple[Call, ...]] = {
    "aws:acm/certificate:Certificate": (
        Call(
            "acm",
            "request_certificate",
            lambda s: {
                **take("domainName", "subjectAlternativeNames", "validationMethod")(s),
                "Tags": tags(s),
            },
            lambda answer: {"id": answer["CertificateArn"], "arn": answer["CertificateArn"]},
        ),
    ),
    "aws:acm/certificateValidation:CertificateValidation": (
        # The provider waits until it is issued, asking with this call.
        Call("acm", "describe_certificate", take("certificateArn")),
    ),
    "aws:lb/loadBalancer:LoadBalancer": (
        Call(
            "elbv2",
            "create_load_balancer",
            lambda s: {
                **take("name", "subnets", "securityGroups", "ipAddressType")(s),
                "Type": s["loadBalancerType"],
                "Scheme": "internal" if s["internal"] else "internet-facing",
                "Tags": tags(s),
            },
            _balancer,
        ),
        Call("elbv2", "modify_load_balancer_attributes", _load_balancer_attributes),
    ),
    "aws:lb/targetGroup:TargetGroup": (
        Call(
            "elbv2",
            "create_target_group",
            _target_group,
            _first("TargetGroups", "TargetGroupArn"),
        ),
        Call(
            "elbv2",
            "modify_target_group_attributes",
            lambda s: {
                "TargetGroupArn": s["arn"],
                "Attributes": _attributes(
                    {
                        "deregistration_delay.timeout_seconds": int(s["deregistrationDelay"]),
                        "slow_start.duration_seconds": int(s["slowStart"]),
                        "load_balancing.algorithm.type": s["loadBalancingAlgorithmType"],
                    }
                ),
            },
        ),
    ),
    "aws:lb/trustStore:TrustStore": (
        Call(
            "elbv2",
            "create_trust_store",
            lambda s: {
                **take(
                    "name",
                    "caCertificatesBundleS3Bucket",
                    "caCertificatesBundleS3Key",
                    CaCertificatesBundleS3ObjectVersion="caCertificatesBundleS3ObjectVersion",
                )(s),
                "Tags": tags(s),
            },
            only_validated="moto has no trust stores",
        ),
    ),
    "aws:lb/listener:Listener": (
        Call("elbv2", "create_listener", _listener, _first("Listeners", "ListenerArn")),
    ),
    "aws:lb/listenerRule:ListenerRule": (
        Call(
            "elbv2",
            "create_rule",
            lambda s: {
                **take("listenerArn", "priority")(s),
                "Conditions": [
                    {"Field": "host-header", "HostHeaderConfig": condition["hostHeader"]}
                    for condition in s["conditions"]
                ],
                "Actions": _actions(s["actions"]),
                "Tags": tags(s),
            },
            _first("Rules", "RuleArn"),
        ),
    ),
    "aws:route53/zone:Zone": (
        Call(
            "route53",
            "create_hosted_zone",
            lambda s: {
                "Name": s["name"],
                "CallerReference": s["_urn"][-128:],
                "HostedZoneConfig": {"Comment": s["comment"]},
            },
            lambda answer: {
                "id": answer["HostedZone"]["Id"].rpartition("/")[2],
                "zoneId": answer["HostedZone"]["Id"].rpartition("/")[2],
            },
        ),
    ),
    "aws:route53/healthCheck:HealthCheck": (
        Call(
            "route53",
            "create_health_check",
            _health_check,
            lambda answer: {"id": answer["HealthCheck"]["Id"]},
        ),
    ),
    "aws:route53/record:Record": (Call("route53", "change_resource_record_sets", _record),),
    "aws:wafv2/webAcl:WebAcl": (
        Call(
            "wafv2",
            "create_web_acl",
            _web_acl,
            lambda answer: {"id": answer["Summary"]["Id"], "arn": answer["Summary"]["ARN"]},
        ),
    ),
    "aws:wafv2/webAclAssociation:WebAclAssociation": (
        Call("wafv2", "associate_web_acl", take("resourceArn", WebACLArn="webAclArn")),
    ),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": (
        Call("wafv2", "put_logging_configuration", _web_log),
    ),
}
