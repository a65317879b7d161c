"""The judge of roles: what a service needs by its documentation, against what its role allows.

A role that the pipeline assumes is judged by tests/components/test_release_role.py and
tests/components/test_delivery.py. Whether each policy is one that IAM takes, and whether its
actions exist and fit its resources, cfn-lint judges.
"""

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore import xform_name
from botocore.session import get_session

from arca.emulator.judges.finding import Finding
from arca.emulator.program.engine import Registration
from tests import ROOT
from tests.graph import Graph

JUDGE = "roles"
LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")
XRAY = (
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)
PULL = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
)
REPLICATE = (
    "kms:Decrypt",
    "kms:Encrypt",
    "s3:GetObjectVersionAcl",
    "s3:GetObjectVersionForReplication",
    "s3:GetObjectVersionTagging",
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
    "s3:ReplicateDelete",
    "s3:ReplicateObject",
    "s3:ReplicateTags",
)
MANAGED = "arn:aws:iam::aws:policy/"
PIPELINE = "delivery-"


@dataclass(frozen=True)
class Needs:
    """The actions that a role needs, or the managed policies that it is attached to."""

    page: str
    """The page that says so."""
    actions: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()


TASK = Needs(
    "Amazon ECS Developer Guide, Task execution IAM role",
    (*PULL, *LOGS, "kms:Decrypt", "secretsmanager:GetSecretValue", "ssm:GetParameters"),
)
SCHEDULE = Needs(
    "EventBridge Scheduler User Guide, Setting up the execution role", ("lambda:InvokeFunction",)
)
NEEDS: Mapping[str, Needs] = {
    "alerting-slack": Needs(
        "Amazon Q Developer in chat applications Guide, Notifications only",
        policies=(f"{MANAGED}CloudWatchReadOnlyAccess",),
    ),
    "audit-trail-sender": Needs(
        "Amazon CloudWatch Logs User Guide, Log group-level subscription filters",
        ("firehose:PutRecord", "firehose:PutRecordBatch"),
    ),
    "audit-trail-writer": Needs(
        "Amazon Data Firehose Developer Guide, Grant Firehose access to an Amazon S3 destination",
        (
            "kms:Decrypt",
            "kms:GenerateDataKey",
            "logs:PutLogEvents",
            "s3:AbortMultipartUpload",
            "s3:GetBucketLocation",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:ListBucketMultipartUploads",
            "s3:PutObject",
        ),
    ),
    "backups": Needs(
        "AWS Backup Developer Guide, Managed policies for AWS Backup",
        policies=(
            f"{MANAGED}service-role/AWSBackupServiceRolePolicyForBackup",
            f"{MANAGED}service-role/AWSBackupServiceRolePolicyForRestores",
            f"{MANAGED}AWSBackupServiceRolePolicyForS3Backup",
            f"{MANAGED}AWSBackupServiceRolePolicyForS3Restore",
        ),
    ),
    "database-monitoring": Needs(
        "Amazon RDS User Guide, Setting up and enabling Enhanced Monitoring",
        policies=(f"{MANAGED}service-role/AmazonRDSEnhancedMonitoringRole",),
    ),
    "experiments": Needs(
        "AWS FIS User Guide, AWS FIS Actions reference, and Experiment logging",
        (
            "ec2:CreateNetworkAcl",
            "ec2:CreateNetworkAclEntry",
            "ec2:CreateTags",
            "ec2:DeleteNetworkAcl",
            "ec2:DescribeManagedPrefixLists",
            "ec2:DescribeNetworkAcls",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
            "ec2:GetManagedPrefixListEntries",
            "ec2:ReplaceNetworkAclAssociation",
            "ecs:DescribeTasks",
            "ecs:ListTasks",
            "ecs:StopTask",
            "logs:CreateLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:PutResourcePolicy",
            "rds:DescribeDBInstances",
            "rds:RebootDBInstance",
            "tag:GetResources",
        ),
    ),
    "observability-definition-watch-schedule": SCHEDULE,
    "observability-publisher-schedule": SCHEDULE,
    "probe": Needs(
        "Amazon CloudWatch User Guide, Required roles and permissions for canaries",
        (
            *LOGS,
            "cloudwatch:PutMetricData",
            "kms:Decrypt",
            "kms:GenerateDataKey",
            "logs:CreateLogGroup",
            "s3:GetBucketLocation",
            "s3:GetObject",
            "s3:ListAllMyBuckets",
            "s3:PutObject",
        ),
    ),
    "proxy": Needs(
        "Amazon RDS User Guide, Setting up IAM policies for RDS Proxy",
        ("kms:Decrypt", "secretsmanager:GetSecretValue"),
    ),
    "service-execution": TASK,
    "service-infrastructure": Needs(
        "Amazon ECS Developer Guide, Amazon ECS infrastructure IAM role for load balancers",
        policies=(f"{MANAGED}AmazonECSInfrastructureRolePolicyForLoadBalancers",),
    ),
    "service-migration": Needs("docs/migrations.md: the runner calls nothing of AWS"),
    "service-migration-execution": TASK,
    "service-task": Needs(
        "docs/service-contract.md; the collector's X-Ray and CloudWatch EMF exporters",
        (
            *LOGS,
            *XRAY,
            "kms:Decrypt",
            "kms:GenerateDataKey",
            "rds-db:connect",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:PutObject",
        ),
    ),
    "storage-audit-replication": Needs(
        "Amazon S3 User Guide, Setting up permissions for live replication, and Object Lock",
        (*REPLICATE, "s3:GetObjectLegalHold", "s3:GetObjectRetention"),
    ),
    "storage-replication-back": Needs(
        "Amazon S3 User Guide, Setting up permissions for live replication", REPLICATE
    ),
    "storage-replication": Needs(
        "Amazon S3 User Guide, Setting up permissions for live replication", REPLICATE
    ),
}
"""What each role needs, by its logical name."""
CODE = {
    "observability-definition-watch": ("ecs", "arca/monitoring/definition_watch.py"),
    "observability-publisher": ("cloudwatch", "arca/monitoring/slo/publisher.py"),
}
"""Roles of code that stands here: the service that it calls, and the file that calls it."""


