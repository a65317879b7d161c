"""The load balancer (Elastic Load Balancing)."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.resources.definition import (
    ApiCall,
    OutputTemplates,
    Resource,
    ResourceState,
    tags,
    take,
    take_outputs,
)

_ARN = "arn:aws:elasticloadbalancing:{region}:{account}:"


def _load_balancer_outputs(answer: Mapping[str, Any]) -> dict[str, Any]:
    made = answer["LoadBalancers"][0]
    arn = made["LoadBalancerArn"]
    return {
        "id": arn,
        "arn": arn,
        # CloudWatch names a load balancer by the part of its ARN after `loadbalancer/`.
        "arnSuffix": arn.partition(":loadbalancer/")[2],
        "dnsName": made["DNSName"],
        "zoneId": made["CanonicalHostedZoneId"],
    }


def _target_group_outputs(answer: Mapping[str, Any]) -> dict[str, Any]:
    arn = answer["TargetGroups"][0]["TargetGroupArn"]
    # CloudWatch names a target group by the last part of its ARN.
    return {"id": arn, "arn": arn, "arnSuffix": arn.rpartition(":")[2]}


def _attributes(pairs: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"Key": key, "Value": str(value).lower() if isinstance(value, bool) else f"{value}"}
        for key, value in pairs.items()
    ]


def _load_balancer_attributes(s: ResourceState) -> dict[str, Any]:
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


def _target_group(s: ResourceState) -> dict[str, Any]:
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


def _condition(condition: Mapping[str, Any]) -> dict[str, Any]:
    if "pathPattern" in condition:
        return {"Field": "path-pattern", "PathPatternConfig": condition["pathPattern"]}
    return {"Field": "host-header", "HostHeaderConfig": condition["hostHeader"]}


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


def _listener(s: ResourceState) -> dict[str, Any]:
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


RESOURCES: Mapping[str, Resource] = {
    "aws:lb/loadBalancer:LoadBalancer": Resource(
        OutputTemplates(
            "{arn}",
            {
                "arn": _ARN + "loadbalancer/app/{name}/{hex16}",
                "arnSuffix": "app/{name}/{hex16}",
                "dnsName": "{name}-{hex6}.{region}.elb.amazonaws.com",
                "zoneId": "{load_balancer_zone}",
            },
            name_input="name",
        ),
        calls=(
            ApiCall(
                "elbv2",
                "create_load_balancer",
                lambda s: {
                    **take("name", "subnets", "securityGroups", "ipAddressType")(s),
                    "Type": s["loadBalancerType"],
                    "Scheme": "internal" if s["internal"] else "internet-facing",
                    "Tags": tags(s),
                },
                _load_balancer_outputs,
            ),
            ApiCall("elbv2", "modify_load_balancer_attributes", _load_balancer_attributes),
        ),
    ),
    "aws:lb/targetGroup:TargetGroup": Resource(
        OutputTemplates(
            "{arn}",
            {
                "arn": _ARN + "targetgroup/{name}/{hex16}",
                "arnSuffix": "targetgroup/{name}/{hex16}",
            },
            name_input="name",
        ),
        calls=(
            ApiCall(
                "elbv2",
                "create_target_group",
                _target_group,
                _target_group_outputs,
            ),
            ApiCall(
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
    ),
    "aws:lb/trustStore:TrustStore": Resource(
        OutputTemplates("{arn}", {"arn": _ARN + "truststore/{name}/{hex16}"}, name_input="name"),
        calls=(
            ApiCall(
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
    ),
    "aws:lb/listener:Listener": Resource(
        OutputTemplates(_ARN + "listener/app/{hex16}/{port}", {"arn": "{id}"}),
        calls=(
            ApiCall(
                "elbv2",
                "create_listener",
                _listener,
                take_outputs(id="Listeners.0.ListenerArn", arn="Listeners.0.ListenerArn"),
            ),
        ),
    ),
    "aws:lb/listenerRule:ListenerRule": Resource(
        OutputTemplates(_ARN + "listener-rule/app/{hex16}/{hex}", {"arn": "{id}"}),
        calls=(
            ApiCall(
                "elbv2",
                "create_rule",
                lambda s: {
                    **take("listenerArn", "priority")(s),
                    "Conditions": [_condition(condition) for condition in s["conditions"]],
                    "Actions": _actions(s["actions"]),
                    "Tags": tags(s),
                },
                take_outputs(id="Rules.0.RuleArn", arn="Rules.0.RuleArn"),
            ),
        ),
    ),
}
