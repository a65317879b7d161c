"""Events of ECS and AWS Backup: rules count them, and a log group keeps them.

ECS itself forgets them in an hour.
"""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from arca.monitoring.catalogue import Binding
from components.component import Component
from components.iam import allow, document
from components.spec import LogRetention

TASKS = "ECS Task State Change"
DEPLOYMENTS = "ECS Deployment State Change"
BACKUPS = ("Backup Job State Change", "Copy Job State Change", "Restore Job State Change")
UNSUCCESSFUL = ["ABORTED", "EXPIRED", "FAILED", "PARTIAL"]
"""How a job ends that is not complete (AWS Backup API: BackupJob and CopyJob, State; RestoreJob,
Status)."""


def rules(*, backups: bool) -> tuple[Binding, ...]:
    """Return the rules of a stack, by the bindings of their metrics."""
    return (
        "deployment_rule",
        "migration_rule",
        "crash_rule",
        *(("backup_rule",) if backups else ()),
    )


def patterns(*, region: str, account_id: str, cluster: str) -> Mapping[Binding, dict[str, Any]]:
    """Return the event pattern of each rule.

    Source: Amazon ECS Developer Guide, "Amazon ECS task state change events" and "Amazon ECS
    service deployment state change events"; AWS Backup Developer Guide, "Monitoring AWS Backup
    events using Amazon EventBridge", by which a restore job has a `status` and the others a
    `state`. Jobs of all stacks of a region arrive, and one that fails is always somebody's.
    """
    arn = f"arn:aws:ecs:{region}:{account_id}"
    stopped = {"clusterArn": [f"{arn}:cluster/{cluster}"], "lastStatus": ["STOPPED"]}
    return {
        "deployment_rule": {
            "source": ["aws.ecs"],
            "detail-type": [DEPLOYMENTS],
            "resources": [{"prefix": f"{arn}:service/{cluster}/"}],
            "detail": {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
        },
        "migration_rule": {
            "source": ["aws.ecs"],
            "detail-type": [TASKS],
            "detail": {
                **stopped,
                "group": [f"family:{cluster}-migrations"],
                "$or": [
                    {"containers": {"exitCode": [{"anything-but": [0]}]}},
                    {"stopCode": ["TaskFailedToStart"]},
                ],
            },
        },
        "crash_rule": {
            "source": ["aws.ecs"],
            "detail-type": [TASKS],
            "detail": {
                **stopped,
                "group": [{"prefix": "service:"}],
                "stopCode": ["EssentialContainerExited", "TaskFailedToStart"],
            },
        },
        "backup_rule": {
            "source": ["aws.backup"],
            "detail-type": [*BACKUPS],
            "detail": {"$or": [{"state": UNSUCCESSFUL}, {"status": UNSUCCESSFUL}]},
        },
    }


def rule_name(prefix: str, rule: Binding) -> str:
    """Return a rule's physical name, which is a dimension of its metric."""
    return f"{prefix}-{rule.replace('_rule', '')}-failed"


def declare_events(
    component: Component,
    name: str,
    *,
    backups: bool,
    days: LogRetention,
    key_arn: pulumi.Input[str],
) -> pulumi.Output[str]:
    """Declare the rules and the log group that they write to; return the group's name."""
    place = component.place
    group = aws.cloudwatch.LogGroup(
        f"{name}-events",
        name=f"/{place.prefix}/events",
        kms_key_id=key_arn,
        retention_in_days=days,
        opts=component.child(),
    )
    policy = aws.cloudwatch.LogResourcePolicy(
        f"{name}-events",
        policy_name=f"{place.prefix}-events",
        # Amazon EventBridge User Guide, "CloudWatch Logs permissions".
        policy_document=document(
            allow(
                ["logs:CreateLogStream", "logs:PutLogEvents"],
                [pulumi.Output.concat(group.arn, ":*")],
                principal={"Service": ["events.amazonaws.com", "delivery.logs.amazonaws.com"]},
                condition={"StringEquals": {"aws:SourceAccount": place.account_id}},
            )
        ),
        opts=component.child(),
    )
    watched = patterns(region=place.region, account_id=place.account_id, cluster=place.prefix)
    for binding in rules(backups=backups):
        logical = f"{name}-{binding.replace('_rule', '')}-failed"
        rule = aws.cloudwatch.EventRule(
            logical,
            name=rule_name(place.prefix, binding),
            event_pattern=json.dumps(watched[binding], sort_keys=True),
            opts=component.child(),
        )
        aws.cloudwatch.EventTarget(
            logical,
            rule=rule.name,
            target_id="log",
            arn=group.arn,
            opts=component.child(depends_on=[policy]),
        )
    return group.name