UNCONDITIONED: Mapping[str, str] = {
    "ecs.amazonaws.com": "Amazon ECS Developer Guide, Amazon ECS infrastructure IAM role",
    "s3.amazonaws.com": "Amazon S3 User Guide, Setting up permissions for live replication",
}
"""Services whose page shows a trust policy without any condition, which they may not meet."""


def judge(graph: Graph) -> list[Finding]:
    """Return what each role lacks, what it never needs, and whom it trusts in vain."""
    return [
        *(one for role in _roles(graph) for one in _judge(graph, role)),
        *(one for node in graph.of("aws:iam/role:Role") for one in _trust(node)),
    ]


def _trust(role: Registration) -> Iterator[Finding]:
    for statement in json.loads(role.inputs["assumeRolePolicy"])["Statement"]:
        for service in _list(statement["Principal"].get("Service", [])):
            if service in UNCONDITIONED and "Condition" in statement:
                says = f"{service} may not meet it ({UNCONDITIONED[service]})"
                yield Finding(JUDGE, role.urn, "Condition", says)


def _roles(graph: Graph) -> list[str]:
    roles = [node.name for node in graph.of("aws:iam/role:Role")]
    return [name for name in roles if not name.startswith(PIPELINE)]


def _judge(graph: Graph, role: str) -> Iterator[Finding]:
    urn = graph.one("aws:iam/role:Role", role).urn
    needs = Needs(CODE[role][1], (*LOGS, *_called(*CODE[role]))) if role in CODE else None
    needs = needs or NEEDS.get(role)
    if needs is None:
        yield Finding(JUDGE, urn, "role", "no page says what it needs")
        return
    allowed, attached = _allowed(graph, role), _attached(graph, urn)
    for action in sorted(set(needs.actions) - allowed):
        yield Finding(JUDGE, urn, action, f"needed and not allowed ({needs.page})")
    for action in sorted(allowed - set(needs.actions)):
        yield Finding(JUDGE, urn, action, "allowed and never needed")
    if attached != set(needs.policies):
        yield Finding(JUDGE, urn, "policies", f"{sorted(attached)}, not {list(needs.policies)}")


def _allowed(graph: Graph, role: str) -> set[str]:
    policies = [node for node in graph.of("aws:iam/rolePolicy:RolePolicy") if node.name == role]
    documents = [node.inputs["policy"] for node in policies]
    statements: list[Mapping[str, Any]] = [
        one for text in documents for one in json.loads(text)["Statement"]
    ]
    return {
        action for one in statements if one["Effect"] == "Allow" for action in _list(one["Action"])
    }


def _attached(graph: Graph, urn: str) -> set[str]:
    name = graph.states[urn]["name"]
    attachments = graph.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    return {str(node.inputs["policyArn"]) for node in attachments if node.inputs["role"] == name}


@cache
def _called(service: str, file: str) -> list[str]:
    """Return the actions of the operations that a file calls on a client of a service."""
    make: Any = get_session().get_service_model
    operations = {xform_name(name): name for name in make(service).operation_names}
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    names = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    return sorted(f"{service}:{operations[name]}" for name in names & set(operations))


def _list(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value
