"""The publisher of the error budgets: a Lambda function that runs once an hour."""

from collections.abc import Iterable, Mapping, Sequence

import pulumi
import pulumi_aws as aws

from arca.monitoring.catalogue import OWN_NAMESPACE, Binding
from arca.monitoring.slo.objective import Objective
from arca.monitoring.slo.publisher_input import publisher_input
from components.code import source, zipped
from components.component import Component, Text
from components.iam import allow, document, trust

CARRIED = (
    "__init__.py",
    "monitoring/__init__.py",
    "monitoring/slo/__init__.py",
    "monitoring/slo/budget.py",
    "monitoring/slo/duration.py",
    "monitoring/slo/publisher.py",
)
"""Files of the package `arca` that the function imports."""
SCHEDULE = "cron(5 * * * ? *)"
"""Five minutes past the hour: CloudWatch then has its last minute."""
RUNTIME = "python3.13"


def declare_publisher(
    component: Component,
    name: str,
    objectives: Iterable[Objective],
    *,
    bindings: Mapping[Binding, Sequence[Text]],
    artifacts: pulumi.Input[str],
    key_arn: pulumi.Input[str],
) -> pulumi.Output[str]:
    """Declare the function, its schedule, roles and log group; return the group's name."""
    place = component.place
    logical = f"{name}-publisher"
    log = aws.cloudwatch.LogGroup(
        logical,
        name=f"/{place.prefix}/slo-publisher",
        kms_key_id=key_arn,
        retention_in_days=90,
        opts=component.child(),
    )
    role = aws.iam.Role(
        logical,
        assume_role_policy=trust("lambda.amazonaws.com", account_id=None),
        opts=component.child(),
    )
    policy = aws.iam.RolePolicy(
        logical,
        role=role.name,
        policy=document(
            allow(["cloudwatch:GetMetricData"], ["*"]),
            allow(
                ["cloudwatch:PutMetricData"],
                ["*"],
                condition={"StringEquals": {"cloudwatch:namespace": OWN_NAMESPACE}},
            ),
            allow(
                ["logs:CreateLogStream", "logs:PutLogEvents"],
                [pulumi.Output.concat(log.arn, ":*")],
            ),
        ),
        opts=component.child(),
    )
    described = pulumi.Output.json_dumps(
        publisher_input(objectives, bindings, stage=place.stage), sort_keys=True
    )
    files = {f"arca/{path}": source(path) for path in CARRIED}
    code = aws.s3.BucketObjectv2(
        logical,
        bucket=artifacts,
        key="code/slo-publisher.zip",
        content_base64=described.apply(
            lambda text: zipped({**files, "objectives.json": str(text)})
        ),
        content_type="application/zip",
        opts=component.child(),
    )
    function = aws.lambda_.Function(
        logical,
        name=f"{place.prefix}-slo-publisher",
        runtime=RUNTIME,
        architectures=["arm64"],
        handler="arca.monitoring.slo.publisher.handler",
        role=role.arn,
        s3_bucket=code.bucket,
        s3_key=code.key,
        s3_object_version=code.version_id,
        timeout=120,
        memory_size=256,
        logging_config={"log_format": "JSON", "log_group": log.name},
        opts=component.child(depends_on=[policy]),
    )
    _schedule(component, logical, function.arn)
    return log.name


def _schedule(component: Component, logical: str, function_arn: pulumi.Output[str]) -> None:
    place = component.place
    role = aws.iam.Role(
        f"{logical}-schedule",
        assume_role_policy=trust("scheduler.amazonaws.com", account_id=place.account_id),
        opts=component.child(),
    )
    policy = aws.iam.RolePolicy(
        f"{logical}-schedule",
        role=role.name,
        policy=document(allow(["lambda:InvokeFunction"], [function_arn])),
        opts=component.child(),
    )
    aws.scheduler.Schedule(
        logical,
        name=f"{place.prefix}-slo-publisher",
        schedule_expression=SCHEDULE,
        flexible_time_window={"mode": "OFF"},
        target={
            "arn": function_arn,
            "role_arn": role.arn,
            "retry_policy": {"maximum_retry_attempts": 3, "maximum_event_age_in_seconds": 1800},
        },
        opts=component.child(depends_on=[policy]),
    )
