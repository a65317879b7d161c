"""What each of the pipeline's roles may do."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from arca.naming import STATE_KEY_ALIAS, boundary_arn, prefix, role_path, state_bucket
from components.component import Place
from components.iam import Statement, allow

Text = pulumi.Input[str]

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
POWER_USER = "arn:aws:iam::aws:policy/PowerUserAccess"
IAM_READ_ONLY = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"

CUSTOMERS = (
    "secretsmanager:GetSecretValue",
    "secretsmanager:BatchGetSecretValue",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:GetLogFields",
    "logs:GetLogObject",
    "logs:GetLogRecord",
    "logs:GetQueryResults",
    "logs:ListAnomalies",
    "logs:StartLiveTail",
    "logs:StartQuery",
    "logs:Unmask",
    "pi:*",
    "rds:DownloadCompleteDBLogFile",
    "rds:DownloadDBLogFilePortion",
    "xray:BatchGetTrace*",
    "xray:GetDistinctTraceGraphs",
    "xray:GetInsight*",
    "xray:GetRetrievedTracesGraph",
    "xray:GetTraceGraph",
    "xray:GetTraceSummaries",
    "xray:ListRetrievedTraces",
    "xray:StartTraceRetrieval",
)
"""What ReadOnlyAccess gives, or may give one day, and a preview has no use for.

Secrets and customers' data: log lines and samples of them, traces, and the SQL that Performance
Insights shows. Groups and sampling rules of X-Ray stay readable, for the stacks declare them.
"""
ECS_READ = ("ecs:Describe*", "ecs:List*")
IMAGES = (
    "BatchCheckLayerAvailability",
    "BatchGetImage",
    "CompleteLayerUpload",
    "DescribeImageScanFindings",
    "DescribeImages",
    "GetDownloadUrlForLayer",
    "InitiateLayerUpload",
    "PutImage",
    "UploadLayerPart",
)


@dataclass(frozen=True)
class Released:
    """What a release touches."""

    cluster: Text
    service: Text
    families: Sequence[Text]
    passed_role_arns: Sequence[Text]
    log_group: Text
    """Where the tasks' own logs are."""
    repository_name: Text


def state(place: Place, stacks: Sequence[str]) -> list[Statement]:
    """Read the state of these stacks, which the state's key encrypts."""
    bucket = f"arn:aws:s3:::{state_bucket(place.account_id)}"
    return [
        allow(["s3:GetBucketLocation", "s3:ListBucket"], [bucket]),
        allow(["s3:GetObject"], state_objects(place, stacks)),
        allow(
            ["kms:Decrypt"],
            [f"arn:aws:kms:*:{place.account_id}:key/*"],
            condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": STATE_KEY_ALIAS}},
        ),
    ]


def state_objects(place: Place, stacks: Sequence[str]) -> list[str]:
    """Where Pulumi keeps them (Pulumi's documentation, "Using a DIY backend")."""
    root = f"arn:aws:s3:::{state_bucket(place.account_id)}/.pulumi"
    project = pulumi.get_project()
    return [
        f"{root}/meta.yaml",
        *(f"{root}/stacks/{project}/{stack}.json*" for stack in stacks),
    ]


def preview(place: Place, stacks: Sequence[str]) -> list[Statement]:
    """Beside ReadOnlyAccess: the state, and neither a secret's value nor customers' data."""
    return [
        *state(place, stacks),
        {"Effect": "Deny", "Action": list(CUSTOMERS), "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "NotResource": state_objects(place, stacks),
        },
        {
            # Whatever is encrypted with any other key stays closed: SecureString parameters too.
            "Effect": "Deny",
            "Action": ["kms:Decrypt"],
            "Resource": "*",
            "Condition": {"ForAllValues:StringNotEquals": {"kms:ResourceAliases": STATE_KEY_ALIAS}},
        },
    ]


def infra(place: Place, stack_pattern: str) -> list[Statement]:
    """Beside PowerUserAccess: roles below these stacks' path, never without the boundary.

    PowerUserAccess gives whole services. That audit records, states and keys stay is the
    boundary's doing (arca/bootstrap/template.yaml), for this role and for whatever role it makes.

    Source: IAM User Guide, "Permissions boundaries for IAM entities", delegating.
    """
    roles = f"arn:aws:iam::{place.account_id}:role{role_path(stack_pattern)}*"
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary_arn(place.account_id)}}
    policies = ("AttachRolePolicy", "DeleteRolePolicy", "DetachRolePolicy", "PutRolePolicy")
    plain = ("DeleteRole", "TagRole", "UntagRole", "UpdateAssumeRolePolicy", "UpdateRole")
    return [
        allow(
            [f"iam:{a}" for a in ("CreateRole", "PutRolePermissionsBoundary", *policies)],
            [roles],
            condition=bounded,
        ),
        allow([f"iam:{action}" for action in (*plain, "PassRole")], [roles]),
    ]


def release(place: Place, stacks: Sequence[str], released: Released) -> list[Statement]:
    """Exactly what release-stage.yml does: its `arca` commands, and the copy of an image."""
    region, account = place.region, place.account_id
    here = {"StringEquals": {"aws:RequestedRegion": region}}

    def arn(service: str, *resource: Text) -> pulumi.Output[str]:
        return pulumi.Output.concat(f"arn:aws:{service}:{region}:{account}:", *resource)

    of_service = pulumi.Output.concat(released.cluster, "/", released.service)
    definitions = [arn("ecs", "task-definition/", family, ":*") for family in released.families]
    parameters = f"parameter/{place.prefix}"
    return [
        *state(place, stacks),
        # These calls know no resource, or another's name would only be answered with an error.
        allow(
            [
                *(*ECS_READ, "ecs:RegisterTaskDefinition", "elasticloadbalancing:Describe*"),
                *("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"),
                *("logs:DescribeLogGroups", "ecr:GetAuthorizationToken"),
            ],
            ["*"],
            condition=here,
        ),
        allow(
            ["ecs:UpdateService", "ecs:StopServiceDeployment", "ecs:ContinueServiceDeployment"],
            [
                arn("ecs", "service/", of_service),
                arn("ecs", "service-deployment/", of_service, "/*"),
            ],
        ),
        allow(["ecs:RunTask"], definitions),
        allow(["ecs:StopTask"], [arn("ecs", "task/", released.cluster, "/*")]),
        allow(
            ["iam:PassRole"],
            released.passed_role_arns,
            condition={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        ),
        # A task definition that names a role which is gone would start nothing.
        allow(["iam:GetRole"], released.passed_role_arns),
        allow(
            [f"ecr:{action}" for action in IMAGES],
            [arn("ecr", "repository/", released.repository_name)],
        ),
        allow(
            ["logs:GetLogEvents"],
            [arn("logs", "log-group:", released.log_group, ":log-stream:*")],
        ),
        allow(["ssm:GetParameter", "ssm:GetParameters"], [arn("ssm", f"{parameters}/*")]),
        allow(
            ["ssm:DeleteParameter", "ssm:PutParameter"],
            [arn("ssm", f"{parameters}/operations/*")],
        ),
        # A secondary's tasks are given replicas, which keep the names of their primary's secrets.
        allow(
            ["secretsmanager:DescribeSecret"],
            [arn("secretsmanager", f"secret:{prefix(stack)}/*") for stack in stacks],
        ),
    ]
