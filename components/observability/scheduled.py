"""A Lambda function of the platform's own that runs by a schedule."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.component import Component
from components.iam import Statement, allow, service_role

RUNTIME = "python3.13"


@dataclass(frozen=True)
class ScheduledFunction:
    """One function before it exists."""

    name: str
    """The end of its physical name, and of its log group's."""
    handler: str
    schedule: str
    """As EventBridge Scheduler takes it."""
    code: pulumi.Output[str]
    """A zip in base64."""
    statements: Sequence[Statement]
    """What it may do besides writing its log."""


def declare_scheduled(
    component: Component,
    logical: str,
    planned: ScheduledFunction,
    *,
    artifacts: pulumi.Input[str],
    key_arn: pulumi.Input[str],
) -> pulumi.Output[str]:
    """Declare the function, its schedule, roles and log group; return the group's name."""
    place = component.place
    log = aws.cloudwatch.LogGroup(
        logical,
        name=f"/{place.prefix}/{planned.name}",
        kms_key_id=key_arn,
        retention_in_days=90,
        opts=component.child(),
    )
    runner = service_role(
        component,
        logical,
        "lambda.amazonaws.com",
        *planned.statements,
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], [pulumi.Output.concat(log.arn, ":*")]),
        confined=False,
    )
    code = aws.s3.BucketObjectv2(
        logical,
        bucket=artifacts,
        key=f"code/{planned.name}.zip",
        content_base64=planned.code,
        content_type="application/zip",
        opts=component.child(),
    )
    function = aws.lambda_.Function(
        logical,
        name=f"{place.prefix}-{planned.name}",
        runtime=RUNTIME,
        architectures=["arm64"],
        handler=planned.handler,
        role=runner.arn,
        s3_bucket=code.bucket,
        s3_key=code.key,
        s3_object_version=code.version_id,
        timeout=120,
        memory_size=256,
        logging_config={"log_format": "JSON", "log_group": log.name},
        opts=component.child(depends_on=[runner.policy]),
    )
    _schedule(component, logical, planned, function.arn)
    return log.name


def _schedule(
    component: Component,
    logical: str,
    planned: ScheduledFunction,
    function_arn: pulumi.Output[str],
) -> None:
    caller = service_role(
        component,
        f"{logical}-schedule",
        "scheduler.amazonaws.com",
        allow(["lambda:InvokeFunction"], [function_arn]),
        confined=True,
    )
    aws.scheduler.Schedule(
        logical,
        name=f"{component.place.prefix}-{planned.name}",
        schedule_expression=planned.schedule,
        flexible_time_window={"mode": "OFF"},
        target={
            "arn": function_arn,
            "role_arn": caller.arn,
            "retry_policy": {"maximum_retry_attempts": 3, "maximum_event_age_in_seconds": 1800},
        },
        opts=component.child(depends_on=[caller.policy]),
    )
