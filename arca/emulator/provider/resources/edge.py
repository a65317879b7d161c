"""In front of the load balancer: DNS (Route 53), certificates (ACM) and firewall (WAF)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from arca.emulator.provider.resources.definition import (
    ApiCall,
    DeclaredResource,
    OutputTemplates,
    Resource,
    ResourceState,
    digest,
    tags,
    take,
    take_outputs,
)


def _record(s: ResourceState) -> dict[str, Any]:
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


def _web_acl(s: ResourceState) -> dict[str, Any]:
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


def _web_log(s: ResourceState) -> dict[str, Any]:
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


def _health_check(s: ResourceState) -> dict[str, Any]:
    return {
        "CallerReference": s["_urn"][-64:],
        "HealthCheckConfig": {
            **take("type", "port", "resourcePath", "requestInterval", "failureThreshold")(s),
            **take(
                "measureLatency",
                FullyQualifiedDomainName="fqdn",
                EnableSNI="enableSni",
                ChildHealthChecks="childHealthchecks",
                HealthThreshold="childHealthThreshold",
                Inverted="invertHealthcheck",
            )(s),
        },
    }


def _tag_call(kind: str) -> ApiCall:
    """Return the call by which Route 53 takes tags."""
    return ApiCall(
        "route53",
        "change_tags_for_resource",
        lambda s: {"ResourceType": kind, "ResourceId": s["id"], "AddTags": tags(s)},
    )


def _zone_outputs(answer: Mapping[str, Any]) -> dict[str, Any]:
    zone_id = answer["HostedZone"]["Id"].rpartition("/")[2]
    return {"id": zone_id, "zoneId": zone_id}


def _validation_options(certificate: DeclaredResource, _now: datetime) -> dict[str, Any]:
    """Return the DNS records that prove a certificate's names, the same in every region."""
    names = [
        certificate.inputs["domainName"],
        *certificate.inputs.get("subjectAlternativeNames", []),
    ]
    return {
        "domainValidationOptions": [
            {
                "domainName": name,
                "resourceRecordName": f"_{digest(name)}.{name.removeprefix('*.')}.",
                "resourceRecordType": "CNAME",
                "resourceRecordValue": f"_{digest('value', name)}.acm-validations.aws.",
            }
            for name in names
        ]
    }


def _name_servers(zone: DeclaredResource, _now: datetime) -> dict[str, Any]:
    number = int(digest(zone.urn)[:2], 16)
    tops = ("com", "net", "org", "co.uk")
    return {
        "nameServers": [
            f"ns-{number + i * 512}.awsdns-{number % 64:02}.{t}" for i, t in enumerate(tops)
        ]
    }


RESOURCES: Mapping[str, Resource] = {
    "aws:acm/certificate:Certificate": Resource(
        OutputTemplates("arn:aws:acm:{region}:{account}:certificate/{uuid}", {"arn": "{id}"}),
        compute=_validation_options,
        calls=(
            ApiCall(
                "acm",
                "request_certificate",
                lambda s: {
                    **take("domainName", "subjectAlternativeNames", "validationMethod")(s),
                    "Tags": tags(s),
                },
                take_outputs(id="CertificateArn", arn="CertificateArn"),
            ),
        ),
    ),
    "aws:acm/certificateValidation:CertificateValidation": Resource(
        OutputTemplates("{uuid}"),
        calls=(
            # The provider repeats this call until the certificate is issued.
            ApiCall("acm", "describe_certificate", take("certificateArn")),
        ),
    ),
    "aws:route53/zone:Zone": Resource(
        OutputTemplates("Z{HEX16}", {"zoneId": "{id}", "arn": "arn:aws:route53:::hostedzone/{id}"}),
        compute=_name_servers,
        calls=(
            ApiCall(
                "route53",
                "create_hosted_zone",
                lambda s: {
                    "Name": s["name"],
                    "CallerReference": s["_urn"][-128:],
                    "HostedZoneConfig": {"Comment": s["comment"]},
                },
                _zone_outputs,
            ),
            _tag_call("hostedzone"),
        ),
    ),
    "aws:route53/healthCheck:HealthCheck": Resource(
        OutputTemplates("{uuid}", {"arn": "arn:aws:route53:::healthcheck/{id}"}),
        calls=(
            ApiCall(
                "route53",
                "create_health_check",
                _health_check,
                take_outputs(id="HealthCheck.Id"),
            ),
            _tag_call("healthcheck"),
        ),
    ),
    "aws:route53/record:Record": Resource(
        OutputTemplates("{zoneId}_{name}_{type}", {"fqdn": "{name}"}),
        calls=(ApiCall("route53", "change_resource_record_sets", _record),),
    ),
    "aws:wafv2/webAcl:WebAcl": Resource(
        OutputTemplates(
            "{uuid}", {"arn": "arn:aws:wafv2:{region}:{account}:regional/webacl/{name}/{id}"}
        ),
        calls=(
            ApiCall(
                "wafv2",
                "create_web_acl",
                _web_acl,
                take_outputs(id="Summary.Id", arn="Summary.ARN"),
            ),
        ),
    ),
    "aws:wafv2/webAclAssociation:WebAclAssociation": Resource(
        OutputTemplates("{webAclArn},{resourceArn}"),
        calls=(ApiCall("wafv2", "associate_web_acl", take("resourceArn", WebACLArn="webAclArn")),),
    ),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": Resource(
        OutputTemplates("{resourceArn}"),
        calls=(ApiCall("wafv2", "put_logging_configuration", _web_log),),
    ),
}
