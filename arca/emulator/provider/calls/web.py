"""The load balancer's calls: Elastic Load Balancing."""

from collections.abc import Mapping
from typing import Any

from arca.emulator.provider.calls.table import Call, State, tags, take


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


TABLE: Mapping[str, tuple[Call, ...]] = {
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
}
