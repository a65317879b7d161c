"""Flow logs: a record of the VPC's traffic, in the bucket of logs or in CloudWatch Logs."""

from typing import Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.bucket import ReadyBucket
from components.component import Component, Place
from components.iam import allow, service_role
from components.spec import LogRetention, Spec


class FlowLogsSpec(Spec):
    """VPC flow logs."""

    enabled: bool = Field(
        default=True, description="Record the VPC's accepted and rejected traffic."
    )
    destination: Literal["s3", "cloudwatch"] = Field(
        default="s3",
        description="Where flow logs go. `s3`: the bucket of logs, encrypted by S3's own key, for "
        "`storage.logs_days`; half the price. `cloudwatch`: a log group under our own key, which "
        "Logs Insights can query.",
    )
    retention_days: LogRetention = Field(
        default=90, description="Days that flow logs are kept in CloudWatch Logs."
    )
    aggregation_seconds: Literal[60, 600] = Field(
        default=600, description="Seconds of traffic that one record covers."
    )


class FlowLogs(Component):
    """The VPC's flow logs.

    Produces: the flow log; with `cloudwatch` also its log group and role; nothing when the
    settings disable it.
    """

    def __init__(
        self,
        name: str,
        spec: FlowLogsSpec,
        place: Place,
        *,
        vpc_id: pulumi.Input[str],
        logs: ReadyBucket,
        key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:flowLogs:FlowLogs", name, place, data_class="internal", opts=opts)
        if spec.enabled and spec.destination == "s3":
            # The delivery service writes under a policy of the bucket, and needs no role.
            aws.ec2.FlowLog(
                name,
                vpc_id=vpc_id,
                traffic_type="ALL",
                log_destination_type="s3",
                log_destination=pulumi.Output.concat(logs.arn, "/flow-logs"),
                max_aggregation_interval=spec.aggregation_seconds,
                opts=self.child(),
            )
        elif spec.enabled:
            self._in_cloudwatch(name, spec, vpc_id, key_arn)
        self.register_outputs({})

    def _in_cloudwatch(
        self, name: str, spec: FlowLogsSpec, vpc_id: pulumi.Input[str], key_arn: pulumi.Input[str]
    ) -> None:
        group = aws.cloudwatch.LogGroup(
            name,
            name=f"/{self.place.prefix}/flow-logs",
            kms_key_id=key_arn,
            retention_in_days=spec.retention_days,
            opts=self.child(),
        )
        writer = service_role(
            self,
            name,
            "vpc-flow-logs.amazonaws.com",
            allow(
                ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                [pulumi.Output.concat(group.arn, ":*")],
            ),
            confined=True,
        )
        aws.ec2.FlowLog(
            name,
            vpc_id=vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=writer.arn,
            max_aggregation_interval=spec.aggregation_seconds,
            opts=self.child(depends_on=[writer.policy]),
        )
