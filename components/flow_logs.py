"""Flow logs: a record of the VPC's traffic, in a bucket of their own or in CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.bucket import expire, private_bucket
from components.component import Component, Place
from components.iam import Statement, allow, service_role
from components.spec import LogRetention, Spec


class FlowLogsSpec(Spec):
    """VPC flow logs."""

    enabled: bool = Field(
        default=True, description="Record the VPC's accepted and rejected traffic."
    )
    destination: Literal["s3", "cloudwatch"] = Field(
        default="s3",
        description="Where flow logs go. `s3`: a bucket of their own, encrypted by S3's own key; "
        "half the price. `cloudwatch`: a log group under our own key, which Logs Insights can "
        "query.",
    )
    retention_days: LogRetention = Field(default=90, description="Days that flow logs are kept.")
    aggregation_seconds: Literal[60, 600] = Field(
        default=600, description="Seconds of traffic that one record covers."
    )


class FlowLogs(Component):
    """The VPC's flow logs.

    Produces: the flow log, and its bucket, or with `cloudwatch` its log group and role; nothing
    when the settings disable it.
    """

    def __init__(
        self,
        name: str,
        spec: FlowLogsSpec,
        place: Place,
        *,
        vpc_id: pulumi.Input[str],
        key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("arca:flowLogs:FlowLogs", name, place, data_class="internal", opts=opts)
        if spec.enabled and spec.destination == "s3":
            self._in_s3(name, spec, vpc_id)
        elif spec.enabled:
            self._in_cloudwatch(name, spec, vpc_id, key_arn)
        self.register_outputs({})

    def _in_s3(self, name: str, spec: FlowLogsSpec, vpc_id: pulumi.Input[str]) -> None:
        # Not in the bucket of logs: whoever creates a flow log and may change the bucket's policy
        # has AWS overwrite it (Amazon VPC User Guide, "Amazon S3 bucket permissions for flow
        # logs"), and load balancers could no longer write there. Here it would cost the rule
        # against plain HTTP, which the check for drift shows. Not protected, so that the settings
        # can move flow logs elsewhere.
        bucket = private_bucket(
            self, name, key_arn=None, protect=False, statements=_delivery(self.place)
        )
        expire(self, name, bucket, days=spec.retention_days)
        aws.ec2.FlowLog(
            name,
            _records(spec, vpc_id, "s3", bucket.arn),
            # EC2 refuses a second one to the same place (CreateFlowLogs, FlowLogAlreadyExists).
            opts=pulumi.ResourceOptions.merge(
                self.child(), pulumi.ResourceOptions(delete_before_replace=True)
            ),
        )

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
            # Amazon VPC User Guide, "IAM role for publishing flow logs to CloudWatch Logs".
            allow(["logs:DescribeLogGroups"], ["*"]),
            confined=True,
        )
        aws.ec2.FlowLog(
            name,
            _records(spec, vpc_id, "cloud-watch-logs", group.arn, role_arn=writer.arn),
            opts=self.child(depends_on=[writer.policy]),
        )


def _records(
    spec: FlowLogsSpec,
    vpc_id: pulumi.Input[str],
    kind: str,
    destination: pulumi.Output[str],
    *,
    role_arn: pulumi.Output[str] | None = None,
) -> aws.ec2.FlowLogArgs:
    return aws.ec2.FlowLogArgs(
        vpc_id=vpc_id,
        traffic_type="ALL",
        log_destination_type=kind,
        log_destination=destination,
        iam_role_arn=role_arn,
        max_aggregation_interval=spec.aggregation_seconds,
    )


def _delivery(place: Place) -> Callable[[pulumi.Output[str]], tuple[Statement, ...]]:
    """Return the statements that AWS would write; it needs no role.

    Source: Amazon VPC User Guide, "Amazon S3 bucket permissions for flow logs". ListBucket spares
    errors in CloudTrail (Amazon CloudWatch Logs User Guide, "Logs sent to Amazon S3").
    """
    account_id = place.account_id
    delivery = {"Service": "delivery.logs.amazonaws.com"}
    sent = {"ArnLike": {"aws:SourceArn": f"arn:aws:logs:{place.region}:{account_id}:*"}}
    ours = {"aws:SourceAccount": account_id}

    def statements(arn: pulumi.Output[str]) -> tuple[Statement, ...]:
        return (
            allow(
                ["s3:PutObject"],
                [pulumi.Output.concat(arn, f"/AWSLogs/{account_id}/*")],
                principal=delivery,
                condition={
                    "StringEquals": {**ours, "s3:x-amz-acl": "bucket-owner-full-control"},
                    **sent,
                },
                sid="AWSLogDeliveryWrite",
            ),
            allow(
                ["s3:GetBucketAcl", "s3:ListBucket"],
                [arn],
                principal=delivery,
                condition={"StringEquals": ours, **sent},
                sid="AWSLogDeliveryAclCheck",
            ),
        )

    return statements
