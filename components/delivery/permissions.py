"""The permissions of the pipeline's roles."""

from collections.abc import Sequence

import pulumi

from arca.naming import STATE_KEY_ALIAS, boundary_arn, prefix, role_path, state_bucket
from components.component import Place, Text
from components.iam import Statement, allow
from components.wires import ReleaseScope

READ_ONLY_ACCESS = "arn:aws:iam::aws:policy/ReadOnlyAccess"
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
"""Actions that ReadOnlyAccess allows, or may allow one day, and that a preview must not have.

They read secrets and customers' data: log lines, traces, and the SQL in Performance Insights.
X-Ray's groups and sampling rules stay readable, because the stacks declare them.
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


def state_statements(place: Place, stacks: Sequence[str]) -> list[Statement]:
    """Allow reading the state of these stacks, which the state's key encrypts."""
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
    """Return the ARNs of the states' objects (Pulumi's documentation, "Using a DIY backend")."""
    root = f"arn:aws:s3:::{state_bucket(place.account_id)}/.pulumi"
    project = pulumi.get_project()
    return [
        f"{root}/meta.yaml",
        *(f"{root}/stacks/{project}/{stack}.json*" for stack in stacks),
    ]


def preview(place: Place, stacks: Sequence[str]) -> list[Statement]:
    """Add the state to ReadOnlyAccess, and deny secrets' values and customers' data."""
    return [
        *state_statements(place, stacks),
        {"Effect": "Deny", "Action": list(CUSTOMERS), "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "NotResource": state_objects(place, stacks),
        },
        {
            # Data under any other key stays unreadable, including SecureString parameters.
            "Effect": "Deny",
            "Action": ["kms:Decrypt"],
            "Resource": "*",
            "Condition": {"ForAllValues:StringNotEquals": {"kms:ResourceAliases": STATE_KEY_ALIAS}},
        },
    ]


def infra(place: Place, stack_pattern: str) -> list[Statement]:
    """Add to PowerUserAccess the roles below these stacks' path, never without the boundary.

    PowerUserAccess allows whole services. The boundary (arca/bootstrap/template.yaml) protects
    audit records, states and keys, both from this role and from every role that it creates.

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


def release(
    place: Place, stacks: Sequence[str], released: ReleaseScope, *, migrates: bool
) -> list[Statement]:
    """Allow exactly what release-stage.yml does: its `arca` commands and the copy of an image.

    Only a stack that `migrates` has migrations, whose roles read the database owner's password. A
    standby's database is a replica of its primary's, and so are the secrets.

    IAM limits the families and the roles of a definition, but neither its images nor its commands
    (Service Authorization Reference, "Actions, resources, and condition keys for Amazon ECS").
    """
    region, account = place.region, place.account_id
    here = {"StringEquals": {"aws:RequestedRegion": region}}

    def arn(service: str, *resource: Text) -> pulumi.Output[str]:
        return pulumi.Output.concat(f"arn:aws:{service}:{region}:{account}:", *resource)

    of_service = pulumi.Output.concat(released.cluster, "/", released.service)
    own = arn("ecs", "task-definition/", released.service_family, ":*")
    migrations = arn("ecs", "task-definition/", released.migration_family, ":*")
    definitions = [own, *([migrations] if migrates else [])]
    in_cluster = {"ArnEquals": {"ecs:cluster": arn("ecs", "cluster/", released.cluster)}}
    every_role = [*released.service_role_arns, *released.migration_role_arns]
    parameters = f"parameter/{place.prefix}"
    return [
        *state_statements(place, stacks),
        # These calls take no resource, or only answer with an error for another stack's name.
        allow(
            [
                *(*ECS_READ, "elasticloadbalancing:Describe*"),
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
        allow(["ecs:RegisterTaskDefinition"], definitions),
        # A migration, and the smoke tests of a paused deployment.
        allow(["ecs:RunTask"], definitions, condition=in_cluster),
        allow(["ecs:StopTask"], [arn("ecs", "task/", released.cluster, "/*")]),
        allow(
            ["iam:PassRole"],
            every_role if migrates else released.service_role_arns,
            condition={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        ),
        # A release checks that the roles of a task definition still exist.
        allow(["iam:GetRole"], every_role),
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
        # Which region serves. The lever is the primary's, and global; IAM knows its id only after
        # the stack is up.
        allow(["route53:GetHealthCheck"], ["arn:aws:route53:::healthcheck/*"]),
        # A secondary's tasks read replicas, which keep the names of the primary's secrets.
        allow(
            ["secretsmanager:DescribeSecret"],
            [arn("secretsmanager", f"secret:{prefix(stack)}/*") for stack in stacks],
        ),
    ]
