"""The roles of the tasks, of ECS when it starts them, and of ECS when it shifts traffic."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.component import Component, Place, Text, after
from components.iam import Statement, allow, service_role, trust
from components.service.environment import Environment


@dataclass(frozen=True)
class Permissions:
    """The resources that the roles may use."""

    secrets_key_arn: Text
    documents_arn: Text
    documents_key_arn: Text
    repository_name: Text
    database_resource_id: Text | None
    """For logins with an IAM token; None where the database does not allow them."""


@dataclass(frozen=True)
class TaskRoles:
    """The roles' ARNs."""

    execution: pulumi.Output[str]
    migration_execution: pulumi.Output[str]
    task: pulumi.Output[str]
    migration: pulumi.Output[str]
    infrastructure: pulumi.Output[str]


def declare(
    component: Component,
    name: str,
    permissions: Permissions,
    environment: Environment,
    *,
    parameter_arns: Sequence[Text],
    log_group_arn: Text,
    execute_command: bool,
) -> TaskRoles:
    """Declare the five roles, each with the permissions of one job.

    Only the execution role of migrations can read the database owner's password.
    """
    place = component.place
    return TaskRoles(
        execution=_role(
            component,
            f"{name}-execution",
            _execution(place, permissions, environment.secret_arns, parameter_arns, log_group_arn),
        ),
        migration_execution=_role(
            component,
            f"{name}-migration-execution",
            _execution(
                place, permissions, environment.migration_secret_arns, parameter_arns, log_group_arn
            ),
        ),
        task=_role(
            component,
            f"{name}-task",
            _task(place, permissions, log_group_arn, execute_command=execute_command),
        ),
        migration=_role(component, f"{name}-migration", _telemetry(log_group_arn)),
        infrastructure=_infrastructure(component, f"{name}-infrastructure"),
    )


def _execution(
    place: Place,
    p: Permissions,
    secret_arns: Sequence[Text],
    parameter_arns: Sequence[Text],
    log_group_arn: Text,
) -> list[Statement]:
    """Return what ECS may do before a container runs.

    Source: Amazon ECS Developer Guide, "Amazon ECS task execution IAM role".
    """
    repository = pulumi.Output.concat(
        f"arn:aws:ecr:{place.region}:{place.account_id}:repository/", p.repository_name
    )
    pull = ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
    through_secrets = [f"{s}.{place.region}.amazonaws.com" for s in ("secretsmanager", "ssm")]
    return [
        # The token is for the whole registry; the API takes no resource.
        allow(["ecr:GetAuthorizationToken"], ["*"]),
        allow([f"ecr:{action}" for action in pull], [repository]),
        _writes(log_group_arn),
        allow(["secretsmanager:GetSecretValue"], secret_arns),
        allow(["ssm:GetParameters"], parameter_arns),
        allow(
            ["kms:Decrypt"],
            [p.secrets_key_arn],
            condition={"StringEquals": {"kms:ViaService": through_secrets}},
        ),
    ]


def _task(
    place: Place, p: Permissions, log_group_arn: Text, *, execute_command: bool
) -> list[Statement]:
    """Return what the service itself may do."""
    objects = pulumi.Output.concat(p.documents_arn, "/*")
    statements = [
        allow(["s3:GetObject", "s3:PutObject"], [objects]),
        allow(["s3:ListBucket"], [p.documents_arn]),
        allow(
            ["kms:Decrypt", "kms:GenerateDataKey"],
            [p.documents_key_arn],
            condition={"StringEquals": {"kms:ViaService": f"s3.{place.region}.amazonaws.com"}},
        ),
        *_telemetry(log_group_arn),
    ]
    if p.database_resource_id is not None:
        user = pulumi.Output.concat(
            f"arn:aws:rds-db:{place.region}:{place.account_id}:dbuser:",
            p.database_resource_id,
            "/arca_app",
        )
        statements.append(allow(["rds-db:connect"], [user]))
    if execute_command:
        channels = ("CreateControl", "CreateData", "OpenControl", "OpenData")
        # ECS Exec's message channels have no ARN (Amazon ECS Developer Guide, "ECS Exec").
        statements.append(allow([f"ssmmessages:{c}Channel" for c in channels], ["*"]))
    return statements


def _telemetry(log_group_arn: Text) -> list[Statement]:
    """Return what the collector may send; X-Ray's API takes no resource.

    Metrics are lines of a log (embedded metric format), so nothing calls PutMetricData.
    """
    xray = ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")
    return [
        allow([f"xray:{action}" for action in xray], ["*"]),
        _writes(log_group_arn),
    ]


def _writes(log_group_arn: Text) -> Statement:
    return allow(
        ["logs:CreateLogStream", "logs:PutLogEvents"], [pulumi.Output.concat(log_group_arn, ":*")]
    )


def _role(component: Component, name: str, statements: list[Statement]) -> pulumi.Output[str]:
    role = service_role(component, name, "ecs-tasks.amazonaws.com", *statements, confined=True)
    return role.arn_with_policy


def _infrastructure(component: Component, name: str) -> pulumi.Output[str]:
    """Declare the role with which ECS changes the load balancer while it shifts traffic.

    Source: Amazon ECS Developer Guide, "Amazon ECS infrastructure IAM role for load balancers".
    """
    role = aws.iam.Role(
        name,
        assume_role_policy=trust("ecs.amazonaws.com", account_id=None),
        opts=component.child(),
    )
    attachment = aws.iam.RolePolicyAttachment(
        name,
        role=role.name,
        policy_arn="arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers",
        opts=component.child(),
    )
    return after(role.arn, attachment.id)
