"""The calls of what stands before the load balancer: names, certificates, firewall."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.calls.table import Call, State, tags, take


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


def _tagged(kind: str) -> Call:
    """Route 53 takes tags by a call of their own."""
    return Call(
        "route53",
        "change_tags_for_resource",
        lambda s: {"ResourceType": kind, "ResourceId": s["id"], "AddTags": tags(s)},
    )


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
        _tagged("hostedzone"),
    ),
    "aws:route53/healthCheck:HealthCheck": (
        Call(
            "route53",
            "create_health_check",
            _health_check,
            lambda answer: {"id": answer["HealthCheck"]["Id"]},
        ),
        _tagged("healthcheck"),
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
