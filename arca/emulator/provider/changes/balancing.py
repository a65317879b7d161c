"""Changes of the load balancer (Elastic Load Balancing)."""

from collections.abc import Mapping

from arca.emulator.provider.changes import tags
from arca.emulator.provider.changes.definition import Changes, Update, replaced_by
from arca.emulator.provider.resources import CALLS
from arca.emulator.provider.resources.definition import ApiCall, take

_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
_GROUP = "aws:lb/targetGroup:TargetGroup"
_LISTENER = "aws:lb/listener:Listener"
_RULE = "aws:lb/listenerRule:ListenerRule"
_CHECK = (
    "HealthCheckPath",
    "HealthCheckProtocol",
    "HealthCheckIntervalSeconds",
    "HealthCheckTimeoutSeconds",
    "HealthyThresholdCount",
    "UnhealthyThresholdCount",
    "Matcher",
)
_TAGS = tags.by_calls("elbv2", "add_tags", "remove_tags", lambda s: {"ResourceArns": [s["arn"]]})


CHANGES: Mapping[str, Changes] = {
    _BALANCER: Changes(
        replaces=replaced_by("internal", "loadBalancerType", "name"),
        updates=(
            Update(
                ("subnets",),
                (ApiCall("elbv2", "set_subnets", take("subnets", LoadBalancerArn="arn")),),
            ),
            Update(
                ("securityGroups",),
                (
                    ApiCall(
                        "elbv2",
                        "set_security_groups",
                        take("securityGroups", LoadBalancerArn="arn"),
                    ),
                ),
            ),
            Update(
                ("ipAddressType",),
                (
                    ApiCall(
                        "elbv2", "set_ip_address_type", take("ipAddressType", LoadBalancerArn="arn")
                    ),
                ),
            ),
            Update(
                (
                    "accessLogs",
                    "desyncMitigationMode",
                    "dropInvalidHeaderFields",
                    "enableDeletionProtection",
                    "idleTimeout",
                    "xffHeaderProcessingMode",
                ),
                (CALLS[_BALANCER][1],),
            ),
            *_TAGS,
        ),
        deletes=(ApiCall("elbv2", "delete_load_balancer", take(LoadBalancerArn="arn")),),
        name="name",
    ),
    _GROUP: Changes(
        replaces=replaced_by("name", "port", "protocol", "targetType", "vpcId"),
        updates=(
            Update(
                ("healthCheck",),
                (
                    ApiCall(
                        "elbv2",
                        "modify_target_group",
                        lambda s: {
                            "TargetGroupArn": s["arn"],
                            **{
                                name: value
                                for name, value in CALLS[_GROUP][0].params(s).items()
                                if name in _CHECK
                            },
                        },
                    ),
                ),
            ),
            Update(
                ("deregistrationDelay", "loadBalancingAlgorithmType", "slowStart"),
                (CALLS[_GROUP][1],),
            ),
            *_TAGS,
        ),
        deletes=(ApiCall("elbv2", "delete_target_group", take(TargetGroupArn="arn")),),
        name="name",
    ),
    "aws:lb/trustStore:TrustStore": Changes(
        replaces=replaced_by("name"),
        updates=(
            Update(
                (
                    "caCertificatesBundleS3Bucket",
                    "caCertificatesBundleS3Key",
                    "caCertificatesBundleS3ObjectVersion",
                ),
                (
                    ApiCall(
                        "elbv2",
                        "modify_trust_store",
                        take(
                            "caCertificatesBundleS3Bucket",
                            "caCertificatesBundleS3Key",
                            "caCertificatesBundleS3ObjectVersion",
                            TrustStoreArn="arn",
                        ),
                        only_validated="moto has no trust stores",
                    ),
                ),
            ),
            *tags.by_calls(
                "elbv2",
                "add_tags",
                "remove_tags",
                lambda s: {"ResourceArns": [s["arn"]]},
                only_validated="moto has no trust stores",
            ),
        ),
        deletes=(
            ApiCall(
                "elbv2",
                "delete_trust_store",
                take(TrustStoreArn="arn"),
                only_validated="moto has no trust stores",
            ),
        ),
        name="name",
    ),
    _LISTENER: Changes(
        replaces=replaced_by("loadBalancerArn"),
        updates=(
            Update(
                (
                    "certificateArn",
                    "defaultActions",
                    "mutualAuthentication",
                    "port",
                    "protocol",
                    "sslPolicy",
                ),
                (
                    ApiCall(
                        "elbv2",
                        "modify_listener",
                        lambda s: {
                            "ListenerArn": s["arn"],
                            **{
                                name: value
                                for name, value in CALLS[_LISTENER][0].params(s).items()
                                if name not in ("loadBalancerArn", "Tags")
                            },
                        },
                    ),
                ),
            ),
            *_TAGS,
        ),
        deletes=(ApiCall("elbv2", "delete_listener", take(ListenerArn="arn")),),
    ),
    _RULE: Changes(
        replaces=replaced_by("listenerArn"),
        updates=(
            Update(
                ("actions", "conditions"),
                (
                    ApiCall(
                        "elbv2",
                        "modify_rule",
                        lambda s: {
                            "RuleArn": s["arn"],
                            **{
                                name: value
                                for name, value in CALLS[_RULE][0].params(s).items()
                                if name in ("Actions", "Conditions")
                            },
                        },
                    ),
                ),
            ),
            Update(
                ("priority",),
                (
                    ApiCall(
                        "elbv2",
                        "set_rule_priorities",
                        lambda s: {
                            "RulePriorities": [{"RuleArn": s["arn"], "Priority": s["priority"]}]
                        },
                    ),
                ),
            ),
            *_TAGS,
        ),
        deletes=(ApiCall("elbv2", "delete_rule", take(RuleArn="arn")),),
    ),
}
