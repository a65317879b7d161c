"""Flow logs: who talked to whom in the VPC, kept in CloudWatch Logs under our own key."""

from typing import Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.component import Component, Place
from components.iam import allow, document, trust
from components.spec import LogRetention, Spec


class FlowLogsSpec(Spec):
    """VPC flow logs."""

    enabled: bool = Field(
        default=True, description="Record accepted and rejected traffic of the VPC."
    )
    retention_days: LogRetention = Field(default=90, description="Days that the records are kept.")
    aggregation_seconds: Literal[60, 600] = Field(
        default=600, description="Seconds of traffic that one record sums up."
    )


class FlowLogs(Component):
    """The VPC's flow logs; produces log group, role and flow log, or nothing when disabled."""

    def __init__(
        self,
        name: str,
        spec: FlowLogsSpec,
        place: Place,
        *,
        vpc_id: pulumi.Input[str],
        key_arn: pulumi.Input[str],
    ) -> None:
        super().__init__("arca:flowLogs:FlowLogs", name, place, data_class="internal")
        if spec.enabled:
            group = aws.cloudwatch.LogGroup(
                name,
                name=f"/{place.prefix}/flow-logs",
                kms_key_id=key_arn,
                retention_in_days=spec.retention_days,
                opts=self.child(),
            )
            role = aws.iam.Role(
                name,
                assume_role_policy=trust(
                    "vpc-flow-logs.amazonaws.com", account_id=place.account_id
                ),
                opts=self.child(),
            )
            writes = allow(
                ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                [pulumi.Output.concat(group.arn, ":*")],
            )
            policy = aws.iam.RolePolicy(
                name, role=role.name, policy=document(writes), opts=self.child()
            )
            aws.ec2.FlowLog(
                name,
                vpc_id=vpc_id,
                traffic_type="ALL",
                log_destination_type="cloud-watch-logs",
                log_destination=group.arn,
                iam_role_arn=role.arn,
                max_aggregation_interval=spec.aggregation_seconds,
                opts=self.child(depends_on=[policy]),
            )
        self.register_outputs({})
