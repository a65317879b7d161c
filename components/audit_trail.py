"""Audit records: copied from the service's log to a bucket in which nobody can delete them."""

import pulumi
import pulumi_aws as aws

from components.component import Component, Place
from components.iam import allow, service_role

PATTERN = "{ $.audit IS TRUE }"
"""The filter for log lines that are audit records (docs/service-contract.md)."""
BUFFER_SECONDS, BUFFER_MIB = 60, 5
ERROR_DAYS = 90
"""Days that errors of the delivery are kept."""


class AuditTrail(Component):
    """The copy of audit records.

    Produces: delivery stream, subscription of the service's log group, a role for each, and the log
    group of what could not be delivered.
    """

    def __init__(
        self,
        name: str,
        place: Place,
        *,
        log_group: pulumi.Input[str],
        bucket_arn: pulumi.Input[str],
        key_arn: pulumi.Input[str],
        log_key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "arca:auditTrail:AuditTrail", name, place, data_class="confidential", opts=opts
        )
        errors = aws.cloudwatch.LogGroup(
            name,
            name=f"/{place.prefix}/audit-delivery",
            kms_key_id=log_key_arn,
            retention_in_days=ERROR_DAYS,
            opts=self.child(),
        )
        stream_name = aws.cloudwatch.LogStream(
            name, name="errors", log_group_name=errors.name, opts=self.child()
        )
        objects = pulumi.Output.concat(bucket_arn, "/*")
        via_s3 = {"StringEquals": {"kms:ViaService": f"s3.{place.region}.amazonaws.com"}}
        # Amazon Data Firehose Developer Guide, "Grant Firehose access to an Amazon S3
        # destination".
        writer = service_role(
            self,
            f"{name}-writer",
            "firehose.amazonaws.com",
            allow(["s3:PutObject", "s3:AbortMultipartUpload"], [objects]),
            allow(
                ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                [bucket_arn],
            ),
            allow(["kms:Decrypt", "kms:GenerateDataKey"], [key_arn], condition=via_s3),
            allow(["logs:PutLogEvents"], [pulumi.Output.concat(errors.arn, ":*")]),
            confined=False,
        )
        stream = aws.kinesis.FirehoseDeliveryStream(
            name,
            name=f"{place.prefix}-audit",
            destination="extended_s3",
            server_side_encryption={"enabled": True, "key_type": "AWS_OWNED_CMK"},
            extended_s3_configuration={
                "bucket_arn": bucket_arn,
                "role_arn": writer.arn,
                "kms_key_arn": key_arn,
                "prefix": "service/!{timestamp:yyyy/MM/dd}/",
                "error_output_prefix": "failed/!{firehose:error-output-type}/",
                "buffering_interval": BUFFER_SECONDS,
                "buffering_size": BUFFER_MIB,
                "compression_format": "GZIP",
                "cloudwatch_logging_options": {
                    "enabled": True,
                    "log_group_name": errors.name,
                    "log_stream_name": stream_name.name,
                },
                # CloudWatch sends compressed envelopes; the processors keep the log lines alone.
                "processing_configuration": {
                    "enabled": True,
                    "processors": [
                        {
                            "type": "Decompression",
                            "parameters": [
                                {"parameter_name": "CompressionFormat", "parameter_value": "GZIP"}
                            ],
                        },
                        {
                            "type": "CloudWatchLogProcessing",
                            "parameters": [
                                {
                                    "parameter_name": "DataMessageExtraction",
                                    "parameter_value": "true",
                                }
                            ],
                        },
                    ],
                },
            },
            opts=self.child(depends_on=[writer.policy]),
        )
        sender = service_role(
            self,
            f"{name}-sender",
            "logs.amazonaws.com",
            allow(["firehose:PutRecord", "firehose:PutRecordBatch"], [stream.arn]),
            confined=True,
        )
        aws.cloudwatch.LogSubscriptionFilter(
            name,
            name="audit",
            log_group=log_group,
            filter_pattern=PATTERN,
            destination_arn=stream.arn,
            role_arn=sender.arn,
            opts=self.child(depends_on=[sender.policy]),
        )
        self.register_outputs({})
